//! Sessions: a person signed in on a device.

use std::num::NonZeroU32;
use std::time::Duration;

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
    /// Which way it began.
    pub origin: SessionOrigin,
    /// How long it may rest.
    pub idle_timeout: Duration,
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
        self.ended_at.is_none() && now < self.expires_at && now < self.last_seen_at + self.idle_timeout
    }

    /// Why it ends where nobody ends it: what comes first, the end of its life or that of its longest rest.
    pub fn ends_by_itself(&self) -> EndReason {
        if self.expires_at < self.last_seen_at + self.idle_timeout { EndReason::Expired } else { EndReason::Idle }
    }
}

/// Which way a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionOrigin {
    /// On a hosted page: a browser has its cookie.
    Page,
    /// At the first-party API: one of one's own apps has its tokens.
    FirstParty,
}

impl SessionOrigin {
    /// Its name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::FirstParty => "first_party",
        }
    }
}

/// How long sessions of one origin live, and how many a person has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionPolicy {
    /// Which sessions.
    pub origin: SessionOrigin,
    /// Longest life, from the sign-in on.
    pub lifetime: Duration,
    /// Longest rest, from the last use on.
    pub idle_timeout: Duration,
    /// The most that a person has at once; the oldest ends for a new one.
    pub limit: Option<NonZeroU32>,
}

/// How a person proved who they are (RFC 8176 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthenticationMethod {
    /// Password.
    Pwd,
}

impl AuthenticationMethod {
    /// Its name in tokens.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
        }
    }
}

/// The value of the session cookie: 256 random bits. The database keeps its SHA-256, so that neither a copy of
/// the database nor a `sid` in a token opens a session.
#[derive(Clone, Debug)]
pub struct SessionSecret(pub Secret);

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The person signed out.
    SignedOut,
    /// The person or an administrator ended it.
    Revoked,
    /// There were too many; it was the oldest.
    Limit,
    /// A refresh token of it was used twice: somebody has a copy.
    TokenReused,
    /// The password was changed.
    PasswordChanged,
    /// The person was disabled or locked.
    UserDisabled,
    /// The person was deleted.
    UserDeleted,
    /// The client was disabled.
    ClientDisabled,
    /// All sessions of the tenant were ended.
    LockDown,
    /// The tenant was suspended.
    TenantSuspended,
    /// It rested for too long.
    Idle,
    /// Its life was over.
    Expired,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SignedOut,
        Self::Revoked,
        Self::Limit,
        Self::TokenReused,
        Self::PasswordChanged,
        Self::UserDisabled,
        Self::UserDeleted,
        Self::ClientDisabled,
        Self::LockDown,
        Self::TenantSuspended,
        Self::Idle,
        Self::Expired,
    ];

    /// Its name in the log, in events and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Revoked => "revoked",
            Self::Limit => "limit",
            Self::TokenReused => "token_reused",
            Self::PasswordChanged => "password_changed",
            Self::UserDisabled => "user_disabled",
            Self::UserDeleted => "user_deleted",
            Self::ClientDisabled => "client_disabled",
            Self::LockDown => "lock_down",
            Self::TenantSuspended => "tenant_suspended",
            Self::Idle => "idle",
            Self::Expired => "expired",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}
