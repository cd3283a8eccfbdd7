//! Sessions.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::domain;
use crate::domain::device::Device;
use crate::http::api::schema::{DateTime, Id};

/// A person signed in on a device.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Session {
    /// Its id: `sid` of its tokens.
    pub session_id: Id,
    /// Who.
    pub user_id: Id,
    /// Where it began: `page` for the hosted pages, `first_party` for the first-party API.
    pub origin: String,
    /// The browser, as far as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub browser: Option<String>,
    /// The system that it runs on, as far as it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// All that it says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The network address of the sign-in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// How the person proved who they are (RFC 8176).
    pub amr: Vec<String>,
    /// When they did.
    pub auth_time: DateTime,
    /// When it began.
    pub created_at: DateTime,
    /// When it was last used, to a hundredth of the time that it may rest.
    pub last_seen_at: DateTime,
    /// When it ends unless it is used before.
    pub idle_at: DateTime,
    /// When it ends at the latest.
    pub expires_at: DateTime,
}

impl From<&domain::session::Session> for Session {
    fn from(session: &domain::session::Session) -> Self {
        let device = session.user_agent.as_deref().map(Device::of).unwrap_or_default();
        let idle_at = (session.last_seen_at + session.idle_timeout).min(session.expires_at);
        Self {
            session_id: Id(session.id.to_string()),
            user_id: Id(session.user_id.to_string()),
            origin: session.origin.as_str().to_owned(),
            browser: device.browser,
            system: device.system,
            user_agent: session.user_agent.clone(),
            address: session.address.clone(),
            amr: session.amr.iter().map(|method| method.as_str().to_owned()).collect(),
            auth_time: session.auth_time.into(),
            created_at: session.created_at.into(),
            last_seen_at: session.last_seen_at.into(),
            idle_at: idle_at.into(),
            expires_at: session.expires_at.into(),
        }
    }
}

/// A part of a list of sessions.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct SessionPart {
    /// The sessions.
    pub items: Vec<Session>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
