//! Types that a key can have: how each is written and read.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::Secret;
use crate::domain::tenant::Issuer;

/// How a value is written in TOML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A string.
    Text,
    /// An integer.
    Number,
    /// `true` or `false`.
    Flag,
}

impl Form {
    /// With its article, as it ends the sentence "expected …".
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
        }
    }

    /// A value of this form as TOML.
    pub(super) fn in_toml(self, text: &str) -> String {
        match self {
            Self::Text => toml::Value::from(text).to_string(),
            Self::Number | Self::Flag => text.to_owned(),
        }
    }
}

/// A type that a key can have.
pub(super) trait Setting: Sized {
    /// How it is written in TOML.
    const FORM: Form;

    /// Reads what stands in the environment, between the quotes of a TOML string, or a TOML integer in decimal.
    ///
    /// # Errors
    /// What was expected, as a clause that begins with "expected" or "must".
    fn parse(text: &str) -> Result<Self, String>;

    /// What [`Setting::parse`] would read.
    fn show(&self) -> String;

    /// The value as TOML.
    fn to_toml(&self) -> String {
        Self::FORM.in_toml(&self.show())
    }
}

impl Setting for String {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for bool {
    const FORM: Form = Form::Flag;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected true or false".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for PathBuf {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Err("expected a path".to_owned()) } else { Ok(Self::from(text)) }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for Secret {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }

    fn show(&self) -> String {
        "…".to_owned()
    }
}

impl Setting for SocketAddr {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "expected an IP address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for IpNet {
    const FORM: Form = Form::Text;

    /// A range, or one address. Bits beyond the prefix are refused, as they are mostly a slip.
    fn parse(text: &str) -> Result<Self, String> {
        let net = text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| Self::from(address)));
        let net: Self = net.ok_or("expected an IP address or a range of them, such as 10.0.0.0/8")?;
        if net.addr() == net.network() { Ok(net) } else { Err(format!("expected {} for this range", net.trunc())) }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Issuer {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            "expected an https URL of a host, without user name, query, fragment or trailing slash, in lower case \
             (http only on a loopback address), such as https://id.example.com"
                .to_owned()
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for Duration {
    const FORM: Form = Form::Text;

    /// One whole number and one unit.
    fn parse(text: &str) -> Result<Self, String> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let millis = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, millis)| *millis);
        number
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(millis?))
            .map(Self::from_millis)
            .ok_or_else(|| "expected a number and a unit (ms, s, m, h or d), such as 15m".to_owned())
    }

    fn show(&self) -> String {
        let millis = self.as_millis();
        let fits = |(_, unit): &&(&str, u64)| millis >= u128::from(*unit) && millis.is_multiple_of(u128::from(*unit));
        match UNITS.iter().find(fits) {
            Some((name, unit)) => format!("{}{name}", millis / u128::from(*unit)),
            None => "0s".to_owned(),
        }
    }
}

/// Units of durations in milliseconds, the longest first.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Numbers with a smallest value.
macro_rules! number {
    ($type:ty, $expected:literal) => {
        impl Setting for $type {
            const FORM: Form = Form::Number;

            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| $expected.to_owned())
            }

            fn show(&self) -> String {
                self.to_string()
            }
        }
    };
}

number!(u32, "expected a whole number from 0 to 4294967295");
number!(NonZeroU32, "expected a whole number from 1 to 4294967295");
number!(NonZeroUsize, "expected a whole number from 1");

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::time::Duration;

    use proptest::prelude::*;

    use super::Setting;

    #[test]
    fn durations_have_one_number_and_one_unit() {
        for (text, seconds) in [("15m", 900), ("168h", 604_800), ("30s", 30), ("2d", 172_800), ("0s", 0), ("5000ms", 5)]
        {
            assert_eq!(Duration::parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in [
            "",
            "15",
            "m",
            "1h30m",
            "-1s",
            "+1s",
            "1.5h",
            " 1s",
            "1 s",
            "1S",
            "1w",
            "99999999999999999999s",
            "213503982335d",
        ] {
            assert!(Duration::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn durations_read_what_they_show(millis in 0..10_000_000_000_u64) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(Duration::parse(&duration.show()).unwrap(), duration);
        }
    }
}
