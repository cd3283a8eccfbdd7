//! What the first-party API takes and says.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::domain::device::Device;
use crate::domain::password;
use crate::domain::session;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::http::api::schema::{DateTime, EmailAddress, Id, Password};
use crate::service::sessions::policy;

/// A new account.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct NewAccount {
    /// E-mail address.
    pub email: EmailAddress,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Password, 8 to 128 characters.
    pub password: Password,
    /// The app; the tenant's usual one unless given.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Whether the refresh token is to come as a cookie that scripts can't read, and not in the body.
    #[serde(default)]
    pub cookie: Option<bool>,
}

/// Name and password of somebody who signs in.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Credentials {
    /// E-mail address, or user name.
    pub email: String,
    /// Password.
    pub password: Password,
    /// The app; the tenant's usual one unless given.
    #[serde(default)]
    pub client_id: Option<String>,
    /// Whether the refresh token is to come as a cookie that scripts can't read, and not in the body.
    #[serde(default)]
    pub cookie: Option<bool>,
}

/// A session that is to go on, or to end. The answer to one that came as a cookie has a cookie.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
pub struct Presented {
    /// The refresh token; the cookie's unless given.
    pub refresh_token: Option<Password>,
    /// The app that it was given to; the tenant's usual one unless given.
    pub client_id: Option<String>,
}

/// A session's tokens.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SessionTokens {
    /// The access token (RFC 9068).
    pub access_token: String,
    /// The same, under its name of old.
    pub token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Life of the access token in seconds.
    pub expires_in: u64,
    /// What was granted, space-separated.
    pub scope: String,
    /// The refresh token; left out where it comes as a cookie.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// The ID token, where the app may have `openid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// Who signed in; left out where a session goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Person>,
}

/// Somebody, as they see themselves.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Person {
    /// `sub` of their tokens.
    pub id: Id,
    /// E-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it was proved to be theirs.
    pub email_verified: bool,
    /// User name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The first of their roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// When they last did something: signed in, or used one of their sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_activity_at: Option<DateTime>,
    /// When they were made.
    pub created_at: DateTime,
}

impl From<&User> for Person {
    fn from(user: &User) -> Self {
        Self {
            id: Id(user.id.to_string()),
            email: user.email.as_ref().map(ToString::to_string),
            email_verified: user.email_verified,
            username: user.username.as_ref().map(ToString::to_string),
            name: user.profile.name.clone(),
            role: user.roles.first().cloned(),
            roles: user.roles.iter().cloned().collect(),
            last_activity_at: user.last_activity_at.map(DateTime::from),
            created_at: user.created_at.into(),
        }
    }
}

/// One of a person's sessions.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OwnSession {
    /// `sid` of its tokens.
    pub id: Id,
    /// Whether it is the one that asks.
    pub current: bool,
    /// Where it began: `page` for the hosted pages, `first_party` for an app.
    pub origin: String,
    /// How the person proved themselves (RFC 8176), such as `pwd`.
    pub amr: Vec<String>,
    /// The browser, as far as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The system that it runs on, as far as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The network address of the sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// When it began.
    pub created_at: DateTime,
    /// When it was last used.
    pub last_activity_at: DateTime,
    /// When it ends unless it is used before.
    pub idle_at: DateTime,
    /// When it ends at the latest.
    pub expires_at: DateTime,
}

impl OwnSession {
    /// As whoever is in the session `current` sees it.
    pub fn new(session: &session::Session, current: &session::Session) -> Self {
        let device = session.user_agent.as_deref().map(Device::of).unwrap_or_default();
        Self {
            id: Id(session.id.to_string()),
            current: session.id == current.id,
            origin: session.origin.as_str().to_owned(),
            amr: session.amr.iter().map(|method| method.as_str().to_owned()).collect(),
            browser: device.browser,
            system: device.system,
            address: session.address.clone(),
            created_at: session.created_at.into(),
            last_activity_at: session.last_seen_at.into(),
            idle_at: (session.last_seen_at + session.idle_timeout).min(session.expires_at).into(),
            expires_at: session.expires_at.into(),
        }
    }
}

/// A part of a person's live sessions.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct OwnSessions {
    /// The sessions: the one that asks, then the others, the newest first.
    pub sessions: Vec<OwnSession>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What an app has to know of the tenant. Times are in seconds.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AppConfig {
    /// `iss` of the tokens; discovery is below it.
    pub issuer: String,
    /// The tenant's name for people.
    pub name: String,
    /// Whether anybody may make an account.
    pub sign_up: bool,
    /// The fewest characters of a password.
    pub password_min_length: u64,
    /// The most.
    pub password_max_length: u64,
    /// Life of access tokens, where the app has no other.
    pub access_token_lifetime: u64,
    /// Longest rest of a refresh token.
    pub refresh_token_lifetime: u64,
    /// Longest rest of a session.
    pub session_idle_timeout: u64,
    /// Longest life of a session.
    pub session_lifetime: u64,
    /// The most sessions of a person; for one more the oldest ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_limit: Option<u32>,
}

impl From<&Tenant> for AppConfig {
    fn from(tenant: &Tenant) -> Self {
        let policy = policy::of_first_party(&tenant.settings);
        Self {
            issuer: tenant.issuer.to_string(),
            name: tenant.name.clone(),
            sign_up: tenant.settings.sign_up == SignUpPolicy::Open,
            password_min_length: password::MIN_CHARS as u64,
            password_max_length: password::MAX_CHARS as u64,
            access_token_lifetime: policy.access_token_lifetime.as_secs(),
            refresh_token_lifetime: policy.refresh_token_lifetime.as_secs(),
            session_idle_timeout: policy.sessions.idle_timeout.as_secs(),
            session_lifetime: policy.sessions.lifetime.as_secs(),
            session_limit: policy.sessions.limit.map(std::num::NonZeroU32::get),
        }
    }
}
