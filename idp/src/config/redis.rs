//! `[redis]`: where events are published.

use std::num::NonZeroU32;

use super::errors::Fault;
use super::reader::{Reader, Section};
use crate::domain::Secret;

pub(super) const ABOUT: &str = "Redis. Without it nothing is missing but the Redis channels of events.";

/// Where Redis is, and how events are published there.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `redis://` or `rediss://`, with the password.
    pub url: Option<Secret>,
    /// The stream that keeps the last events beside the channels.
    pub stream: String,
    /// About how many events it keeps.
    pub stream_length: NonZeroU32,
}

impl Redis {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            url: section.optional_secret(
                "url",
                "redis://localhost:6379",
                "`redis://USER:PASSWORD@HOST:PORT/NUMBER`; `rediss://` with TLS. One server: a cluster or a sentinel is \
                 not known.",
            ),
            stream: section.value(
                "stream",
                "auth:events".to_owned(),
                "The stream that keeps the last events of all channels, for who wasn't listening.",
            ),
            stream_length: section.value(
                "stream_length",
                NonZeroU32::MIN.saturating_add(99_999),
                "About how many events the stream keeps.",
            ),
        }
    }

    /// What is wrong with these values. None of the texts has the URL in it.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let known = |url: &Secret| {
            let url = url::Url::parse(url.expose());
            url.is_ok_and(|url| matches!(url.scheme(), "redis" | "rediss") && url.host().is_some())
        };
        if self.url.as_ref().is_some_and(|url| !known(url)) {
            faults.push(Fault::new("url", "must be redis:// or rediss:// with a host"));
        }
        if self.stream.is_empty() || self.stream.chars().any(char::is_whitespace) {
            faults.push(Fault::new("stream", "must be a name without spaces"));
        }
        faults
    }
}

impl Default for Redis {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}
