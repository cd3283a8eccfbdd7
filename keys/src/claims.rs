//! The registered claims of a JWT (RFC 7519 §4.1) and the checks on them. Time is passed in, in Unix seconds.

use serde::{Deserialize, Deserializer, Serialize};

use crate::public_key::shown;

/// The claims that every kind of token shares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct RegisteredClaims {
    /// Who issued it.
    #[serde(default)]
    pub iss: Option<String>,
    /// Whom it is about.
    #[serde(default)]
    pub sub: Option<String>,
    /// For whom it is.
    #[serde(default)]
    pub aud: Audience,
    /// From when on it isn't valid any more, Unix seconds.
    #[serde(default, deserialize_with = "numeric_date")]
    pub exp: Option<i64>,
    /// Before when it isn't valid, Unix seconds.
    #[serde(default, deserialize_with = "numeric_date")]
    pub nbf: Option<i64>,
    /// When it was issued, Unix seconds.
    #[serde(default, deserialize_with = "numeric_date")]
    pub iat: Option<i64>,
    /// Its own name.
    #[serde(default)]
    pub jti: Option<String>,
}

/// An `aud` value: one string or several (RFC 7519 §4.1.3). One is written as a string.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "OneOrMany", into = "OneOrMany")]
pub struct Audience(Vec<String>);

impl Audience {
    /// Whether it names this one; compared byte by byte.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|member| member == name)
    }

    /// All that it names.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many it names.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it names nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Audience {
    fn from(name: String) -> Self {
        Self(vec![name])
    }
}

impl From<Vec<String>> for Audience {
    fn from(names: Vec<String>) -> Self {
        Self(names)
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Audience {
    fn from(value: OneOrMany) -> Self {
        match value {
            OneOrMany::One(name) => Self(vec![name]),
            OneOrMany::Many(names) => Self(names),
        }
    }
}

impl From<Audience> for OneOrMany {
    fn from(Audience(mut names): Audience) -> Self {
        match (names.pop(), names.is_empty()) {
            (Some(name), true) => Self::One(name),
            (Some(name), false) => {
                names.push(name);
                Self::Many(names)
            }
            (None, _) => Self::Many(names),
        }
    }
}

/// Which claims must be there and what they must say. Built where it applies; nothing is checked that isn't asked for,
/// but `exp`, `nbf` and `iat`, which always count when present.
#[derive(Debug, Clone, Copy)]
pub struct ClaimRules<'a> {
    now_seconds: i64,
    leeway_seconds: i64,
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audiences: &'a [&'a str],
    sole_audience: bool,
    expiry_required: bool,
    longest_life_seconds: Option<i64>,
    id_required: bool,
}

impl<'a> ClaimRules<'a> {
    /// Rules at a point in time: `exp` required, no leeway.
    pub const fn at(now_seconds: i64) -> Self {
        Self {
            now_seconds,
            leeway_seconds: 0,
            issuer: None,
            subject: None,
            audiences: &[],
            sole_audience: false,
            expiry_required: true,
            longest_life_seconds: None,
            id_required: false,
        }
    }

    /// How far clocks may be apart, in seconds; counts for `exp`, `nbf` and `iat`.
    #[must_use]
    pub const fn leeway(mut self, seconds: i64) -> Self {
        self.leeway_seconds = seconds;
        self
    }

    /// `iss` must be exactly this.
    #[must_use]
    pub const fn issuer(mut self, issuer: &'a str) -> Self {
        self.issuer = Some(issuer);
        self
    }

    /// `sub` must be exactly this.
    #[must_use]
    pub const fn subject(mut self, subject: &'a str) -> Self {
        self.subject = Some(subject);
        self
    }

    /// `aud` must name at least one of these.
    #[must_use]
    pub const fn audience(mut self, any_of: &'a [&'a str]) -> Self {
        self.audiences = any_of;
        self
    }

    /// `aud` must name exactly one, and that one of these: what FAPI 2.0 asks of a client assertion.
    #[must_use]
    pub const fn sole_audience(mut self, any_of: &'a [&'a str]) -> Self {
        self.audiences = any_of;
        self.sole_audience = true;
        self
    }

    /// `exp` may be absent, or have passed: for an `id_token_hint`, which names a person and grants nothing.
    #[must_use]
    pub const fn expired_accepted(mut self) -> Self {
        self.expiry_required = false;
        self
    }

    /// `exp` may lie at most so many seconds ahead, so that a used `jti` needs no long memory.
    #[must_use]
    pub const fn longest_life(mut self, seconds: i64) -> Self {
        self.longest_life_seconds = Some(seconds);
        self
    }

    /// `jti` must be there, with 1 to 256 characters.
    #[must_use]
    pub const fn id_required(mut self) -> Self {
        self.id_required = true;
        self
    }

    /// Checks claims against the rules.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        self.problems(claims).next().map_or(Ok(()), Err)
    }

    /// Every rule that the claims break, in the order in which they are checked.
    pub fn problems<'s>(&'s self, claims: &'s RegisteredClaims) -> impl Iterator<Item = ClaimsError> + 's {
        [
            Self::check_issuer,
            Self::check_subject,
            Self::check_audience,
            Self::check_expiry,
            Self::check_not_before,
            Self::check_issued_at,
            Self::check_id,
        ]
        .into_iter()
        .filter_map(move |check| check(self, claims).err())
    }

    fn check_issuer(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        match (self.issuer, &claims.iss) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(ClaimsError::Missing("iss")),
            (Some(expected), Some(found)) if expected == found => Ok(()),
            (Some(expected), Some(found)) => {
                Err(ClaimsError::Issuer { expected: expected.to_owned(), found: found.chars().take(256).collect() })
            }
        }
    }

    fn check_subject(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        match (self.subject, &claims.sub) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(ClaimsError::Missing("sub")),
            (Some(expected), Some(found)) if expected == found => Ok(()),
            (Some(_), Some(found)) => Err(ClaimsError::Subject(shown(found))),
        }
    }

    fn check_audience(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        if self.audiences.is_empty() {
            return Ok(());
        }
        if claims.aud.is_empty() {
            return Err(ClaimsError::Missing("aud"));
        }
        if self.sole_audience && claims.aud.len() > 1 {
            return Err(ClaimsError::SeveralAudiences);
        }
        if self.audiences.iter().any(|name| claims.aud.contains(name)) {
            return Ok(());
        }
        Err(ClaimsError::Audience { expected: self.audiences.first().copied().unwrap_or_default().to_owned() })
    }

    fn check_expiry(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        let Some(exp) = claims.exp else {
            return if self.expiry_required { Err(ClaimsError::Missing("exp")) } else { Ok(()) };
        };
        if self.expiry_required && self.now_seconds >= exp.saturating_add(self.leeway_seconds) {
            return Err(ClaimsError::Expired { exp, now: self.now_seconds });
        }
        match self.longest_life_seconds {
            Some(longest) if exp.saturating_sub(self.now_seconds) > longest.saturating_add(self.leeway_seconds) => {
                Err(ClaimsError::TooLongLived { longest })
            }
            _ => Ok(()),
        }
    }

    fn check_not_before(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        match claims.nbf {
            Some(nbf) if nbf > self.now_seconds.saturating_add(self.leeway_seconds) => {
                Err(ClaimsError::NotYetValid { nbf, now: self.now_seconds })
            }
            _ => Ok(()),
        }
    }

    fn check_issued_at(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        match claims.iat {
            Some(iat) if iat > self.now_seconds.saturating_add(self.leeway_seconds) => {
                Err(ClaimsError::IssuedInFuture { iat, now: self.now_seconds })
            }
            _ => Ok(()),
        }
    }

    fn check_id(&self, claims: &RegisteredClaims) -> Result<(), ClaimsError> {
        match &claims.jti {
            None if self.id_required => Err(ClaimsError::Missing("jti")),
            Some(jti) if self.id_required && (jti.is_empty() || jti.len() > 256) => Err(ClaimsError::IdSize),
            _ => Ok(()),
        }
    }
}

/// Which rule the claims break. Times are Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// A claim that must be there isn't.
    #[error("the claim \"{0}\" is missing")]
    Missing(&'static str),
    /// Another issuer.
    #[error("the token was issued by \"{found}\", not by \"{expected}\"")]
    Issuer {
        /// The issuer to expect.
        expected: String,
        /// The issuer found.
        found: String,
    },
    /// Another subject.
    #[error("the token's subject \"{0}\" isn't the expected one")]
    Subject(String),
    /// For somebody else.
    #[error("the token isn't meant for \"{expected}\": its aud doesn't name it")]
    Audience {
        /// The audience to expect.
        expected: String,
    },
    /// More than one audience where one is asked for.
    #[error("the token's aud must name one audience only")]
    SeveralAudiences,
    /// `exp` has passed.
    #[error("the token expired {} seconds ago (exp {exp})", .now.saturating_sub(*.exp))]
    Expired {
        /// When it expired.
        exp: i64,
        /// The time of the check.
        now: i64,
    },
    /// `exp` is too far ahead.
    #[error("the token's exp lies more than {longest} seconds ahead")]
    TooLongLived {
        /// The longest life in seconds.
        longest: i64,
    },
    /// `nbf` hasn't come.
    #[error("the token isn't valid for another {} seconds (nbf {nbf})", .nbf.saturating_sub(*.now))]
    NotYetValid {
        /// When it becomes valid.
        nbf: i64,
        /// The time of the check.
        now: i64,
    },
    /// `iat` lies ahead.
    #[error("the token was issued {} seconds in the future (iat {iat}): the clocks disagree", .iat.saturating_sub(*.now))]
    IssuedInFuture {
        /// When it says it was issued.
        iat: i64,
        /// The time of the check.
        now: i64,
    },
    /// `jti` empty or too long.
    #[error("the token's jti must have 1 to 256 characters")]
    IdSize,
}

/// Reads a date (RFC 7519 §2): seconds, possibly with a fraction, which is cut off. Values beyond the year 9999
/// are refused, so that sums can't overflow.
fn numeric_date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    const LAST: f64 = 253_402_300_799.0;
    let Some(number) = Option::<serde_json::Number>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let seconds = number
        .as_f64()
        .map(f64::floor)
        .filter(|seconds| (0.0..=LAST).contains(seconds))
        .ok_or_else(|| serde::de::Error::custom("not a date between 1970 and 9999"))?;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and checked to lie between 0 and 253402300799")]
    let seconds = seconds as i64;
    Ok(Some(seconds))
}
