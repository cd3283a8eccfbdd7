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
