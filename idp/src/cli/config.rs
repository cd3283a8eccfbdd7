//! `signet config`: checks the configuration, shows what can be configured.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, Origin};
use super::record::{self, Record};
use crate::config::{self, DatabaseKind};

/// Verbs of `signet config`.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Read the configuration and name everything that is wrong with it
    Check,
    /// Print a configuration file with every setting, its meaning and its default
    Reference,
}

/// Runs a verb.
pub(super) fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    match verb {
        Verb::Check => check(common, console),
        Verb::Reference => record::print(console, &config::reference()),
    }
}

fn check(common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let config = common.load(console)?;
    let database = match config.database.kind() {
        Some(DatabaseKind::Sqlite) => "SQLite",
        Some(DatabaseKind::Postgres) => "PostgreSQL",
        None => "unknown",
    };
    let record = Record::default()
        .with_text("from", from(common, console)?)
        .with("issuer", config.issuer.as_str())
        .with("database", database)
        .with_text("http", config.listen.plain_address())
        .with_text("https", config.listen.encrypted_address())
        .note("The configuration can be used. `signet doctor` holds it against the world.");
    record::show(console, common.format, &record)
}

/// Where the configuration came from, for people.
pub(super) fn from(common: &Common, console: &Console<'_>) -> Result<Option<String>, CliError> {
    Ok(Some(match common.origin(console)? {
        Origin::File(file) => file.display().to_string(),
        Origin::Data(folder) => folder.display().to_string(),
        Origin::Environment => "the environment".to_owned(),
    }))
}
