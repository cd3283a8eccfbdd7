//! `[listen]`: sockets, TLS, proxies, limits of connections.

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::errors::Fault;
use super::reader::{Reader, Section};

pub(super) const ABOUT: &str = "Where Signet is reached. Plain HTTP is served on a loopback address, or behind declared \
    proxies; anything else needs TLS.";

/// Sockets, TLS, proxies, limits of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Address and port: TLS when a certificate is given and `tls_address` isn't, plain HTTP otherwise.
    pub address: SocketAddr,
    /// Address and port for TLS beside plain HTTP on `address`.
    pub tls_address: Option<SocketAddr>,
    /// Certificate chain in PEM, the server's own first.
    pub tls_certificate: Option<PathBuf>,
    /// Private key in PEM, not encrypted.
    pub tls_key: Option<PathBuf>,
    /// How often the certificate's files are looked at for a change.
    pub tls_reload_interval: Duration,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` count.
    pub trusted_proxies: Vec<IpNet>,
    /// Time for the header of a request from its first byte on, and for a TLS handshake.
    pub header_timeout: Duration,
    /// Time for the body of a request.
    pub body_timeout: Duration,
    /// How long a connection may rest between requests.
    pub idle_timeout: Duration,
    /// How long everything goes on after the signal to stop, but that `/health/ready` says so.
    pub shutdown_delay: Duration,
    /// How long running requests may take after that.
    pub shutdown_grace: Duration,
    /// Most connections at a time; more wait in the system's queue.
    pub max_connections: NonZeroUsize,
    /// Most bytes of a request's body; a longer one is answered with 413.
    pub max_body_bytes: NonZeroUsize,
}

impl Listen {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            address: section.value(
                "address",
                SocketAddr::from(([127, 0, 0, 1], 8080)),
                "IP address and port. It speaks TLS when a certificate is given and `tls_address` isn't.",
            ),
            tls_address: section.optional(
                "tls_address",
                "[::]:8443",
                "IP address and port for TLS, beside plain HTTP on `address`. Without it there is one of the two.",
            ),
            tls_certificate: section.optional(
                "tls_certificate",
                "/etc/signet/tls/fullchain.pem",
                "Certificate chain in PEM, the server's own certificate first. A changed file is taken up without a \
                 restart; one that can't be used is reported and the former one stays.",
            ),
            tls_key: section.optional(
                "tls_key",
                "/etc/signet/tls/privkey.pem",
                "The certificate's private key in PEM, not encrypted.",
            ),
            tls_reload_interval: section.value(
                "tls_reload_interval",
                Duration::from_secs(5),
                "How often both files are looked at for a change.",
            ),
            trusted_proxies: section.list(
                "trusted_proxies",
                "10.0.0.0/8",
                "Addresses and ranges of the proxies in front. X-Forwarded-For and X-Forwarded-Proto count from these \
                 only.",
            ),
            header_timeout: section.value(
                "header_timeout",
                Duration::from_secs(10),
                "Time for the header of a request, from its first byte on, and for a TLS handshake.",
            ),
            body_timeout: section.value(
                "body_timeout",
                Duration::from_secs(30),
                "Time for the body of a request, from the end of its header on.",
            ),
            idle_timeout: section.value(
                "idle_timeout",
                Duration::from_secs(75),
                "How long a connection may rest between requests. Longer than the proxy in front keeps its own, so \
                 that the proxy is the one to close.",
            ),
            shutdown_delay: section.value(
                "shutdown_delay",
                Duration::ZERO,
                "How long after the signal to stop requests are still accepted, while /health/ready answers 503: as long \
                 as whoever shares out requests takes to notice.",
            ),
            shutdown_grace: section.value(
                "shutdown_grace",
                Duration::from_secs(25),
                "How long running requests may take to finish then.",
            ),
            max_connections: section.value(
                "max_connections",
                nonzero(10_000),
                "Most connections at a time; more wait in the system's queue.",
            ),
            max_body_bytes: section.value(
                "max_body_bytes",
                nonzero(64 * 1024),
                "Most bytes of a request's body; a longer one is answered with 413.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        match (&self.tls_certificate, &self.tls_key) {
            (Some(_), None) => faults.push(Fault::new("tls_certificate", "is given without tls_key")),
            (None, Some(_)) => faults.push(Fault::new("tls_key", "is given without tls_certificate")),
            (None, None) if self.tls_address.is_some() => {
                faults.push(Fault::new("tls_address", "is given without tls_certificate and tls_key"));
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        if let Some(address) = self.plain_address()
            && !is_loopback(address.ip())
            && self.trusted_proxies.is_empty()
        {
            faults.push(Fault::new(
                "address",
                format!(
                    "is {address}, where plain HTTP could be read by others: give tls_certificate and tls_key, or listen \
                     on a loopback address, or name the proxies in front in trusted_proxies"
                ),
            ));
        }
        for (key, duration) in [
            ("tls_reload_interval", self.tls_reload_interval),
            ("header_timeout", self.header_timeout),
            ("body_timeout", self.body_timeout),
            ("idle_timeout", self.idle_timeout),
        ] {
            if duration.is_zero() {
                faults.push(Fault::new(key, "must be longer than 0s"));
            }
        }
        faults
    }

    /// Where plain HTTP is served, if anywhere.
    pub fn plain_address(&self) -> Option<SocketAddr> {
        (self.tls_certificate.is_none() || self.tls_address.is_some()).then_some(self.address)
    }

    /// Where TLS is served, if anywhere.
    pub fn encrypted_address(&self) -> Option<SocketAddr> {
        self.tls_certificate.as_ref().map(|_| self.tls_address.unwrap_or(self.address))
    }

    /// Whether what the peer says about the client counts.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|net| net.contains(&peer))
    }
}

impl Default for Listen {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}

/// Whether only this machine reaches the address; an IPv4 address may be written as an IPv6 one.
fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn nonzero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap_or(NonZeroUsize::MIN)
}
