//! `[outbound]`: requests that Signet itself sends, to addresses that clients registered.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Requests that Signet sends itself, to addresses that clients registered: their keys \
    (`jwks_uri`), request objects (`request_uri`), sector documents. Only https to public addresses, unless said here; no \
    redirects, no proxy.";

/// Requests that Signet itself sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Ranges that may be reached though they aren't public, and by plain http too.
    pub allowed_networks: Vec<IpNet>,
    /// More certificate authorities in PEM, beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Time to connect, TLS included.
    pub connect_timeout: Duration,
    /// Time for the whole of a request: wait, look-up, connection, answer.
    pub total_timeout: Duration,
    /// Requests under way at a time.
    pub max_concurrent: NonZeroUsize,
    /// How soon an address that failed is tried again, and a client's keys are read again for one that isn't there.
    pub retry_interval: Duration,
}

impl Outbound {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            allowed_networks: section.list(
                "allowed_networks",
                "10.20.0.0/16",
                "Addresses and ranges that aren't public and may be reached nevertheless, also by plain http. Anybody \
                 who may register a client can make Signet ask there.",
            ),
            ca_file: section.optional(
                "ca_file",
                "/etc/signet/tls/internal-ca.pem",
                "Certificate authorities in PEM that are trusted beside the system's.",
            ),
            connect_timeout: section.value("connect_timeout", Duration::from_secs(3), "Time to connect, TLS included."),
            total_timeout: section.value(
                "total_timeout",
                Duration::from_secs(8),
                "Time for a request as a whole, from the wait for its turn to the last byte of the answer.",
            ),
            max_concurrent: section.value(
                "max_concurrent",
                NonZeroUsize::new(64).unwrap_or(NonZeroUsize::MIN),
                "Requests under way at a time; more wait for their turn. One host gets an eighth of \
                 them, and one at least, so that one that hangs keeps none of the others waiting.",
            ),
            retry_interval: section.value(
                "retry_interval",
                Duration::from_secs(3),
                "How soon an address that failed is tried again, and how soon a client's keys are read again for one \
                 that wasn't among them.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, duration) in [("connect_timeout", self.connect_timeout), ("total_timeout", self.total_timeout)] {
            if duration.is_zero() {
                faults.push(Fault::new(key, "must be longer than 0s"));
            }
        }
        if self.total_timeout < self.connect_timeout {
            faults.push(Fault::new("total_timeout", "must be as long as outbound.connect_timeout or longer"));
        }
        if self.retry_interval > Duration::from_mins(1) {
            faults.push(Fault::new("retry_interval", "must be 1m or shorter: clients wait for it when keys change"));
        }
        faults
    }

    /// The same for an address that the operator wrote down: it may be anywhere, and is waited for so long.
    #[must_use]
    pub fn to_operators_address(&self, patience: Duration) -> Self {
        let anywhere = [IpNet::V4(Ipv4Net::default()), IpNet::V6(Ipv6Net::default())];
        Self {
            allowed_networks: anywhere.into(),
            connect_timeout: self.connect_timeout.min(patience),
            total_timeout: patience,
            ..self.clone()
        }
    }

    /// The same, with this machine's own addresses allowed: for development.
    #[must_use]
    pub(super) fn with_loopback(mut self) -> Self {
        let v4 = Ipv4Net::new(Ipv4Addr::LOCALHOST, 8).map(|net| IpNet::V4(net.trunc()));
        let v6 = Ipv6Net::new(Ipv6Addr::LOCALHOST, 128).map(IpNet::V6);
        self.allowed_networks.extend([v4, v6].into_iter().flatten());
        self
    }
}

impl Default for Outbound {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
