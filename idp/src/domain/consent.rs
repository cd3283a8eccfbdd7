//! Consents: what a person once allowed a client.

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
