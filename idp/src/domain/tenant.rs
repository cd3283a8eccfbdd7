//! Tenants and their issuers.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::sign_up::SignUpPolicy;
use super::{TenantId, Timestamp};

/// A tenant: a world of its own, with its issuer, keys, users and clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// What every key in the database begins with.
    pub id: TenantId,
    /// Its name in URLs and on the command line.
    pub slug: Slug,
    /// The `iss` of its tokens. Never changes.
    pub issuer: Issuer,
    /// Its name for people.
    pub name: String,
    /// Whether it may be used.
    pub status: TenantStatus,
    /// What its administrators may change.
    pub settings: TenantSettings,
    /// Sessions and tokens that began until then don't count: all of them were ended at once.
    pub sessions_since: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Tenant {
    /// The path below which its pages and endpoints live: empty for the default tenant, `/t/{slug}` for another.
    pub fn base_path(&self) -> String {
        if self.id == TenantId::DEFAULT { String::new() } else { format!("/t/{}", self.slug) }
    }
}

/// Whether a tenant may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TenantStatus {
    /// In use.
    Active,
    /// Every endpoint answers 404, as if it weren't there.
    Suspended,
}

/// What a tenant's administrators may change. A missing member means the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// Address of the logo on hosted pages: https, or a `data:` image.
    pub logo: Option<String>,
    /// Colour of the primary action, `#rrggbb`.
    pub accent: Option<String>,
    /// Colour behind the card, `#rrggbb`.
    pub background: Option<String>,
    /// Language of the pages where a browser asks for none that we have, as a BCP 47 tag.
    pub default_locale: Option<String>,
    /// `aud` of access tokens for people where the client has none of its own; the issuer if absent.
    pub default_audience: Option<String>,
    /// Role of users that were given none.
    pub default_role: Option<String>,
    /// Who may make an account.
    pub sign_up: SignUpPolicy,
    /// Sessions that begin on the hosted pages.
    pub sessions: SessionSettings,
    /// Sessions that begin at the first-party API.
    pub first_party: FirstPartySettings,
}

/// How long sessions live and how many there are; what isn't said is as usual. Times are whole seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionSettings {
    /// Longest life, from the sign-in on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u32>,
    /// Longest rest, from the last use on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<u32>,
    /// The most that a person has at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<NonZeroU32>,
}

/// The same for the first-party API, and how long its tokens live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstPartySettings {
    /// Its sessions.
    #[serde(flatten)]
    pub sessions: SessionSettings,
    /// Life of access tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<u32>,
    /// Longest rest of a refresh token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_lifetime: Option<u32>,
}

/// A text that can't be a slug or an issuer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TenantError {
    /// See [`Slug`].
    #[error("a slug has 1 to 63 characters out of a-z, 0-9 and -, and neither begins nor ends with -")]
    Slug,
    /// See [`Issuer`].
    #[error(
        "an issuer is an https URL without query, fragment, user name or trailing slash; http only on a loopback address"
    )]
    Issuer,
}

/// A tenant's name in URLs: a DNS label in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Slug of the default tenant.
    pub fn default_tenant() -> Self {
        Self("default".to_owned())
    }
}

impl TryFrom<String> for Slug {
    type Error = TenantError;

    fn try_from(text: String) -> Result<Self, TenantError> {
        let valid = (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if valid { Ok(Self(text)) } else { Err(TenantError::Slug) }
    }
}

impl FromStr for Slug {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        text.to_owned().try_into()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An issuer identifier (OpenID Connect Discovery §3, RFC 8414 §2), compared byte by byte.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Issuer(String);

impl Issuer {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Issuer of the tenant `slug` of the installation whose base URL this is.
    #[must_use]
    pub fn of_tenant(&self, slug: &Slug) -> Self {
        Self(format!("{}/t/{slug}", self.0))
    }

    /// Whether it is plain http, which only a loopback address may be.
    pub fn is_plain_http(&self) -> bool {
        self.0.starts_with("http://")
    }

    /// Scheme, host and port, as a browser writes them in `Origin`.
    pub fn origin(&self) -> String {
        Url::parse(&self.0).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// The path of the URL without a trailing slash; empty at the root.
    pub fn path(&self) -> String {
        Url::parse(&self.0).map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default()
    }
}

impl TryFrom<String> for Issuer {
    type Error = TenantError;

    fn try_from(text: String) -> Result<Self, TenantError> {
        let url = Url::parse(&text).map_err(|_| TenantError::Issuer)?;
        let scheme = match url.scheme() {
            "https" => true,
            "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")),
            _ => false,
        };
        let bare = url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
            && !text.ends_with('/')
            && url.as_str().trim_end_matches('/') == text;
        if scheme && bare { Ok(Self(text)) } else { Err(TenantError::Issuer) }
    }
}

impl FromStr for Issuer {
    type Err = TenantError;

    fn from_str(text: &str) -> Result<Self, TenantError> {
        text.to_owned().try_into()
    }
}

impl From<Issuer> for String {
    fn from(issuer: Issuer) -> Self {
        issuer.0
    }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
