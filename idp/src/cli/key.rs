//! `signet key`: a tenant's signing keys. They rotate by themselves; here one looks at them, and does it by hand.

use std::path::PathBuf;

use keys::{Algorithm, KeyEncryptionKey, KeySpec};

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{ACTOR, Common, TenantOption, one_of};
use super::password;
use super::record::{self, Record};
use crate::app::App;
use crate::domain::{Secret, Timestamp};
use crate::service::ctx::Ctx;
use crate::service::key_rings::{self, KeyChange, KeyChangeError, StoredKey};
use crate::service::reseal;

/// Verbs of `signet key`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List a tenant's keys: staged, active, retiring and retired
    List {
        #[command(flatten)]
        tenant: TenantOption,
    },
    /// Show one key
    Show(Named),
    /// Make a key and publish it; it signs once it is activated
    Create {
        /// Algorithm that it signs with
        #[arg(long, default_value = "RS256", value_parser = one_of(&Algorithm::ALL, |alg| alg.name()))]
        alg: Algorithm,
        /// Size of an RSA key: 2048, 3072 or 4096 [default: 2048]
        #[arg(long)]
        bits: Option<u32>,
        #[command(flatten)]
        tenant: TenantOption,
    },
    /// Sign with a staged key from now on; the one that signed before begins to retire
    Activate {
        #[command(flatten)]
        named: Named,
        /// Even if clients may not have seen it yet: some refuse its tokens for a while
        #[arg(long)]
        emergency: bool,
    },
    /// Take a key out of the published set
    Retire {
        #[command(flatten)]
        named: Named,
        /// Even if tokens that it signed are still about: they are refused from now on
        #[arg(long)]
        emergency: bool,
    },
    /// Seal all private keys under the configured key-encryption key, after it was changed
    Reseal {
        /// File with the former key-encryption key, base64 or hexadecimal
        #[arg(long, value_name = "FILE", required_unless_present = "previous_key_stdin")]
        previous_key_file: Option<PathBuf>,
        /// Read the former key-encryption key from standard input
        #[arg(long, conflicts_with = "previous_key_file")]
        previous_key_stdin: bool,
    },
}

/// Which key.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// Its kid
    #[arg(allow_hyphen_values = true)]
    kid: String,
    #[command(flatten)]
    tenant: TenantOption,
}

/// Runs a verb.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let app = common.open(console).await?;
    let answer = answer(verb, common, console, &app).await;
    app.close().await;
    answer
}

async fn answer(verb: Verb, common: &Common, console: &mut Console<'_>, app: &App) -> Result<Exit, CliError> {
    let ctx = &app.ctx;
    let record = match verb {
        Verb::List { tenant } => {
            let tenant = tenant.find(app).await?;
            let found = key_rings::list(ctx, tenant.id).await?;
            let records: Vec<Record> = found.iter().map(|key| record(ctx, key)).collect();
            return record::list(console, common.format, &records, &["kid", "alg", "state", "since", "next"]);
        }
        Verb::Show(Named { kid, tenant }) => {
            let tenant = tenant.find(app).await?;
            let found = key_rings::list(ctx, tenant.id).await?;
            let key = found.iter().find(|key| key.jwk.kid().as_str() == kid).ok_or(KeyChangeError::Unknown(kid))?;
            record(ctx, key).with("jwk", serde_json::to_value(&key.jwk).unwrap_or_default())
        }
        Verb::Create { alg, bits, tenant } => {
            let spec = KeySpec::new(alg, bits).map_err(|error| CliError::usage(error.to_string()))?;
            let tenant = tenant.find(app).await?;
            record(ctx, &key_rings::stage(ctx, tenant.id, spec, ACTOR).await?)
        }
        Verb::Activate { named, emergency } => {
            let how = if emergency { KeyChange::ActivateInEmergency } else { KeyChange::Activate };
            change(&named, how, app).await?
        }
        Verb::Retire { named, emergency } => {
            let how = if emergency { KeyChange::RetireInEmergency } else { KeyChange::Retire };
            change(&named, how, app).await?
        }
        Verb::Reseal { previous_key_file, .. } => {
            let previous = previous_key(previous_key_file, console)?;
            let resealed = reseal::reseal(ctx, previous, ACTOR).await?;
            Record::default()
                .with("resealed", resealed.changed)
                .with("unchanged", resealed.unchanged)
                .note("Every `signet serve` has to run with the new key-encryption key from now on.")
        }
    };
    record::show(console, common.format, &record)
}

async fn change(named: &Named, how: KeyChange, app: &App) -> Result<Record, CliError> {
    let tenant = named.tenant.find(app).await?;
    Ok(record(&app.ctx, &key_rings::change(&app.ctx, tenant.id, &named.kid, how, ACTOR).await?))
}

fn previous_key(file: Option<PathBuf>, console: &mut Console<'_>) -> Result<KeyEncryptionKey, CliError> {
    let text = match file {
        Some(path) => std::fs::read_to_string(&path)
            .map(Secret::new)
            .map_err(|error| CliError::io(format!("{} can't be read", path.display()), &error))?,
        None => password::read_line(console, "former key-encryption key")?,
    };
    KeyEncryptionKey::from_text(text.expose().trim()).map_err(|error| CliError::usage(error.to_string()))
}

fn record(ctx: &Ctx, key: &StoredKey) -> Record {
    let life = &key.lifecycle;
    let rules = key_rings::rules(ctx);
    let at = |millis: Option<i64>| millis.map(Timestamp::from_millis);
    let since = life.retired_at().or(life.retiring_at()).or(life.activated_at()).unwrap_or(life.staged_at());
    let (may_activate, may_retire) = (at(life.may_activate_at(&rules)), at(life.may_retire_at(&rules)));
    let next = may_activate.map(|at| ("may sign from", at)).or(may_retire.map(|at| ("may go from", at)));
    Record::default()
        .with("kid", key.jwk.kid().as_str())
        .with("alg", key.jwk.algorithm().name())
        .with("state", life.state().as_str())
        .with_time("since", Timestamp::from_millis(since))
        .with_text("next", next.map(|(what, at)| format!("{what} {}", record::rfc3339(at))))
        .with_time("staged_at", at(Some(life.staged_at())))
        .with_time("activated_at", at(life.activated_at()))
        .with_time("retiring_at", at(life.retiring_at()))
        .with_time("retired_at", at(life.retired_at()))
        .with_time("may_activate_at", may_activate)
        .with_time("may_retire_at", may_retire)
}
