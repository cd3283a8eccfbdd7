//! `[keys]`: rotation of signing keys.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Rotation of signing keys. A key is staged (published, not used), then active, then retiring \
    (published, its tokens are still good), then retired.";

/// Rotation of signing keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// How long a key signs before the next takes over.
    pub rotation_interval: Duration,
    /// How long a key is published before it signs.
    pub staging_time: Duration,
    /// How long a key stays published after it signed for the last time.
    pub retiring_time: Duration,
}

impl Keys {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            rotation_interval: section.value(
                "rotation_interval",
                Duration::from_hours(90 * 24),
                "How long a key signs before the next takes over.",
            ),
            staging_time: section.value(
                "staging_time",
                Duration::from_hours(24),
                "How long a key is published before it signs. Longer than `tokens.jwks_max_age`.",
            ),
            retiring_time: section.value(
                "retiring_time",
                Duration::from_hours(48),
                "How long a key stays published after its last signature. Longer than any token lives, and a client \
                 may register a life of 24 hours.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        if self.rotation_interval <= self.staging_time {
            vec![Fault::new("rotation_interval", "must be longer than keys.staging_time")]
        } else {
            Vec::new()
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
