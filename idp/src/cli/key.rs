//! `signet key`: a tenant's signing keys. They rotate by themselves; here one looks at them, and does it by hand.

use std::path::PathBuf;

use keys::{Algorithm, KeyEncryptionKey};

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{ACTOR, Common, one_of};
use super::password;
use super::place::{self, Administration, Place, with_app};
use super::record::{self, Record};
use crate::domain::Secret;
use crate::http::admin::model::{Key, NewKey};
use crate::service::key_rings::KeyChange;
use crate::service::reseal;

/// Verbs of `signet key`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    #[command(flatten)]
    Tenant(TenantVerb),
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

/// Verbs that are about one tenant.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum TenantVerb {
    /// List a tenant's keys: staged, active, retiring and retired
    List {
        #[command(flatten)]
        place: Place,
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
        place: Place,
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
}

/// Which key.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// Its kid
    #[arg(allow_hyphen_values = true)]
    kid: String,
    #[command(flatten)]
    place: Place,
}

/// Runs a verb.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    match verb {
        Verb::Tenant(verb) => place::run(verb, common, console).await,
        Verb::Reseal { previous_key_file, .. } => {
            with_app(common, console, async |app, console| {
                let previous = previous_key(previous_key_file, console)?;
                let resealed = reseal::reseal(&app.ctx, previous, ACTOR).await?;
                let record = Record::default()
                    .with("resealed", resealed.changed)
                    .with("unchanged", resealed.unchanged)
                    .note("Every `signet serve` has to run with the new key-encryption key from now on.");
                record::show(console, common.format, &record)
            })
            .await
        }
    }
}

impl place::Verb for TenantVerb {
    fn place(&self) -> &Place {
        match self {
            Self::List { place } | Self::Create { place, .. } => place,
            Self::Show(named) | Self::Activate { named, .. } | Self::Retire { named, .. } => &named.place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        let record = match self {
            Self::List { .. } => {
                let records: Vec<Record> = admin.list_keys().await?.iter().map(record).collect();
                return record::list(console, common.format, &records, &["kid", "alg", "state", "since", "next"]);
            }
            Self::Show(named) => {
                let key = admin.find_key(&named.kid).await?;
                record(&key).with("jwk", key.jwk.0)
            }
            Self::Create { alg, bits, .. } => record(&admin.create_key(NewKey::of(alg, bits)).await?),
            Self::Activate { named, emergency } => {
                let how = if emergency { KeyChange::ActivateInEmergency } else { KeyChange::Activate };
                record(&admin.change_key(&named.kid, how).await?)
            }
            Self::Retire { named, emergency } => {
                let how = if emergency { KeyChange::RetireInEmergency } else { KeyChange::Retire };
                record(&admin.change_key(&named.kid, how).await?)
            }
        };
        record::show(console, common.format, &record)
    }
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

fn record(key: &Key) -> Record {
    let text = |at: &Option<crate::http::admin::model::DateTime>| at.as_ref().map(|at| at.0.clone());
    let since = [&key.retired_at, &key.retiring_at, &key.activated_at].into_iter().find_map(text);
    let (may_activate, may_retire) = (text(&key.may_activate_at), text(&key.may_retire_at));
    let next = may_activate
        .map(|at| format!("may sign from {at}"))
        .or_else(|| may_retire.map(|at| format!("may go from {at}")));
    Record::of(key)
        .with_all(&["kid", "alg", "state"])
        .with("since", since.unwrap_or_else(|| key.staged_at.0.clone()))
        .with_text("next", next)
        .with_all(&["staged_at", "activated_at", "retiring_at", "retired_at", "may_activate_at", "may_retire_at"])
}
