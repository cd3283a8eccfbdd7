//! What a transaction adds to a tenant's ledgers: lines of the audit log, and events.

use entity::control::{audit_events, outbox_events};
use sea_orm::JsonValue;

use crate::domain::audit::AuditEvent;
use crate::domain::event::Event;
use crate::domain::{TenantId, UserId};

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A line of the audit log.
    Audit(AuditEvent),
    /// An event.
    Event(Event),
}

impl From<AuditEvent> for Entry {
    fn from(event: AuditEvent) -> Self {
        Self::Audit(event)
    }
}

impl From<Event> for Entry {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl Entry {
    /// The row that it becomes.
    pub(super) fn line(self, tenant: TenantId) -> Line {
        match self {
            Self::Audit(event) => Line::Audit(audit_events::Model {
                tenant_id: tenant.uuid(),
                event_id: event.id.uuid(),
                at: event.at.millis(),
                kind: event.kind.as_str().to_owned(),
                outcome: event.outcome.into(),
                actor: event.actor.as_deref().map(without_nul),
                user_id: event.user_id.map(UserId::uuid),
                client_id: event.client_id.as_ref().map(ToString::to_string),
                address: event.address,
                detail: storable(event.detail),
                sequence: None,
                hash: None,
            }),
            Self::Event(event) => Line::Event(outbox_events::Model {
                tenant_id: tenant.uuid(),
                position: 0,
                event_id: event.id.uuid(),
                kind: event.kind.as_str().to_owned(),
                subject: event.subject(),
                at: event.at.millis(),
                payload: storable(event.payload(tenant)),
            }),
        }
    }
}

/// A row of a ledger, without its place, which it gets when it is written.
#[derive(Clone, Debug)]
pub(super) enum Line {
    /// An event.
    Event(outbox_events::Model),
    /// A line of the audit log.
    Audit(audit_events::Model),
}

impl Line {
    /// Whose ledger it belongs to.
    pub(super) fn tenant(&self) -> TenantId {
        match self {
            Self::Event(row) => TenantId::from_uuid(row.tenant_id),
            Self::Audit(row) => TenantId::from_uuid(row.tenant_id),
        }
    }
}

/// A text as PostgreSQL stores it, which refuses NUL: what a caller sent must not prevent a line.
pub(super) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A document as PostgreSQL stores it.
fn storable(json: JsonValue) -> JsonValue {
    match json {
        JsonValue::String(text) => JsonValue::String(without_nul(&text)),
        JsonValue::Array(items) => items.into_iter().map(storable).collect(),
        JsonValue::Object(members) => {
            members.into_iter().map(|(name, value)| (without_nul(&name), storable(value))).collect()
        }
        scalar @ (JsonValue::Null | JsonValue::Bool(_) | JsonValue::Number(_)) => scalar,
    }
}
