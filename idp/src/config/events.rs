//! `[events]`: what others are told.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "What others are told: Redis channels, webhooks, the stream of the admin API.";

/// How long events are kept, and who may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// How long an event is kept that everybody has.
    pub retention: Duration,
    /// How many streams a node serves at a time.
    pub max_streams: std::num::NonZeroU32,
}

impl Events {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            retention: section.value(
                "retention",
                Duration::from_hours(72),
                "How long an event is kept for those who read or follow the list of events. One that hasn't been \
                 delivered yet is kept longer.",
            ),
            max_streams: section.value(
                "max_streams",
                std::num::NonZeroU32::MIN.saturating_add(99),
                "How many streams of events a node serves at a time; half of them at most are one tenant's.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        if self.retention < Duration::from_mins(1) {
            vec![Fault::new("retention", "must be 1m or longer")]
        } else {
            Vec::new()
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
