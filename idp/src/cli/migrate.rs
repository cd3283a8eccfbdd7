//! `signet migrate`: brings the database's schema up to date.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::Common;
use super::record::{self, Record};
use crate::app::App;

/// Options of `signet migrate`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Arguments {
    /// Also make a SQLite file anew, without the room that deleted rows left; stop `signet serve` meanwhile
    #[arg(long)]
    compact: bool,
}

/// Applies what is missing. Harmless when nothing is, and when several do it at once.
pub(super) async fn run(arguments: &Arguments, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let config = common.load(console)?;
    let report = App::migrate(config.clone()).await?;
    if arguments.compact {
        App::compact(config).await?;
    }
    let note = match report.applied.len() {
        0 => "The schema is up to date; there was nothing to do.".to_owned(),
        1 => "One step was applied; the schema is up to date.".to_owned(),
        count => format!("{count} steps were applied; the schema is up to date."),
    };
    let record = Record::default().with("applied", report.applied).with("steps", report.total);
    record::show(console, common.format, &record.note(note))
}
