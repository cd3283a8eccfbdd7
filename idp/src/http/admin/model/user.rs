//! People.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::domain;
use crate::domain::user::UserStatus;
use crate::domain::user_details::UserDetails;
use crate::http::api::schema::{DateTime, EmailAddress, Id, Password, Uri, Word};

/// Standard claims beside e-mail and user name (OpenID Connect Core §5.1). A claim without a value is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
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
    pub profile: Option<Uri>,
    /// URL of the profile picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<Uri>,
    /// URL of the person's web page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub website: Option<Uri>,
    /// Gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gender: Option<String>,
    /// Birthday: `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birthdate: Option<String>,
    /// Time zone, as in `Europe/Paris`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// Language, a BCP 47 tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Telephone number with its country's code (E.164).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number: Option<String>,
    /// Whether the number was proved to be this person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_verified: Option<bool>,
    /// Postal address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// A postal address (OpenID Connect Core §5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
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

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct User {
    /// The `sub` of its tokens.
    pub user_id: Id,
    /// Whether it may sign in and get tokens.
    pub status: Word<UserStatus>,
    /// E-mail address, unique in the tenant without regard to case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Whether the address was proved to be this person's.
    pub email_verified: bool,
    /// Name to sign in with, unique in the tenant without regard to case; also `preferred_username`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// `roles` of its access tokens.
    pub roles: Vec<String>,
    /// The other standard claims.
    pub profile: Profile,
    /// When it last did something: signed in, or used one of its sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<DateTime>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
}

impl From<&domain::user::User> for User {
    fn from(user: &domain::user::User) -> Self {
        let profile = serde_json::to_value(&user.profile).and_then(serde_json::from_value).unwrap_or_default();
        Self {
            user_id: Id(user.id.to_string()),
            status: Word(user.status),
            email: user.email.as_ref().map(|email| EmailAddress(email.to_string())),
            email_verified: user.email_verified,
            username: user.username.as_ref().map(ToString::to_string),
            roles: user.roles.iter().cloned().collect(),
            profile,
            last_activity_at: user.last_activity_at.map(DateTime::from),
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
        }
    }
}

/// A part of the list of people.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct UserPart {
    /// The people.
    pub items: Vec<User>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

macro_rules! user_body {
    ($(#[$doc:meta])* $name:ident { $($extra:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Serialize, Deserialize, Object)]
        #[serde(deny_unknown_fields, default)]
        #[oai(skip_serializing_if_is_none)]
        pub struct $name {
            /// E-mail address, unique in the tenant without regard to case.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub email: Option<EmailAddress>,
            /// Whether the address was proved to be this person's. A new address isn't, unless this says so.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub email_verified: Option<bool>,
            /// Name to sign in with: letters, digits and `. _ -`, no `@`.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub username: Option<String>,
            /// `roles` of its access tokens; a new user who is given none gets the tenant's default role.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub roles: Option<Vec<String>>,
            /// The other standard claims.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub profile: Option<Profile>,
            $($extra)*
        }
    };
}

user_body! {
    /// What is to change of a person, as a merge patch (RFC 7396): what is left out stays, what is null is taken away.
    UserPatch {}
}

user_body! {
    /// A new person: with an e-mail address, a user name or both.
    NewUser {
        /// Password of 8 to 128 characters; without one nobody can sign in by password.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub password: Option<Password>,
    }
}

impl NewUser {
    /// What it says beside the password, and whether it says so.
    ///
    /// # Errors
    /// The member at fault.
    pub fn details(&self) -> Result<UserDetails, domain::merge_patch::FieldError> {
        let said = UserPatch {
            email: self.email.clone(),
            email_verified: self.email_verified,
            username: self.username.clone(),
            roles: self.roles.clone(),
            profile: self.profile.clone(),
        };
        UserDetails::default().patched(&serde_json::to_value(said).unwrap_or_default())
    }
}

/// A new password.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// 8 to 128 characters, not easy to guess.
    pub password: Password,
}
