//! `signet completion`: scripts that complete commands in a shell.

use clap_complete::Shell;

use super::console::Console;
use super::exit::{CliError, Exit};
use super::record;

/// Options of `signet completion`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
pub(super) fn run(
    arguments: Arguments,
    mut command: clap::Command,
    console: &mut Console<'_>,
) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "signet", &mut script);
    record::print(console, &String::from_utf8_lossy(&script))
}
