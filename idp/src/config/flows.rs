//! `[flows]`: lifetime of authorization flows.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Authorization flows: from a client's request to the way back to it.";

/// Lifetime of authorization flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flows {
    /// How long a sign-in page may stay open.
    pub lifetime: Duration,
}

impl Flows {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            lifetime: section.value(
                "lifetime",
                Duration::from_hours(24),
                "How long a sign-in page may stay open and still lead back to the client. Each request is kept so long, whoever \
                 sent it.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        if self.lifetime < Duration::from_mins(1) {
            vec![Fault::new("lifetime", "must be 1m or longer")]
        } else {
            Vec::new()
        }
    }
}

impl Default for Flows {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
