//! Lines of the audit log.

use poem_openapi::Object;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::Timestamp;
use crate::domain::audit::{AuditEvent, AuditKind, Outcome};
use crate::http::api::schema::{DateTime, Id};
use crate::service::audit_log::{AuditCursor, AuditFilter};

/// Something that happened.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AuditLine {
    /// Its id.
    pub audit_id: Id,
    /// When.
    pub time: DateTime,
    /// When: Unix time in milliseconds.
    pub timestamp: i64,
    /// What: `user.sign_in`.
    pub kind: String,
    /// How it ended: `success`, `refused` or `failed`.
    pub outcome: String,
    /// Who did it, if not the user itself: `client:ID`, `user:ID`, `cli`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The user concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<Id>,
    /// The client concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The network address that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// More, by kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Any<Value>>,
}

impl AuditLine {
    /// The place after it in the list.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.timestamp, self.audit_id.0)
    }
}

impl From<&AuditEvent> for AuditLine {
    fn from(event: &AuditEvent) -> Self {
        Self {
            audit_id: Id(event.id.to_string()),
            time: event.at.into(),
            timestamp: event.at.millis(),
            kind: event.kind.to_string(),
            outcome: event.outcome.as_str().to_owned(),
            actor: event.actor.clone(),
            user_id: event.user_id.map(|id| Id(id.to_string())),
            client_id: event.client_id.as_ref().map(ToString::to_string),
            address: event.address.clone(),
            detail: Some(&event.detail).filter(|detail| !detail.is_null()).map(|detail| Any(detail.clone())),
        }
    }
}

/// A part of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct AuditPart {
    /// The lines, the newest first.
    pub items: Vec<AuditLine>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// Which lines are wanted, as somebody wrote it; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct AuditWhich {
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only with this end.
    pub outcome: Option<String>,
    /// Only about this user.
    pub user_id: Option<String>,
    /// Only about this client.
    pub client_id: Option<String>,
    /// Only what this one did.
    pub actor: Option<String>,
    /// Only what came from this address.
    pub address: Option<String>,
    /// Only from this time on.
    pub since: Option<String>,
    /// Only before this time.
    pub until: Option<String>,
}

impl AuditWhich {
    /// What it means.
    ///
    /// # Errors
    /// A sentence about what can't be understood.
    pub fn filter(&self) -> Result<AuditFilter, String> {
        let time = |name: &str, text: &Option<String>| {
            let parsed = text.as_deref().map(str::parse::<Timestamp>).transpose();
            parsed.map_err(|_| format!("{name}: must be a time such as 2030-01-01T00:00:00Z"))
        };
        let kind = |text: &str| AuditKind::from_name(text).ok_or_else(|| format!("there is no kind {text:?}"));
        let outcome =
            |text: &str| Outcome::from_name(text).ok_or("outcome: must be success, refused or failed".to_owned());
        let user = self.user_id.as_deref().map(str::parse).transpose();
        let client = self.client_id.as_deref().map(str::parse).transpose();
        Ok(AuditFilter {
            kind: self.kind.as_deref().map(kind).transpose()?,
            outcome: self.outcome.as_deref().map(outcome).transpose()?,
            user: user.map_err(|_| "user_id: must be a UUID")?,
            client: client.map_err(|_| "client_id: must be 1 to 128 visible ASCII characters")?,
            actor: self.actor.clone(),
            address: self.address.clone(),
            since: time("since", &self.since)?,
            until: time("until", &self.until)?,
        })
    }
}

/// The place that a cursor names.
///
/// # Errors
/// A sentence.
pub fn cursor(text: &str) -> Result<AuditCursor, String> {
    text.parse().map_err(|_| "cursor: must be the next_cursor of the part before".to_owned())
}
