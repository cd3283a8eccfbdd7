//! Authorization codes (RFC 6749 §4.1.2): they live for a minute, are used once, and are bound to all they came from.

use serde::{Deserialize, Serialize};

use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::scope::ScopeSet;
use super::session::AuthenticationMethod;
use super::{ClientId, CodeHash, GrantId, SessionId, Timestamp, UserId};

/// An authorization code, as the database knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationCode {
    /// SHA-256 of the code.
    pub hash: CodeHash,
    /// The client that it was given to.
    pub client_id: ClientId,
    /// The person who gave it.
    pub user_id: UserId,
    /// The session that it was given in.
    pub session_id: SessionId,
    /// The grant that its tokens belong to.
    pub grant_id: GrantId,
    /// What the token endpoint needs.
    pub detail: CodeDetail,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What of an authorization request the token endpoint needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeDetail {
    /// The redirect URI of the request; the token request must name the same (RFC 6749 §4.1.3).
    pub redirect_uri: RedirectUri,
    /// The challenge that the verifier must meet (RFC 7636 §4.6).
    pub code_challenge: Option<CodeChallenge>,
    /// `nonce` for the ID token.
    pub nonce: Option<String>,
    /// What was granted.
    pub scope: ScopeSet,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// How.
    pub amr: Vec<AuthenticationMethod>,
    /// The class of that authentication.
    pub acr: Option<String>,
}

/// What came of an attempt to redeem a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeemed {
    /// The first use: it is used up now.
    First(Box<AuthorizationCode>),
    /// Used before: what came from it must be revoked (RFC 6749 §4.1.2).
    Replayed(Box<AuthorizationCode>),
    /// Not one of this tenant's, or too old.
    Unknown,
}
