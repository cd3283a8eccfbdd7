//! Consents: what a person once allowed a client; and what clients may do for longer than a session.

use super::scope::ScopeSet;
use super::{ClientId, Timestamp, UserId};

/// What a person once allowed a client; it is remembered until withdrawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Who allowed.
    pub user_id: UserId,
    /// Whom.
    pub client_id: ClientId,
    /// What.
    pub scope: ScopeSet,
    /// When first.
    pub created_at: Timestamp,
    /// When last widened.
    pub updated_at: Timestamp,
}

/// What a client may do with a person's account until it is withdrawn: what they allowed it, and what it got without asking
/// and keeps when the session ends (`offline_access`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which client.
    pub client_id: ClientId,
    /// What.
    pub scope: ScopeSet,
    /// Since when.
    pub since: Timestamp,
}
