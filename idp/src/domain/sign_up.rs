//! Signing up: what somebody says who wants an account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Secret;
use super::password::{self, PasswordError};
use super::user::{Email, Profile};
use super::user_details;

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUpPolicy {
    /// Administrators alone.
    #[default]
    Closed,
    /// Anybody, for themselves.
    Open,
}

impl SignUpPolicy {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Closed, Self::Open];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
        }
    }
}

/// What somebody typed who wants an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Typed<'a> {
    /// E-mail address.
    pub email: Option<&'a str>,
    /// Name; nobody has to have one.
    pub name: Option<&'a str>,
    /// Password.
    pub password: Option<&'a str>,
}

/// What an account is made of that somebody makes for themselves.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// E-mail address. Nobody has proved yet that it is theirs.
    pub email: Email,
    /// Name.
    pub name: Option<String>,
    /// Password, which is good enough.
    pub password: Secret,
}

/// All that is wrong with what was typed; at least one of these is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Error)]
#[error("what was typed can't be an account's")]
pub struct Faults {
    /// With the e-mail address.
    pub email: Option<EmailFault>,
    /// With the name: it is too long, or has characters that no name has.
    pub name: Option<NameFault>,
    /// With the password.
    pub password: Option<PasswordFault>,
}

/// What is wrong with an e-mail address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EmailFault {
    /// There is none.
    #[error("an e-mail address is needed")]
    Missing,
    /// It isn't one.
    #[error("an e-mail address looks like name@example.com and has at most 254 characters")]
    Malformed,
}

/// What is wrong with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a name has 1 to 255 characters, none of them a control character")]
pub struct NameFault;

/// What is wrong with a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PasswordFault {
    /// There is none.
    #[error("a password is needed")]
    Missing,
    /// It isn't good enough.
    #[error(transparent)]
    Refused(#[from] PasswordError),
}

impl NewAccount {
    /// Reads what was typed. White space around the address and the name doesn't count. `context` has words that a
    /// password must not follow from, beside the person's own.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn parse(typed: Typed<'_>, context: &[&str]) -> Result<Self, Faults> {
        let filled = |text: Option<&str>| text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let email = filled(typed.email).ok_or(EmailFault::Missing);
        let email = email.and_then(|text| Email::from_str(&text).map_err(|_| EmailFault::Malformed));
        let name = filled(typed.name);
        let profile = Profile { name, ..Profile::default() };
        let name_fault = user_details::check(&profile).err().map(|_| NameFault);
        let password = typed.password.filter(|text| !text.is_empty()).ok_or(PasswordFault::Missing);
        let password = password.and_then(|text| {
            let own = [typed.email.unwrap_or_default(), typed.name.unwrap_or_default()];
            let words: Vec<&str> = context.iter().copied().chain(own).collect();
            let secret = Secret::new(text);
            password::check_new(&secret, &words)?;
            Ok(secret)
        });
        match (email, name_fault, password) {
            (Ok(email), None, Ok(password)) => Ok(Self { email, name: profile.name, password }),
            (email, name, password) => Err(Faults { email: email.err(), name, password: password.err() }),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    const GOOD: &str = "correct horse battery staple";

    fn parse(email: Option<&str>, name: Option<&str>, password: Option<&str>) -> Result<NewAccount, Faults> {
        NewAccount::parse(Typed { email, name, password }, &["Acme Rockets", "signet"])
    }

    #[test]
    fn what_is_around_the_address_and_the_name_is_left_out_and_the_password_is_taken_as_it_is() {
        let account = parse(Some(" ada@example.com\t"), Some(" Ada "), Some(" spaces are kept ")).unwrap();
        assert_eq!((account.email.as_str(), account.name.as_deref()), ("ada@example.com", Some("Ada")));
        assert_eq!(account.password.expose(), " spaces are kept ");
        for nameless in [None, Some(""), Some("  ")] {
            assert_eq!(parse(Some("ada@example.com"), nameless, Some(GOOD)).unwrap().name, None);
        }
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        use PasswordError::{Guessable, TooLong, TooShort};
        let (missing, malformed) = (Some(EmailFault::Missing), Some(EmailFault::Malformed));
        let no_password = Some(PasswordFault::Missing);
        let refused = |error| Some(PasswordFault::Refused(error));
        let ada = Some("ada.lovelace@example.com");
        let long = "x".repeat(256);
        let cases = [
            (None, None, None, (missing, None, no_password)),
            (Some(" "), None, Some(""), (missing, None, no_password)),
            (Some("ada"), Some(long.as_str()), Some("short"), (malformed, Some(NameFault), refused(TooShort))),
            (ada, Some("a\u{7}b"), Some(GOOD), (None, Some(NameFault), None)),
            (ada, None, Some(long.as_str()), (None, None, refused(TooLong))),
            (ada, None, Some("Lovelace1"), (None, None, refused(Guessable))),
            (ada, Some("Grace Hopper"), Some("gracehopper"), (None, None, refused(Guessable))),
            (ada, None, Some("acmerockets"), (None, None, refused(Guessable))),
        ];
        for (email, name, password, (email_fault, name_fault, password_fault)) in cases {
            let faults = Faults { email: email_fault, name: name_fault, password: password_fault };
            assert_eq!(parse(email, name, password).unwrap_err(), faults, "{email:?} {name:?}");
        }
    }
}
