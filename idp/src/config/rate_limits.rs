//! `[rate_limits]`: how much one address, and one client, may ask.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "How much one address (IPv6: one /64), and one client, may ask within `window`, for each tenant and on \
    each node. Beyond that the answer is 429. A number of 0 sets no limit. Keys and metadata have none.";

/// How much one address, and one client, may ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// Whether loopback addresses are refused as well.
    pub loopback: bool,
    /// Time over which requests count.
    pub window: Duration,
    /// Requests for tokens.
    pub token: u32,
    /// Introspections.
    pub introspection: u32,
    /// Revocations.
    pub revocation: u32,
    /// Requests for claims.
    pub userinfo: u32,
    /// Authorization requests, each of which is kept in the database.
    pub authorization: u32,
    /// Pages and their forms.
    pub pages: u32,
    /// The first-party API.
    pub first_party: u32,
    /// The admin API.
    pub admin: u32,
    /// What one client may ask where it authenticates, from wherever.
    pub client: u32,
    /// How many addresses and clients are counted at once.
    pub counted: NonZeroU32,
}

impl RateLimits {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            enabled: section.value("enabled", true, "Whether there are limits at all."),
            loopback: section.value(
                "loopback",
                false,
                "Whether loopback addresses are refused as well. They are told what they use in any case: who comes from \
                 there is this machine, or a proxy that `listen.trusted_proxies` doesn't name.",
            ),
            window: section.value("window", Duration::from_mins(1), "Time over which requests count; at most 1h."),
            token: section.value("token", 6_000, "Requests for tokens from one address."),
            introspection: section.value("introspection", 60_000, "Introspections from one address."),
            revocation: section.value("revocation", 6_000, "Revocations from one address."),
            userinfo: section.value("userinfo", 60_000, "Requests for claims from one address."),
            authorization: section.value(
                "authorization",
                600,
                "Authorization requests from one address: each is kept in the database until `flows.lifetime` is over.",
            ),
            pages: section.value("pages", 3_000, "Pages that one address asks for, and their forms."),
            first_party: section.value("first_party", 3_000, "Requests to the first-party API from one address."),
            admin: section.value("admin", 6_000, "Requests to the admin API from one address."),
            client: section.value(
                "client",
                120_000,
                "What one client asks where it has authenticated, from whatever addresses.",
            ),
            counted: section.value(
                "counted",
                NonZeroU32::new(50_000).unwrap_or(NonZeroU32::MIN),
                "How many addresses and clients are counted at once, some 300 bytes each; beyond that those that ask least \
                 are forgotten.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        if self.window < Duration::from_secs(1) || self.window > Duration::from_hours(1) {
            vec![Fault::new("window", "must be 1s or longer and not longer than 1h")]
        } else {
            Vec::new()
        }
    }
}

impl Default for RateLimits {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
