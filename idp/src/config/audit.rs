//! `[audit]`: how long the audit log is kept.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "The audit log: who signed in, what was refused, what was changed.";

/// How long the audit log is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// How long a line is kept.
    pub retention: Duration,
}

impl Audit {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            retention: section.value(
                "retention",
                Duration::from_hours(400 * 24),
                "How long a line is kept. What is left can still be verified.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        if self.retention < Duration::from_hours(1) {
            vec![Fault::new("retention", "must be 1h or longer")]
        } else {
            Vec::new()
        }
    }
}

impl Default for Audit {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
