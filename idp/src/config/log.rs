//! `[log]`: what is logged, and how.

use std::fmt;

use tracing_subscriber::filter::{LevelFilter, Targets};

use super::errors::Fault;
use super::reader::{Reader, Section};
use super::setting::{Form, Setting};

pub(super) const ABOUT: &str = "What is logged to standard error, and how.";

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Lines for people or for machines.
    pub format: LogFormat,
    /// Which events are logged.
    pub filter: LogFilter,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `time level target: message name=value …`.
    Text,
    /// One JSON object a line.
    Json,
}

/// Levels by target, such as `info` or `warn,idp::http=debug`.
#[derive(Clone, PartialEq)]
pub struct LogFilter {
    text: String,
    targets: Targets,
}

impl LogFilter {
    /// The levels themselves.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }
}

impl fmt::Debug for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Log {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            format: section.value("format", LogFormat::Text, "`text` for people, `json` for machines."),
            filter: section.value(
                "filter",
                LogFilter { text: "info".to_owned(), targets: Targets::new().with_default(tracing::Level::INFO) },
                "Lowest level that is logged: error, warn, info, debug or trace; also by module, such as \
                 `info,idp::store=debug`. One line a request is written at info, under `signet::request`.",
            ),
        }
    }

    /// What is wrong with these values: nothing can be, once they are read.
    pub fn validate(&self) -> Vec<Fault> {
        Vec::new()
    }
}

impl Default for Log {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}

impl Setting for LogFormat {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("expected text or json".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

impl Setting for LogFilter {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        // `Targets` takes a word that is no level for a module, so that a slip such as `inof` would silence all others.
        let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
        let meant = text.split(',').all(|part| part.contains('=') || is_level(part));
        match text.parse() {
            Ok(targets) if meant => Ok(Self { text: text.to_owned(), targets }),
            Ok(_) | Err(_) => {
                Err("expected error, warn, info, debug, trace or off, also by module: info,idp::store=debug".to_owned())
            }
        }
    }

    fn show(&self) -> String {
        self.text.clone()
    }
}
