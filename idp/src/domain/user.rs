//! People.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Timestamp, UserId};

/// A person known to a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The `sub` of its tokens.
    pub id: UserId,
    /// Whether it may sign in and get tokens.
    pub status: UserStatus,
    /// Its e-mail address, unique in the tenant without regard to case.
    pub email: Option<Email>,
    /// Whether the address was proved to be this person's.
    pub email_verified: bool,
    /// Its name to sign in with, unique in the tenant without regard to case; also `preferred_username`.
    pub username: Option<Username>,
    /// `roles` of its access tokens.
    pub roles: BTreeSet<String>,
    /// The other standard claims.
    pub profile: Profile,
    /// When it last did something, as far as whoever read it looked: its row knows of sign-ins, its sessions of the rest.
    pub last_activity_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed; `updated_at` of its claims.
    pub updated_at: Timestamp,
}

impl User {
    /// What the person signs in with: e-mail, user name or, at last, the id.
    pub fn login(&self) -> String {
        self.email
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| self.username.as_ref().map(ToString::to_string))
            .unwrap_or_else(|| self.id.to_string())
    }
}

/// Whether a user may sign in and get tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// In use.
    Active,
    /// Switched off by an administrator.
    Disabled,
    /// Closed for a reason of security until an administrator opens it.
    Locked,
}

/// Standard claims beside e-mail and user name (OpenID Connect Core §5.1). An absent claim is left out, never null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// Full name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Given name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surname or surnames.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<String>,
    /// Middle name or names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Casual name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// URL of the profile page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// URL of the profile picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// URL of the person's web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Birthday, `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// Time zone, as in `Europe/Paris`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// Language, a BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Telephone number, E.164.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number was proved to be this person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// The `address` claim (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// The whole address, as on an envelope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formatted: Option<String>,
    /// Street and house number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street_address: Option<String>,
    /// Town.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<String>,
    /// State or province.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Postal code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// Country.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
}

/// A text that can't be an e-mail address or user name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UserError {
    /// See [`Email`].
    #[error("an e-mail address looks like name@example.com and has at most 254 characters")]
    Email,
    /// See [`Username`].
    #[error("a user name has 1 to 64 characters out of letters, digits and . _ -, and no @")]
    Username,
}

/// An e-mail address: what the person typed, compared without regard to case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is compared.
    pub fn lower(&self) -> String {
        self.0.to_lowercase()
    }
}

impl TryFrom<String> for Email {
    type Error = UserError;

    fn try_from(text: String) -> Result<Self, UserError> {
        let (local, domain) = text.rsplit_once('@').ok_or(UserError::Email)?;
        let valid = text.len() <= 254
            && !local.is_empty()
            && local.len() <= 64
            && !domain.is_empty()
            && !domain.starts_with(['.', '-'])
            && !domain.ends_with(['.', '-'])
            && !domain.contains("..")
            && domain.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>()[],;:\\\"".contains(c))
            && !local.contains('@');
        if valid { Ok(Self(text)) } else { Err(UserError::Email) }
    }
}

/// A name to sign in with. It has no `@`, so that it can't pass for an e-mail address.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Username(String);

impl Username {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form that is compared.
    pub fn lower(&self) -> String {
        self.0.to_lowercase()
    }
}

impl TryFrom<String> for Username {
    type Error = UserError;

    fn try_from(text: String) -> Result<Self, UserError> {
        let valid = (1..=64).contains(&text.chars().count())
            && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'));
        if valid { Ok(Self(text)) } else { Err(UserError::Username) }
    }
}

macro_rules! text_traits {
    ($($name:ident),+) => {$(
        impl FromStr for $name {
            type Err = UserError;

            fn from_str(text: &str) -> Result<Self, UserError> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

text_traits!(Email, Username);

/// What a person typed to say who they are: an e-mail address or a user name, folded for look-up and for counting
/// attempts. Any text is one, so that nothing tells which exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LoginName(String);

impl LoginName {
    /// The longest text that is looked at; the rest is dropped.
    pub const MAX_CHARS: usize = 254;

    /// Folds what was typed: surrounding white space and case don't count.
    pub fn new(typed: &str) -> Self {
        Self(typed.trim().chars().take(Self::MAX_CHARS).collect::<String>().to_lowercase())
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it looks like an e-mail address rather than a user name.
    pub fn is_email(&self) -> bool {
        self.0.contains('@')
    }
}
