//! `signet migrate`: brings the database's schema up to date.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::Common;
use super::record::{self, Record};
use crate::app::App;

/// Applies what is missing. Harmless when nothing is, and when several do it at once.
pub(super) async fn run(common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let report = App::migrate(common.load(console)?).await?;
    let note = match report.applied.len() {
        0 => "The schema is up to date; there was nothing to do.".to_owned(),
        1 => "One step was applied; the schema is up to date.".to_owned(),
        count => format!("{count} steps were applied; the schema is up to date."),
    };
    let record = Record::default().with("applied", report.applied).with("steps", report.total);
    record::show(console, common.format, &record.note(note))
}
