//! Sessions: a person signed in on a device.

use serde::{Deserialize, Serialize};

use super::{Secret, SessionId, Timestamp, UserId};

/// A person signed in on a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The `sid` of its tokens. Not the cookie's value: see [`SessionSecret`].
    pub id: SessionId,
    /// Who.
    pub user_id: UserId,
    /// When the person last proved who they are (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<AuthenticationMethod>,
    /// The class of that authentication, where one was asked for.
    pub acr: Option<String>,
    /// The browser, as it names itself; at most 512 characters.
    pub user_agent: Option<String>,
    /// The address that it came from.
    pub address: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

impl Session {
    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// How a person proved who they are (RFC 8176 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// Password.
    Pwd,
}

/// The value of the session cookie: 256 random bits. The database keeps its SHA-256, so that neither a copy of
/// the database nor a `sid` in a token opens a session.
#[derive(Clone, Debug)]
pub struct SessionSecret(pub Secret);
