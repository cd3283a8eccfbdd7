//! The account console: the pages on which people look after their own account.

use std::time::Duration;

use thiserror::Error;

/// How young a proof of identity must be for what an account hangs on, such as its password. Who proved it longer ago is
/// asked to sign in again.
pub const FRESH: Duration = Duration::from_mins(5);

/// A page of the account console that somebody can be on their way to. The set is closed, so that nothing in a request
/// can make the sign-in end elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountPage {
    /// What there is.
    Overview,
    /// The person's own claims.
    Profile,
    /// A new password.
    Password,
    /// Where the person is signed in.
    Sessions,
    /// What the person allowed.
    Applications,
}

/// A text that is no page's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("there is no such page of the account console")]
pub struct NoSuchPage;

impl AccountPage {
    /// All of them, in the order of the navigation.
    pub const ALL: [Self; 5] = [Self::Overview, Self::Profile, Self::Password, Self::Sessions, Self::Applications];

    /// Its name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Profile => "profile",
            Self::Password => "password",
            Self::Sessions => "sessions",
            Self::Applications => "applications",
        }
    }

    /// Its address within the tenant.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Overview => "/account",
            Self::Profile => "/account/profile",
            Self::Password => "/account/password",
            Self::Sessions => "/account/sessions",
            Self::Applications => "/account/applications",
        }
    }
}

impl TryFrom<String> for AccountPage {
    type Error = NoSuchPage;

    fn try_from(name: String) -> Result<Self, NoSuchPage> {
        Self::ALL.into_iter().find(|page| page.as_str() == name).ok_or(NoSuchPage)
    }
}
