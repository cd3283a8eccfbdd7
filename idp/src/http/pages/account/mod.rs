//! Pages of the account console: what is around each, and one file a page.

mod applications;
#[cfg(test)]
pub(super) mod examples;
mod overview;
mod password;
mod profile;
mod sessions;

pub use applications::{ApplicationView, ApplicationsPage, WithdrawPage};
pub use overview::OverviewPage;
pub use password::{PasswordField, PasswordPage, PasswordProblem};
pub use profile::{ProfilePage, ProfileProblem};
pub use sessions::{DeviceView, EndOthersPage, SessionsPage};

use super::{AccountChoice, Person, texts::Texts};
use crate::domain::account::AccountPage;

/// What is around a page of the console: whose account it is, the other accounts of the browser, and where one can go.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The page that is shown, or that it belongs to.
    pub page: AccountPage,
    /// Whose account it is.
    pub person: Person,
    /// The other accounts of this browser.
    pub others: Vec<AccountChoice>,
    /// Token that proves that a form is ours.
    pub csrf: String,
    /// What was done just before.
    pub notice: Option<Notice>,
}

/// An entry of the navigation.
struct Entry {
    path: &'static str,
    icon: &'static str,
    title: String,
    is_current: bool,
}

impl Frame {
    fn entries(&self, t: Texts) -> Vec<Entry> {
        let entry = |page: AccountPage| {
            let (icon, key) = match page {
                AccountPage::Overview => ("i-home", "account-overview"),
                AccountPage::Profile => ("i-card", "account-profile"),
                AccountPage::Password => ("i-key", "account-password"),
                AccountPage::Sessions => ("i-devices", "account-sessions"),
                AccountPage::Applications => ("i-apps", "account-applications"),
            };
            Entry { path: page.path(), icon, title: t.text(key).into_owned(), is_current: page == self.page }
        };
        AccountPage::ALL.map(entry).into()
    }

    fn notice(&self, t: Texts) -> Option<String> {
        self.notice.map(|notice| t.text(notice.key()).into_owned())
    }
}

/// What was done, told on the page that comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The profile was saved.
    ProfileSaved,
    /// The password was changed.
    PasswordChanged,
    /// A device was signed out.
    DeviceSignedOut,
    /// All other devices were.
    OthersSignedOut,
    /// An application has no access any more.
    Withdrawn,
}

impl Notice {
    const ALL: [Self; 5] =
        [Self::ProfileSaved, Self::PasswordChanged, Self::DeviceSignedOut, Self::OthersSignedOut, Self::Withdrawn];

    /// Its name in a cookie.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProfileSaved => "profile-saved",
            Self::PasswordChanged => "password-changed",
            Self::DeviceSignedOut => "device-signed-out",
            Self::OthersSignedOut => "others-signed-out",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.name() == name)
    }

    fn key(self) -> &'static str {
        match self {
            Self::ProfileSaved => "account-notice-profile-saved",
            Self::PasswordChanged => "account-notice-password-changed",
            Self::DeviceSignedOut => "account-notice-device-signed-out",
            Self::OthersSignedOut => "account-notice-others-signed-out",
            Self::Withdrawn => "account-notice-withdrawn",
        }
    }
}
