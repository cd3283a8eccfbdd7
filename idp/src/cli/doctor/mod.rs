//! `signet doctor`: holds the configuration against the world that it is to run in. It changes nothing.

mod certificate;
mod discovery;

use serde_json::json;
use time::OffsetDateTime;

use super::config;
use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{self, Common};
use super::record::{self, Format, rfc3339};
use crate::app::{App, AppError};
use crate::config::{Config, DatabaseKind};
use crate::domain::Timestamp;
use crate::service::clock::{Clock as _, SystemClock};
use crate::service::ctx::Ctx;
use crate::service::{key_rings, tenants};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// As it should be.
    Ok,
    /// Somebody should look at it, and it may be meant so.
    Warn,
    /// Signet doesn't work like this.
    Fail,
}

impl Level {
    const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found, in order.
#[derive(Debug, Default)]
struct Findings(Vec<(&'static str, Level, String)>);

impl Findings {
    fn ok(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push((check, Level::Ok, text.into()));
    }

    fn warn(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push((check, Level::Warn, text.into()));
    }

    fn fail(&mut self, check: &'static str, text: impl Into<String>) {
        self.0.push((check, Level::Fail, text.into()));
    }

    fn failed(&self) -> bool {
        self.0.iter().any(|(_, level, _)| *level == Level::Fail)
    }

    fn text(&self) -> String {
        let line = |(check, level, text): &(&str, Level, String)| {
            format!("{:4}  {check:13}  {}\n", level.name(), text.replace('\n', "\n                     "))
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> serde_json::Value {
        let check = |(check, level, text): &(&str, Level, String)| json!({ "check": check, "level": level.name(), "message": text });
        json!({ "ok": !self.failed(), "checks": self.0.iter().map(check).collect::<Vec<_>>() })
    }
}

/// Looks at everything, even after something was found.
pub(super) async fn run(common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let mut findings = Findings::default();
    clock(&mut findings);
    match common.load(console) {
        Ok(config) => {
            let from = config::from(common, console)?.unwrap_or_default();
            findings.ok("configuration", format!("from {from}"));
            certificate::check(&config.listen, &mut findings);
            database(&config, &mut findings).await;
            discovery::check(&config.issuer, &mut findings).await;
        }
        Err(error) => findings.fail("configuration", error.to_string()),
    }
    let text = match common.format {
        Format::Text => findings.text(),
        Format::Json => format!("{:#}\n", findings.json()),
    };
    record::print(console, &text)?;
    Ok(if findings.failed() { Exit::Failed } else { Exit::Ok })
}

/// A machine without a clock wakes up in 1970 or in the year in which it was built.
fn clock(findings: &mut Findings) {
    let now = SystemClock.now();
    let year = OffsetDateTime::from_unix_timestamp(now.seconds()).map_or(0, OffsetDateTime::year);
    if (2025..2100).contains(&year) {
        findings.ok("clock", rfc3339(now));
    } else {
        findings.fail("clock", format!("it is {} on this machine; tokens would be wrong: set the clock", rfc3339(now)));
    }
}

async fn database(config: &Config, findings: &mut Findings) {
    let kind = match config.database.kind() {
        Some(DatabaseKind::Sqlite) => "SQLite",
        Some(DatabaseKind::Postgres) => "PostgreSQL",
        None => "unknown",
    };
    if let Err(error) = options::refuse_missing_file(config) {
        return findings.fail("database", error.to_string());
    }
    let opened = App::open(config.clone()).await;
    let reachable = |findings: &mut Findings| findings.ok("database", format!("{kind}, reachable"));
    match opened {
        Ok(app) => {
            reachable(findings);
            findings.ok("schema", "up to date");
            findings.ok("issuer", app.ctx.config.issuer.to_string());
            file(&app.ctx, findings).await;
            keys(&app.ctx, findings).await;
            if app.ctx.redis.is_configured() {
                match app.ctx.redis.ping().await {
                    Ok(()) => findings.ok("redis", "answers"),
                    Err(error) => findings.fail("redis", format!("{error}; check redis.url and that it runs")),
                }
            }
            app.close().await;
        }
        Err(error) => {
            let check = match &error {
                AppError::Database(_) => "database",
                AppError::Migration(_) | AppError::Unmigrated { .. } => "schema",
                AppError::Issuer { .. } => "issuer",
                AppError::Tenant(_) => "tenants",
                AppError::Passwords(_) => "passwords",
                AppError::Outbound(_) => "outbound",
                AppError::RefreshKeys(_) => "key_encryption_key",
            };
            if check != "database" {
                reachable(findings);
            }
            findings.fail(check, CliError::from(error).to_string());
        }
    }
}

/// A file that an early version made keeps its size, however much is deleted.
async fn file(ctx: &Ctx, findings: &mut Findings) {
    match ctx.database.can_shrink().await {
        Ok(true) => {}
        Ok(false) => findings.warn(
            "database",
            "the file never gets smaller, since an earlier version made it: stop Signet and run `signet migrate --compact`",
        ),
        Err(error) => findings.fail("database", error.to_string()),
    }
}

/// Opens every private key that is still needed.
async fn keys(ctx: &Ctx, findings: &mut Findings) {
    match look_at_keys(ctx).await {
        Ok(looked) if looked.closed.is_empty() && looked.later.is_none() => {
            let text = match looked.count {
                0 => "none yet; the first is made when it is needed".to_owned(),
                1 => "the key-encryption key opens the one that there is".to_owned(),
                count => format!("the key-encryption key opens all {count}"),
            };
            findings.ok("keys", text);
        }
        Ok(looked) => {
            if let Some(at) = looked.later {
                findings.warn(
                    "clock",
                    format!(
                        "a key was made at {}, which is still to come: this clock or another node's is wrong",
                        rfc3339(at)
                    ),
                );
            }
            if let Some(first) = looked.closed.first() {
                findings.fail("keys", format!(
                    "{} of {} private keys can't be opened, the first is {first}: set the key-encryption key that they were \
                     sealed under, or run `signet key reseal` with the former one", looked.closed.len(), looked.count
                ));
            }
        }
        Err(error) => findings.fail("keys", error.to_string()),
    }
}

/// What was seen of the keys.
#[derive(Default)]
struct Keys {
    count: usize,
    closed: Vec<String>,
    later: Option<Timestamp>,
}

async fn look_at_keys(ctx: &Ctx) -> Result<Keys, CliError> {
    let mut looked = Keys::default();
    let mut after = None;
    loop {
        let found = tenants::list(ctx, after, 500).await?;
        let Some(last) = found.last() else { return Ok(looked) };
        after = Some(last.id);
        for tenant in &found {
            let keys = key_rings::list(ctx, tenant.id).await?;
            for key in keys.iter().filter(|key| key.lifecycle.state().is_published()) {
                looked.count += 1;
                if let Err(error) = key_rings::try_open(ctx, tenant.id, key) {
                    looked.closed.push(format!("{} of the tenant {} ({error})", key.jwk.kid(), tenant.slug));
                }
                if key.created_at > ctx.now() + std::time::Duration::from_secs(5) {
                    looked.later = looked.later.max(Some(key.created_at));
                }
            }
        }
    }
}
