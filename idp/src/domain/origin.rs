//! Origins (RFC 6454): where a page's script comes from.
//!
//! Two origins are the same when they are byte-equal in the one form that browsers send (§6.2). What isn't in that form
//! is no origin here, be it registered or sent. Decided against: patterns, subdomains, and free ports of loopback
//! addresses, since a script is let near a person's tokens.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Why a text can't be an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum OriginError {
    /// Not as browsers write it.
    #[error(
        "must be as browsers send it: https, a host, and a port where it isn't the usual one, with nothing after it"
    )]
    Form,
    /// `http` anywhere but on the loopback interface.
    #[error("must use https; http is for loopback addresses only")]
    PlainHttp,
}

/// An origin: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

impl Origin {
    /// The longest that is taken: a host has 253 characters at most.
    pub const MAX_LENGTH: usize = 300;

    /// As browsers send it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Origin {
    type Error = OriginError;

    fn try_from(text: String) -> Result<Self, OriginError> {
        let url = Url::parse(&text).map_err(|_| OriginError::Form)?;
        // A host may have an asterisk, and whoever writes one means a pattern, which there isn't.
        let is_pattern = text.contains('*');
        if text.len() > Self::MAX_LENGTH || is_pattern || url.origin().ascii_serialization() != text {
            return Err(OriginError::Form);
        }
        match (url.scheme(), url.host_str()) {
            ("https", _) | ("http", Some("127.0.0.1" | "[::1]" | "localhost")) => Ok(Self(text)),
            ("http", _) => Err(OriginError::PlainHttp),
            _ => Err(OriginError::Form),
        }
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        text.to_owned().try_into()
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_what_browsers_send_is_an_origin() {
        for good in [
            "https://app.example",
            "https://app.example:8443",
            "https://xn--4ca.example",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "http://localhost",
        ] {
            assert_eq!(good.parse::<Origin>().map(String::from), Ok(good.to_owned()));
        }
        let long = format!("https://{}.example", "x".repeat(300));
        for bad in [
            "",
            "null",
            "*",
            "app.example",
            "//app.example",
            "https://app.example/",
            "https://app.example/path",
            "https://app.example?",
            "https://app.example#",
            "https://app.example:443",
            "https://app.example:08443",
            "https://App.example",
            "HTTPS://app.example",
            "https://ä.example",
            "https://u@app.example",
            "https://u:p@app.example",
            "https:app.example",
            "https://app.example\\",
            " https://app.example",
            "https://app.example ",
            "https://app.example https://evil.example",
            "https://*.example",
            "http://127.1:3000",
            "http://localhost:80",
            "file://",
            "com.example.app://x",
            &long,
        ] {
            assert_eq!(bad.parse::<Origin>(), Err(OriginError::Form), "{bad}");
        }
        for plain in ["http://app.example", "http://127.0.0.2:3000", "http://localhost.evil.example"] {
            assert_eq!(plain.parse::<Origin>(), Err(OriginError::PlainHttp), "{plain}");
        }
    }

    proptest! {
        #[test]
        fn an_origin_is_what_it_was_read_from(text in "https?://[a-zA-Z0-9.:@/\\[\\]*-]{0,24}") {
            if let Ok(origin) = text.parse::<Origin>() {
                prop_assert_eq!(origin.as_str(), text.as_str());
                prop_assert_eq!(Url::parse(&text).map(|url| url.origin().ascii_serialization()), Ok(text));
            }
        }
    }
}
