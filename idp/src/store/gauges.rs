//! How much of something there is in the database, for whoever watches over it; and whether it takes writes.

use entity::control::deliveries::{self, DeliveryState};
use entity::control::signing_keys::{self, KeyState};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait as _, QueryFilter, QuerySelect as _};

use super::StoreError;
use super::outbox::{self, Consumer};
use super::tx::{Reader, Tx};
use crate::domain::TenantId;
use crate::domain::Timestamp;
use crate::domain::ids::SweepId;

/// What there is in all tenants together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gauges {
    /// Sessions that haven't ended; `None` if there are too many to count them in time.
    pub active_sessions: Option<u64>,
    /// Events that Redis hasn't been given.
    pub events_for_redis: u64,
    /// Events that aren't in the queues of webhooks.
    pub events_for_webhooks: u64,
    /// Messages that are still tried.
    pub deliveries_pending: u64,
    /// Messages that nobody took.
    pub deliveries_dead: u64,
    /// Since when the oldest signing key signs.
    pub oldest_key_since: Option<Timestamp>,
}

/// Reads all of it. Each is one statement, of which the first takes the longer the more sessions there are.
pub async fn read(db: &impl Reader, now: Timestamp) -> Result<Gauges, StoreError> {
    let active = super::sessions::count(db, now).await;
    if let Err(error) = &active {
        tracing::warn!(%error, "sessions can't be counted");
    }
    let deliveries = |state: DeliveryState| deliveries::Entity::find().filter(deliveries::Column::State.eq(state));
    let oldest: Option<Option<i64>> = signing_keys::Entity::find()
        .select_only()
        .column_as(signing_keys::Column::ActivatedAt.min(), "since")
        .filter(signing_keys::Column::State.eq(KeyState::Active))
        .into_tuple()
        .one(db)
        .await?;
    Ok(Gauges {
        active_sessions: active.ok(),
        events_for_redis: backlog(db, Consumer::Redis).await?,
        events_for_webhooks: backlog(db, Consumer::Webhooks).await?,
        deliveries_pending: deliveries(DeliveryState::Pending).count(db).await?,
        deliveries_dead: deliveries(DeliveryState::Dead).count(db).await?,
        oldest_key_since: oldest.flatten().map(Timestamp::from_millis),
    })
}

async fn backlog(db: &impl Reader, consumer: Consumer) -> Result<u64, StoreError> {
    let backlogs = outbox::backlogs(db, consumer).await?;
    Ok(backlogs.iter().map(|backlog| backlog.newest.abs_diff(backlog.taken)).sum())
}

/// A write that changes nothing: a database that only reads, such as a standby, refuses it.
pub async fn write_nothing(tx: &Tx) -> Result<(), StoreError> {
    super::sweeps::finish(tx, TenantId::DEFAULT, SweepId::from_uuid(uuid::Uuid::nil())).await
}
