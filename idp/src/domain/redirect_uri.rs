//! Redirect URIs (RFC 6749 §3.1.2, RFC 8252 §7, RFC 9700 §4.1.3).
//!
//! A registered URI and a requested one are the same when they are byte-equal. The one exception is the port of
//! a loopback IP literal (RFC 8252 §7.3). Decided against: normalising either side, patterns, and prefixes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

/// Why a text can't be a redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RedirectUriError {
    /// Longer than [`RedirectUri::MAX_LENGTH`].
    #[error("is longer than 2,000 characters")]
    TooLong,
    /// Not an absolute URI, or one with spaces or non-ASCII characters.
    #[error("is not an absolute URI")]
    NotAbsolute,
    /// RFC 6749 §3.1.2 forbids one.
    #[error("must not have a fragment")]
    Fragment,
    /// User names have no place in it.
    #[error("must not have user information")]
    UserInfo,
    /// `http` anywhere but on the loopback interface.
    #[error("must use https; http is for loopback addresses only")]
    PlainHttp,
    /// A private-use scheme that isn't a reversed domain name (RFC 8252 §7.1).
    #[error("has a scheme that isn't allowed: use https, or a private-use scheme with a dot in it")]
    Scheme,
}

/// A redirect URI, kept exactly as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectUri(String);

const LOOPBACK: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

impl RedirectUri {
    /// The longest URI that is taken.
    pub const MAX_LENGTH: usize = 2000;

    /// The text as it was registered or requested.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request for `requested` is answered by this registration.
    pub fn admits(&self, requested: &Self) -> bool {
        if self.0 == requested.0 {
            return true;
        }
        match (self.loopback_parts(), requested.loopback_parts()) {
            (Some(mine), Some(theirs)) => mine == theirs,
            _ => false,
        }
    }

    /// The same with these parameters added to its query.
    pub fn with_parameters<'a>(&self, parameters: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        let separator = match self.0.find('?') {
            _ if query.is_empty() => "",
            None => "?",
            Some(_) if self.0.ends_with(['?', '&']) => "",
            Some(_) => "&",
        };
        format!("{}{separator}{query}", self.0)
    }

    /// Whether the browser proves by TLS to whom it goes.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Origin (scheme, host and port) for a `form-action` directive; for a private-use scheme `scheme:`.
    pub fn origin(&self) -> String {
        match Url::parse(&self.0) {
            Ok(url) if url.origin().is_tuple() => url.origin().ascii_serialization(),
            Ok(url) => format!("{}:", url.scheme()),
            Err(_) => String::new(),
        }
    }

    /// The host that the browser will go to, for people; `None` for a private-use scheme.
    pub fn host(&self) -> Option<String> {
        Url::parse(&self.0).ok()?.host_str().map(str::to_owned)
    }

    /// Scheme and host, and what follows the port, of an http URI on a loopback IP literal.
    fn loopback_parts(&self) -> Option<(&str, &str)> {
        let base = LOOPBACK.into_iter().find(|base| self.0.starts_with(base))?;
        let (base, rest) = self.0.split_at(base.len());
        let rest = match rest.strip_prefix(':') {
            Some(port) => port.trim_start_matches(|c: char| c.is_ascii_digit()),
            None => rest,
        };
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some((base, rest))
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = RedirectUriError;

    fn try_from(text: String) -> Result<Self, RedirectUriError> {
        if text.len() > Self::MAX_LENGTH {
            return Err(RedirectUriError::TooLong);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('\\') {
            return Err(RedirectUriError::NotAbsolute);
        }
        let url = Url::parse(&text).map_err(|_| RedirectUriError::NotAbsolute)?;
        if text.contains('#') {
            return Err(RedirectUriError::Fragment);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RedirectUriError::UserInfo);
        }
        match url.scheme() {
            "https" | "http" if url.host_str().is_none_or(str::is_empty) || !text.contains("://") => {
                Err(RedirectUriError::NotAbsolute)
            }
            "https" => Ok(Self(text)),
            "http" => match url.host_str() {
                Some("127.0.0.1" | "[::1]" | "localhost") => Ok(Self(text)),
                _ => Err(RedirectUriError::PlainHttp),
            },
            scheme if scheme.contains('.') => Ok(Self(text)),
            _ => Err(RedirectUriError::Scheme),
        }
    }
}

impl FromStr for RedirectUri {
    type Err = RedirectUriError;

    fn from_str(text: &str) -> Result<Self, RedirectUriError> {
        text.to_owned().try_into()
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> Self {
        uri.0
    }
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn uri(text: &str) -> RedirectUri {
        text.parse().unwrap()
    }

    #[test]
    fn what_cannot_be_a_redirect_uri_says_why() {
        let cases = [
            ("https://a.example/cb#f", RedirectUriError::Fragment),
            ("https://a.example/cb#", RedirectUriError::Fragment),
            ("https://u@a.example/cb", RedirectUriError::UserInfo),
            ("https://u:p@a.example/cb", RedirectUriError::UserInfo),
            ("http://a.example/cb", RedirectUriError::PlainHttp),
            ("http://127.0.0.2/cb", RedirectUriError::PlainHttp),
            ("http://localhost.evil.example/cb", RedirectUriError::PlainHttp),
            ("javascript:alert(1)", RedirectUriError::Scheme),
            ("data:text/html,x", RedirectUriError::Scheme),
            ("file:///etc/passwd", RedirectUriError::Scheme),
            ("/cb", RedirectUriError::NotAbsolute),
            ("//a.example/cb", RedirectUriError::NotAbsolute),
            ("https:a.example", RedirectUriError::NotAbsolute),
            ("https://a.example/c b", RedirectUriError::NotAbsolute),
            ("https://a.example\\@evil.example", RedirectUriError::NotAbsolute),
            ("https://ä.example/cb", RedirectUriError::NotAbsolute),
            ("", RedirectUriError::NotAbsolute),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<RedirectUri>(), Err(expected), "{text}");
        }
        assert_eq!(
            format!("https://a.example/{}", "x".repeat(2000)).parse::<RedirectUri>(),
            Err(RedirectUriError::TooLong)
        );
    }

    #[test]
    fn only_the_port_of_a_loopback_literal_is_free() {
        let registered = uri("http://127.0.0.1:8090/cb?a=1");
        for good in ["http://127.0.0.1:8090/cb?a=1", "http://127.0.0.1:1/cb?a=1", "http://127.0.0.1/cb?a=1"] {
            assert!(registered.admits(&uri(good)), "{good}");
        }
        for bad in
            ["http://127.0.0.1:1/cb", "http://[::1]:1/cb?a=1", "http://localhost:1/cb?a=1", "http://127.0.0.1:1/CB?a=1"]
        {
            assert!(!registered.admits(&uri(bad)), "{bad}");
        }
        assert!(!uri("https://a.example:1/cb").admits(&uri("https://a.example:2/cb")));
        assert!(!uri("http://localhost:1/cb").admits(&uri("http://localhost:2/cb")));
    }

    /// Addresses that differ in little: the interesting pairs of a matcher.
    fn near() -> impl Strategy<Value = String> {
        let part = |choices: &'static [&'static str]| prop::sample::select(choices);
        (
            part(&["https://", "http://", "HTTPS://", "com.example.app:/"]),
            part(&[
                "a.example",
                "A.example",
                "a.example.",
                "127.0.0.1",
                "[::1]",
                "localhost",
                "127.0.0.11",
                "a.example@b.example",
            ]),
            part(&["", ":1", ":2", ":443", ":80", ":x", ":1:2"]),
            part(&["", "/", "/cb", "/cb/", "/CB", "//cb", "/./cb", "/cb%2f", "/cb;x"]),
            part(&["", "?", "?a=1", "?a=2", "?a=1&b=2", "#", "#f"]),
        )
            .prop_map(|(scheme, host, port, path, query)| format!("{scheme}{host}{port}{path}{query}"))
    }

    fn without_port(text: &str) -> Option<String> {
        let base = ["http://127.0.0.1", "http://[::1]"].into_iter().find(|base| text.starts_with(base))?;
        let rest = text.strip_prefix(base)?;
        let rest = rest.strip_prefix(':').map_or(rest, |port| port.trim_start_matches(|c: char| c.is_ascii_digit()));
        (rest.is_empty() || rest.starts_with(['/', '?'])).then(|| format!("{base}{rest}"))
    }

    proptest! {
        #[test]
        fn a_match_is_the_same_text_or_another_loopback_port(registered in near(), requested in near()) {
            if let (Ok(mine), Ok(theirs)) = (registered.parse::<RedirectUri>(), requested.parse::<RedirectUri>()) {
                let same = registered == requested;
                let loopback = without_port(&registered).is_some() && without_port(&registered) == without_port(&requested);
                prop_assert_eq!(mine.admits(&theirs), same || loopback, "{} {}", registered, requested);
            }
        }

        #[test]
        fn nothing_makes_the_parser_stumble(text in ".{0,80}") {
            if let Ok(parsed) = text.parse::<RedirectUri>() {
                prop_assert!(parsed.admits(&parsed));
                prop_assert_eq!(parsed.as_str(), text);
            }
        }
    }
}
