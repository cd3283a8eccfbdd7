//! Authorization flows: requests that wait for their user, over the pages. Those of the account console are among them.

use serde::{Deserialize, Serialize};

use super::account::AccountPage;
use super::authorization_request::AuthorizationRequest;
use super::{ClientId, FlowId, SessionId, Timestamp};

/// An authorization request that is waiting for its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationFlow {
    /// Its identifier, in the address of the pages.
    pub id: FlowId,
    /// Who asks.
    pub client_id: ClientId,
    /// What for.
    pub request: AuthorizationRequest,
    /// The page of the account console that it leads to; `None` where it leads to a client.
    pub account_page: Option<AccountPage>,
    /// SHA-256 of the browser cookie that it belongs to; `None` until the first page was shown.
    pub browser_hash: Option<[u8; 32]>,
    /// The session that began with a sign-in on its own page, if there was one.
    pub session_id: Option<SessionId>,
    /// The session that its user chose among those of the browser.
    pub chosen_session_id: Option<SessionId>,
    /// How far it is.
    pub state: FlowState,
    /// When the request arrived.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// How far a flow is. It leaves `Open` once, by a conditional update.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlowState {
    /// Waiting for its user.
    Open,
    /// Answered with a code.
    Completed,
    /// Answered with an error.
    Refused,
}
