//! `[database]`: where data is kept.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};
use crate::domain::Secret;

pub(super) const ABOUT: &str = "Where data is kept: a SQLite file, or PostgreSQL for more than one node.";

/// Where data is kept.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`. A secret, as it may hold a password.
    pub url: Secret,
    /// Most connections of this process.
    pub max_connections: NonZeroU32,
    /// How long a request waits for a free connection before it is answered with 503.
    pub acquire_timeout: Duration,
    /// How long a single read may take before its request is answered with 503.
    pub read_timeout: Duration,
}

/// The two databases that Signet runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    /// One file, one process.
    Sqlite,
    /// A server, any number of processes.
    Postgres,
}

impl Database {
    pub(super) fn read(section: &mut Section<'_>) -> Option<Self> {
        let url = section.secret(
            "url",
            "`sqlite:///var/lib/signet/signet.db` (three slashes before an absolute path) or \
             `postgres://USER:PASSWORD@HOST/NAME`.",
        );
        let beside = Self::read_beside_url(section, Secret::new(""));
        Some(Self { url: url?, ..beside })
    }

    fn read_beside_url(section: &mut Section<'_>, url: Secret) -> Self {
        Self {
            url,
            max_connections: section.value(
                "max_connections",
                NonZeroU32::MIN.saturating_add(9),
                "Most connections of this process.",
            ),
            acquire_timeout: section.value(
                "acquire_timeout",
                Duration::from_secs(3),
                "How long a request waits for a free connection before it is answered with 503.",
            ),
            read_timeout: section.value(
                "read_timeout",
                Duration::from_secs(3),
                "How long a single read may take, the wait for a connection included, before its request is answered \
                 with 503. A write has 8 seconds in all.",
            ),
        }
    }

    /// The database at `url`, everything else by default.
    pub fn at(url: impl Into<String>) -> Self {
        let url = Secret::new(url);
        Reader::defaults(|section| Self::read_beside_url(section, url))
    }

    /// Which of the two it is, by the URL's scheme. `None` for a URL of neither.
    pub fn kind(&self) -> Option<DatabaseKind> {
        let (scheme, _) = self.url.expose().split_once(':')?;
        match scheme {
            "sqlite" => Some(DatabaseKind::Sqlite),
            "postgres" | "postgresql" => Some(DatabaseKind::Postgres),
            _ => None,
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.kind().is_none() {
            faults.push(Fault::new("url", "must begin with sqlite:// or postgres://"));
        }
        for (key, duration) in [("acquire_timeout", self.acquire_timeout), ("read_timeout", self.read_timeout)] {
            if duration.is_zero() {
                faults.push(Fault::new(key, "must be longer than 0s"));
            }
        }
        faults
    }
}
