//! The command line.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{limit::Limit, measure::Measure};

/// Starts a Signet server on a fresh database, drives it, and prints one table of figures.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    /// What this process is, when it's not the benchmark itself.
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    /// What to measure, and how.
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What the benchmark starts of itself, on the server's core.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// Serves a bare "hello": the limit of the web framework.
    #[command(hide = true)]
    Hello {
        /// Port on 127.0.0.1.
        #[arg(long)]
        port: u16,
    },
    /// Measures one limit of this core and prints its row as JSON.
    #[command(hide = true)]
    Limit {
        /// Which.
        limit: Limit,
        /// For how long.
        #[arg(long, default_value = "5", value_parser = seconds)]
        seconds: Duration,
    },
}

/// What to measure, and how.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// The server's binary.
    #[arg(long, value_name = "PATH", default_value = "target/release/signet")]
    pub(crate) server: PathBuf,
    /// How long each figure is taken, after the warm-up.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub(crate) seconds: Duration,
    /// How long each load runs before its figures count.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) warm_up: Duration,
    /// Connections that the load keeps open, each with one request at a time.
    #[arg(long, value_name = "COUNT", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(crate) connections: u16,
    /// Takes only these measures and the limits that they are compared with, e.g. `P1,P4`; `limits` alone takes the limits.
    #[arg(long, value_name = "CODES", value_delimiter = ',', ignore_case = true)]
    pub(crate) only: Vec<Selection>,
    /// How the table is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Folder that holds the servers' data folders while they run; it must be on the disk that is to be measured.
    /// By default the folder above that of the server's binary.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// URL of a superuser at the PostgreSQL server that P13 uses; one of our own is started unless given. It must end
    /// with the server's address, `/postgres`, or options after `?`.
    #[arg(long, value_name = "URL")]
    pub(crate) postgres: Option<String>,
}

/// One word of `--only`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    /// All limits.
    Limits,
    /// One measure and its limits.
    Measure(Measure),
}

impl ValueEnum for Selection {
    fn value_variants<'a>() -> &'a [Self] {
        const { &Measure::SELECTIONS }
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(match self {
            Self::Limits => "limits",
            Self::Measure(measure) => measure.code(),
        }))
    }
}

/// How the table is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for a terminal.
    Text,
    /// A table for a document.
    Markdown,
    /// One object for a program.
    Json,
}

/// Seconds, with fractions if need be, above zero and up to an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| format!("`{text}` is not a number of seconds"))?;
    if value > 0.0 && value <= 3600.0 {
        Ok(Duration::from_secs_f64(value))
    } else {
        Err("must be above 0 and at most 3600".into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn measures_are_selected_by_their_codes_in_any_case() {
        let arguments = Arguments::try_parse_from(["bench", "--only", "p1,P4,limits", "--seconds", "0.5"]).unwrap();
        assert_eq!(
            arguments.options.only,
            [Selection::Measure(Measure::ClientCredentials), Selection::Measure(Measure::Documents), Selection::Limits,]
        );
        assert_eq!(arguments.options.seconds, Duration::from_millis(500));
    }

    #[test]
    fn nonsense_is_refused() {
        for arguments in [["--only", "P99"], ["--seconds", "0"], ["--seconds", "NaN"], ["--connections", "0"]] {
            assert!(Arguments::try_parse_from(["bench"].into_iter().chain(arguments)).is_err(), "{arguments:?}");
        }
    }
}
