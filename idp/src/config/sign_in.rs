//! `[sign_in]`: limits on failed sign-ins.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Limits on failed sign-ins. They are kept in the database: a restart doesn't clear them and \
    all nodes share them.";

/// Limits on failed sign-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Failures for one account name within `account_window`.
    pub account_limit: NonZeroU32,
    /// Time over which failures of an account name count.
    pub account_window: Duration,
    /// Failures from one address within `address_window`.
    pub address_limit: NonZeroU32,
    /// Time over which failures from an address count.
    pub address_window: Duration,
    /// The least time that a refusal takes.
    pub refusal_time: Duration,
}

impl SignIn {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let quarter = Duration::from_mins(15);
        Self {
            account_limit: section.value(
                "account_limit",
                nonzero(10),
                "Failures for one account name within `account_window` before it has to wait.",
            ),
            account_window: section.value("account_window", quarter, "Time over which these failures count."),
            address_limit: section.value(
                "address_limit",
                nonzero(100),
                "Failures from one address (IPv6: one /64) within `address_window` before it has to wait.",
            ),
            address_window: section.value("address_window", quarter, "Time over which these failures count."),
            refusal_time: section.value(
                "refusal_time",
                Duration::from_millis(500),
                "The least time that a refusal takes, so that it doesn't tell an account with an older, cheaper hash from \
                 no account at all. Several times as long as checking a password takes.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, window) in [("account_window", self.account_window), ("address_window", self.address_window)] {
            if window < Duration::from_secs(1) {
                faults.push(Fault::new(key, "must be 1s or longer"));
            }
        }
        faults
    }
}

impl Default for SignIn {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}

fn nonzero(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}
