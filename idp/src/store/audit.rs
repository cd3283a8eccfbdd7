//! The audit log.

use std::fmt;
use std::str::FromStr;

use entity::control::audit_events::{AuditOutcome, Column, Entity, Model};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder as _, QuerySelect as _};
use thiserror::Error;

use super::StoreError;
use super::line::without_nul;
use super::row::{Place, page};
use super::tx::Reader;
use crate::domain::audit::{AuditEvent, AuditKind, Outcome};
use crate::domain::ids::AuditEventId;
use crate::domain::{ClientId, TenantId, Timestamp, UserId};

const TABLE: &str = "audit_events";

/// Which events to list; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Only of this kind.
    pub kind: Option<AuditKind>,
    /// Only with this end.
    pub outcome: Option<Outcome>,
    /// Only about this user.
    pub user: Option<UserId>,
    /// Only about this client.
    pub client: Option<ClientId>,
    /// Only what this one did.
    pub actor: Option<String>,
    /// Only what came from this address.
    pub address: Option<String>,
    /// Only from this time on.
    pub since: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
}

/// A place in the list: the last event that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditCursor {
    /// When it was.
    pub at: Timestamp,
    /// Its id.
    pub id: AuditEventId,
}

impl fmt::Display for AuditCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.millis(), self.id)
    }
}

impl FromStr for AuditCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (at, id) = text.split_once('.').ok_or(CursorError)?;
        let at = at.parse().map(Timestamp::from_millis).map_err(|_| CursorError)?;
        Ok(Self { at, id: id.parse().map_err(|_| CursorError)? })
    }
}

/// A text that isn't a place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a place in the audit log")]
pub struct CursorError;

impl TryFrom<Model> for AuditEvent {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: AuditEventId::from_uuid(row.event_id),
            at: Timestamp::from_millis(row.at),
            kind: AuditKind::from_name(&row.kind).ok_or_else(|| StoreError::corrupt(TABLE, "kind"))?,
            outcome: row.outcome.into(),
            actor: row.actor,
            user_id: row.user_id.map(UserId::from_uuid),
            client_id: Place(TABLE, "client_id").parse_optional(row.client_id)?,
            address: row.address,
            detail: row.detail,
        })
    }
}

/// Events, the newest first, from the one before `before`; at most 1000.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    filter: &AuditFilter,
    before: Option<AuditCursor>,
    limit: u64,
) -> Result<Vec<AuditEvent>, StoreError> {
    let mut which = Condition::all().add(Column::TenantId.eq(tenant.uuid()));
    if let Some(kind) = filter.kind {
        which = which.add(Column::Kind.eq(kind.as_str()));
    }
    if let Some(outcome) = filter.outcome {
        which = which.add(Column::Outcome.eq(AuditOutcome::from(outcome)));
    }
    if let Some(user) = filter.user {
        which = which.add(Column::UserId.eq(user.uuid()));
    }
    let texts = [
        (Column::ClientId, filter.client.as_ref().map(ClientId::as_str)),
        (Column::Actor, filter.actor.as_deref()),
        (Column::Address, filter.address.as_deref()),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            which = which.add(column.eq(without_nul(text)));
        }
    }
    if let Some(since) = filter.since {
        which = which.add(Column::At.gte(since.millis()));
    }
    if let Some(until) = filter.until {
        which = which.add(Column::At.lt(until.millis()));
    }
    if let Some(AuditCursor { at, id }) = before {
        let same_time = Condition::all().add(Column::At.eq(at.millis())).add(Column::EventId.lt(id.uuid()));
        // The first of these says nothing more than the second, but in a way that an index can follow.
        which = which.add(Column::At.lte(at.millis()));
        which = which.add(Condition::any().add(Column::At.lt(at.millis())).add(same_time));
    }
    let rows = Entity::find()
        .filter(which)
        .order_by_desc(Column::At)
        .order_by_desc(Column::EventId)
        .limit(page(limit))
        .all(db)
        .await?;
    rows.into_iter().map(AuditEvent::try_from).collect()
}
