//! Points in time as people read them: how long ago, and exactly on hover. A script puts the exact one into the reader's
//! zone; without it, it is in UTC and says so.

use fluent_bundle::FluentValue;
use time::OffsetDateTime;

use super::texts::Texts;
use crate::domain::Timestamp;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// What is older is told by its date.
const LONG_AGO: u64 = 30 * DAY;

/// A point in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Moment {
    /// For programs.
    pub(super) datetime: String,
    /// To the minute, in UTC.
    pub(super) exact: String,
    /// How long ago, or when.
    pub(super) told: String,
}

impl Moment {
    /// How long before `now` it was.
    pub(super) fn ago(t: Texts, at: Timestamp, now: Timestamp) -> Self {
        let passed = now.since(at).as_secs();
        let count = |unit: u64| u32::try_from(passed / unit).unwrap_or(u32::MAX);
        let told = match passed {
            0..MINUTE => t.text("moment-now").into_owned(),
            MINUTE..HOUR => t.with("moment-minutes", "count", count(MINUTE)),
            HOUR..DAY => t.with("moment-hours", "count", count(HOUR)),
            DAY..LONG_AGO => t.with("moment-days", "count", count(DAY)),
            LONG_AGO.. => date(t, at),
        };
        Self { told, ..Self::on(t, at) }
    }

    /// On which day it was.
    pub(super) fn on(t: Texts, at: Timestamp) -> Self {
        let utc = calendar(at);
        let clock = format!("{:02}:{:02}", utc.hour(), utc.minute());
        let exact = t.several("moment-exact", &[("date", date(t, at).into()), ("time", clock.into())]);
        Self { datetime: at.rfc3339(), exact, told: date(t, at) }
    }
}

fn calendar(at: Timestamp) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(at.seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn date(t: Texts, at: Timestamp) -> String {
    let utc = calendar(at);
    let number = |number: u16| FluentValue::from(number);
    let year = utc.year().to_string();
    let (day, month) = (number(utc.day().into()), number(u8::from(utc.month()).into()));
    t.several("moment-date", &[("day", day), ("month", month), ("year", year.into())])
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use std::time::Duration;

    use super::*;
    use crate::http::pages::Language;

    #[test]
    fn what_is_near_is_told_by_how_long_ago_it_was() {
        let now = Timestamp::from_seconds(1_893_456_000);
        let cases = [
            (0, "just now", "gerade eben"),
            (59, "just now", "gerade eben"),
            (60, "1 minute ago", "vor 1 Minute"),
            (3599, "59 minutes ago", "vor 59 Minuten"),
            (3600, "1 hour ago", "vor 1 Stunde"),
            (7200, "2 hours ago", "vor 2 Stunden"),
            (86_400, "1 day ago", "vor 1 Tag"),
            (2_591_999, "29 days ago", "vor 29 Tagen"),
            (2_592_000, "2 December 2029", "2. Dezember 2029"),
        ];
        for (seconds, english, german) in cases {
            for (language, told) in [("en", english), ("de", german)] {
                let t = Texts(Language::from_code(language).unwrap());
                assert_eq!(Moment::ago(t, now - Duration::from_secs(seconds), now).told, told);
            }
        }
        let t = Texts(Language::from_code("en").unwrap());
        let ahead = Moment::ago(t, now + Duration::from_secs(90), now);
        assert_eq!((&*ahead.told, &*ahead.exact), ("just now", "1 January 2030, 00:01 UTC"));
        assert_eq!(ahead.datetime, "2030-01-01T00:01:30Z");
    }
}
