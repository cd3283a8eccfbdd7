//! `[sessions]`: lifetimes of sessions.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "How long people stay signed in.";

/// Lifetimes of sessions: whichever ends first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// Longest life of a session, from the sign-in on.
    pub lifetime: Duration,
    /// Longest rest of a session, from its last use on.
    pub idle_timeout: Duration,
}

impl Sessions {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            lifetime: section.value(
                "lifetime",
                Duration::from_hours(168),
                "Longest life of a session, from the sign-in on.",
            ),
            idle_timeout: section.value(
                "idle_timeout",
                Duration::from_hours(72),
                "Longest rest of a session, from its last use on. Not longer than `lifetime`.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let minute = Duration::from_mins(1);
        if self.lifetime < minute {
            faults.push(Fault::new("lifetime", "must be 1m or longer"));
        }
        if self.idle_timeout < minute || self.idle_timeout > self.lifetime {
            faults.push(Fault::new("idle_timeout", "must be 1m or longer, and not longer than sessions.lifetime"));
        }
        faults
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
