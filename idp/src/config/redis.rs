//! `[redis]`: the bus between nodes, and where events are published.

use std::num::NonZeroU32;
use std::time::Duration;

use super::errors::Fault;
use super::reader::{Reader, Section};
use crate::domain::Secret;

pub(super) const ABOUT: &str = "Redis or Valkey: the bus between nodes, and where events are published. Not needed: \
    without it nodes hear of one another by PostgreSQL, and only the Redis channels of events are missing.";

/// Where Redis is, and how events are published there.
#[derive(Clone, Debug)]
pub struct Redis {
    /// `redis://` or `rediss://`, with the password.
    pub url: Option<Secret>,
    /// How long Redis may take to be connected to, and for one answer.
    pub timeout: Duration,
    /// The channel on which nodes tell one another what changed.
    pub channel: String,
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
            timeout: section.value(
                "timeout",
                Duration::from_millis(500),
                "How long Redis may take to be connected to, and for one answer. No request waits for it.",
            ),
            channel: section.value(
                "channel",
                "signet:changes".to_owned(),
                "The channel on which the nodes of this installation tell one another what changed. Another one for each \
                 installation that uses the same Redis.",
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
        if self.timeout.is_zero() || self.timeout > Duration::from_secs(10) {
            faults.push(Fault::new("timeout", "must be longer than 0s and not longer than 10s"));
        }
        if self.channel.is_empty() || self.channel.chars().any(char::is_whitespace) {
            faults.push(Fault::new("channel", "must be a name without spaces"));
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
