//! Pages of the account console: what is around each, and one file a page.

mod applications;
#[cfg(test)]
pub(super) mod examples;
mod overview;
mod profile;

pub use applications::{ApplicationView, ApplicationsPage, WithdrawPage};
pub use overview::OverviewPage;
pub use profile::{ProfilePage, ProfileProblem};

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
        let there = [AccountPage::Overview, AccountPage::Profile, AccountPage::Applications];
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
        there.map(entry).into()
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
    /// An application has no access any more.
    Withdrawn,
}

impl Notice {
    const ALL: [Self; 2] = [Self::ProfileSaved, Self::Withdrawn];

    /// Its name in a cookie.
    pub fn name(self) -> &'static str {
        match self {
            Self::ProfileSaved => "profile-saved",
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
            Self::Withdrawn => "account-notice-withdrawn",
        }
    }
}
