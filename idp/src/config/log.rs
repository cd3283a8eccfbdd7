//! `[log]`: what is logged, and how.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
    /// What a request's line says of the client's address.
    pub address: LogAddress,
}

/// What is logged of a client's network address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogAddress {
    /// All of it.
    #[default]
    Full,
    /// Its network: the first 24 bits of an IPv4 address, 48 of an IPv6 one.
    Network,
    /// Nothing.
    None,
}

impl LogAddress {
    /// What is logged of this one.
    pub fn of(self, address: IpAddr) -> Option<IpAddr> {
        match (self, address.to_canonical()) {
            (Self::None, _) => None,
            (Self::Full, address) => Some(address),
            (Self::Network, IpAddr::V4(address)) => Some((address & Ipv4Addr::new(255, 255, 255, 0)).into()),
            (Self::Network, IpAddr::V6(address)) => {
                Some((address & Ipv6Addr::new(0xffff, 0xffff, 0xffff, 0, 0, 0, 0, 0)).into())
            }
        }
    }
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
            address: section.value(
                "address",
                LogAddress::Full,
                "What a request's line says of the client's address: `full`, `network` (24 bits of IPv4, 48 of IPv6) or \
                 `none`. The audit log isn't meant by this.",
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

impl Setting for LogAddress {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "full" => Ok(Self::Full),
            "network" => Ok(Self::Network),
            "none" => Ok(Self::None),
            _ => Err("expected full, network or none".to_owned()),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Full => "full".to_owned(),
            Self::Network => "network".to_owned(),
            Self::None => "none".to_owned(),
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
