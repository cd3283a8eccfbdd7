//! `[sign_up]`: limits on accounts that people make for themselves.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Limits on accounts that people make for themselves, where a tenant lets them. They are kept in \
    the database.";

/// Limits on sign-ups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignUp {
    /// Attempts from one address within `address_window`.
    pub address_limit: NonZeroU32,
    /// Time over which attempts from an address count.
    pub address_window: Duration,
}

impl SignUp {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            address_limit: section.value(
                "address_limit",
                NonZeroU32::new(30).unwrap_or(NonZeroU32::MIN),
                "Attempts from one address (IPv6: one /64) within `address_window` before it has to wait, whatever comes \
                 of them.",
            ),
            address_window: section.value(
                "address_window",
                Duration::from_hours(1),
                "Time over which these attempts count.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let short = self.address_window < Duration::from_secs(1);
        short.then(|| Fault::new("address_window", "must be 1s or longer")).into_iter().collect()
    }
}

impl Default for SignUp {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
