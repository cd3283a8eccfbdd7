//! Grants: what a client got within a session.

use super::claims_request::ClaimsRequest;
use super::scope::ScopeSet;
use super::{ClientId, GrantId, SessionId, Timestamp, UserId};

/// What a client got within a session. Access tokens point at it by the first half of their `jti`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its identifier.
    pub id: GrantId,
    /// Whose.
    pub user_id: UserId,
    /// To whom.
    pub client_id: ClientId,
    /// In which session; `None` for one that outlives sessions.
    pub session_id: Option<SessionId>,
    /// What it allows.
    pub scope: ScopeSet,
    /// The claims that were asked for one by one.
    pub claims: Option<ClaimsRequest>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
