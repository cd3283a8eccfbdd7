//! `[deliveries]`: messages that are sent until they are taken.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Messages that Signet sends to others about what has happened, such as logout tokens. They \
    wait in the database and are tried until they are taken, with ever longer pauses; then they are dead letters, which \
    can be sent again.";

/// Messages that are sent until they are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliveries {
    /// Attempts before a message is dead.
    pub attempts: NonZeroU32,
    /// The pause after the first attempt that fails; each further one is twice as long.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How old a message may get before an attempt that fails is its last.
    pub give_up_after: Duration,
    /// How long dead letters are kept.
    pub keep_dead: Duration,
}

impl Deliveries {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            attempts: section.value(
                "attempts",
                NonZeroU32::new(16).unwrap_or(NonZeroU32::MIN),
                "Attempts before a message is given up.",
            ),
            first_pause: section.value(
                "first_pause",
                Duration::from_secs(2),
                "The pause after the first attempt that fails. Each further one is twice as long, give or take a quarter.",
            ),
            longest_pause: section.value("longest_pause", Duration::from_hours(1), "The longest pause."),
            give_up_after: section.value(
                "give_up_after",
                Duration::from_hours(3 * 24),
                "How long a message waits at most for a target that takes nothing: when an attempt fails after that, it is \
                 given up, and so is all that has waited as long for the same target.",
            ),
            keep_dead: section.value(
                "keep_dead",
                Duration::from_hours(30 * 24),
                "How long messages that were given up are kept, counted from then on.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.first_pause < Duration::from_millis(10) {
            faults.push(Fault::new("first_pause", "must be 10ms or longer"));
        }
        if self.longest_pause < self.first_pause {
            faults.push(Fault::new("longest_pause", "must be as long as deliveries.first_pause or longer"));
        }
        if self.longest_pause > Duration::from_hours(24) {
            faults.push(Fault::new("longest_pause", "must be 24h or shorter"));
        }
        faults
    }
}

impl Default for Deliveries {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
