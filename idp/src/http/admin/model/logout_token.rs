//! Logout tokens that wait for their clients, and what is said of messages to others.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use super::delivery::Progress;
use crate::http::api::schema::{DateTime, Id};
use crate::service::backchannel_logout::WaitingLogout;

/// A logout token that waits for a client, or was given up. It is signed when it is sent.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct LogoutToken {
    /// The message's id.
    pub delivery_id: Id,
    /// The session that ended: the token's `sid`.
    pub session_id: Id,
    /// Whose it was.
    pub user_id: Id,
    /// `pending`, or `dead`: given up.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime>,
    /// When it was put into the queue.
    pub created_at: DateTime,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl From<&WaitingLogout> for LogoutToken {
    fn from(WaitingLogout { user_id, sid, delivery }: &WaitingLogout) -> Self {
        let Progress { state, attempts, next_attempt_at, created_at, last_error } = delivery.into();
        Self {
            delivery_id: Id(delivery.id.to_string()),
            session_id: Id(sid.to_string()),
            user_id: Id(user_id.to_string()),
            state,
            attempts,
            next_attempt_at,
            created_at,
            last_error,
        }
    }
}

/// A part of the list of a client's logout tokens.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct LogoutTokenPart {
    /// The messages, the oldest first.
    pub items: Vec<LogoutToken>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Which messages are tried again.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct Replay {
    /// This one; all that were given up if it isn't named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery_id: Option<String>,
}

/// What is tried again.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, Object)]
pub struct Replayed {
    /// How many messages.
    pub replayed: u64,
}
