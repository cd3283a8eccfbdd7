//! `[tokens]`: lifetimes of tokens and codes.

use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};
use crate::domain::client::ClientMetadata;

pub(super) const ABOUT: &str = "Lifetimes of tokens and codes, in whole seconds.";

/// Lifetimes of tokens and codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    /// Access tokens of people.
    pub access_token_lifetime: Duration,
    /// ID tokens.
    pub id_token_lifetime: Duration,
    /// Access tokens of services (`client_credentials`).
    pub service_token_lifetime: Duration,
    /// Authorization codes.
    pub authorization_code_lifetime: Duration,
    /// Longest rest of a refresh token.
    pub refresh_token_idle_timeout: Duration,
    /// Longest life of what `offline_access` gave, however often it is refreshed.
    pub refresh_token_lifetime: Duration,
    /// How long a refresh token that was used may be presented again.
    pub refresh_token_grace: Duration,
    /// How long clients may keep the key set: `max-age` of `/jwks`.
    pub jwks_max_age: Duration,
}

impl Tokens {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            access_token_lifetime: section.value(
                "access_token_lifetime",
                Duration::from_mins(15),
                "Access tokens of people.",
            ),
            id_token_lifetime: section.value("id_token_lifetime", Duration::from_hours(1), "ID tokens."),
            service_token_lifetime: section.value(
                "service_token_lifetime",
                Duration::from_mins(5),
                "Access tokens of services (client_credentials).",
            ),
            authorization_code_lifetime: section.value(
                "authorization_code_lifetime",
                Duration::from_mins(1),
                "Authorization codes, between the redirect to the client and the client's call. At most 10m \
                 (RFC 6749 §4.1.2).",
            ),
            refresh_token_idle_timeout: section.value(
                "refresh_token_idle_timeout",
                Duration::from_hours(14 * 24),
                "Longest rest of a refresh token, from its last use on.",
            ),
            refresh_token_lifetime: section.value(
                "refresh_token_lifetime",
                Duration::from_hours(90 * 24),
                "Longest life of what offline_access gave, however often it is refreshed. Not shorter than \
                 `refresh_token_idle_timeout`.",
            ),
            refresh_token_grace: section.value(
                "refresh_token_grace",
                Duration::from_secs(30),
                "How long a refresh token that was used may be presented again, and is followed by the same one: an \
                 answer may be lost on its way. After that it is taken for stolen. At most 5m.",
            ),
            jwks_max_age: section.value(
                "jwks_max_age",
                Duration::from_hours(1),
                "How long clients may keep the key set: max-age of /jwks.",
            ),
        }
    }

    /// What is wrong with these values.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (key, lifetime) in [
            ("access_token_lifetime", self.access_token_lifetime),
            ("id_token_lifetime", self.id_token_lifetime),
            ("service_token_lifetime", self.service_token_lifetime),
            ("authorization_code_lifetime", self.authorization_code_lifetime),
            ("refresh_token_idle_timeout", self.refresh_token_idle_timeout),
            ("refresh_token_lifetime", self.refresh_token_lifetime),
            ("jwks_max_age", self.jwks_max_age),
        ] {
            if lifetime.is_zero() || lifetime.subsec_nanos() != 0 {
                faults.push(Fault::new(key, "must be in whole seconds, 1s or longer"));
            }
        }
        if self.authorization_code_lifetime > Duration::from_mins(10) {
            faults.push(Fault::new("authorization_code_lifetime", "must be 10m or shorter"));
        }
        if self.refresh_token_lifetime < self.refresh_token_idle_timeout {
            faults.push(Fault::new(
                "refresh_token_lifetime",
                "must not be shorter than tokens.refresh_token_idle_timeout",
            ));
        }
        if self.refresh_token_grace > Duration::from_mins(5) {
            faults.push(Fault::new("refresh_token_grace", "must be 5m or shorter"));
        }
        faults
    }

    /// The longest lifetime that any signed token can have: a client may register a longer one than the usual.
    pub fn longest(&self) -> Duration {
        let usual = self.access_token_lifetime.max(self.id_token_lifetime).max(self.service_token_lifetime);
        usual.max(ClientMetadata::LONGEST_ACCESS_TOKEN_LIFETIME)
    }
}

impl Default for Tokens {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
