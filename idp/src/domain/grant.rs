//! Grants: what a client got within a session.

use serde::{Deserialize, Serialize};

use super::claims_request::ClaimsRequest;
use super::scope::ScopeSet;
use super::session::AuthenticationMethod;
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
    /// Whether it outlives its session (`offline_access`).
    pub offline: bool,
    /// What its later tokens say of the sign-in; `None` if there are none.
    pub authentication: Option<Authentication>,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// How and when a person proved who they are, as a grant's tokens say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
    /// When (`auth_time`).
    pub time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<AuthenticationMethod>,
    /// The class of it.
    pub acr: Option<String>,
}

impl Grant {
    /// When a refresh token of it stops working that may rest until then: at the latest with the grant.
    pub fn refreshed_until(&self, rest: Timestamp) -> Timestamp {
        self.expires_at.map_or(rest, |end| end.min(rest))
    }

    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}
