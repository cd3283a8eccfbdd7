//! Points in time, as the database and the protocol need them.

use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A point in time: Unix time in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From Unix milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// From Unix seconds, as JWT claims carry them (RFC 7519 §2, `NumericDate`).
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Unix milliseconds, as the database keeps them.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Unix seconds, rounded down, as JWT claims carry them.
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// As people and JSON have it: RFC 3339 in UTC, to the second.
    pub fn rfc3339(self) -> String {
        let date = OffsetDateTime::from_unix_timestamp(self.seconds()).ok();
        date.and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_else(|| self.0.to_string())
    }

    /// This point in time, or the next after `earlier` if that is later: so that what changes twice in a millisecond
    /// has two times.
    #[must_use]
    pub fn after(self, earlier: Self) -> Self {
        Self(self.0.max(earlier.0.saturating_add(1)))
    }

    /// How long ago `earlier` was; zero if it lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// A text that isn't a point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a time such as 2030-01-01T00:00:00Z")]
pub struct TimestampError;

/// Reads RFC 3339.
impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let date = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| TimestampError)?;
        let millis = date.unix_timestamp_nanos().div_euclid(1_000_000);
        i64::try_from(millis).map(Self).map_err(|_| TimestampError)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}
