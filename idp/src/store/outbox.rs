//! Events on their way out, and how far each way of delivery has come with them.
//!
//! An event is written in the transaction of the change that it tells of, so that neither is there without the other.
//! Deliveries go on from a tenant's cursor and move it when they are done: what is delivered twice after a crash has
//! the same id.

use std::time::Duration;

use entity::control::event_cursors::EventConsumer;
use entity::control::{event_cursors, ledger_heads, outbox_events};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Func, IntoColumnRef as _, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, JsonValue, QueryFilter, QueryOrder as _, QuerySelect as _,
};

use uuid::Uuid;

use super::StoreError;
use super::clock;
use super::housekeeping::delete_batch;
use super::row::{Only as _, insert_if_absent, page};
use super::tx::{Reader, Tx};
use crate::domain::event::OutboxEvent;
use crate::domain::ids::EventId;
use crate::domain::{TenantId, Timestamp};

/// A way of delivery that goes on where it left off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumer {
    /// Redis channels.
    Redis,
    /// The queues of webhooks.
    Webhooks,
}

impl From<Consumer> for EventConsumer {
    fn from(consumer: Consumer) -> Self {
        match consumer {
            Consumer::Redis => Self::Redis,
            Consumer::Webhooks => Self::Webhooks,
        }
    }
}

impl From<outbox_events::Model> for OutboxEvent {
    fn from(row: outbox_events::Model) -> Self {
        let mut payload = row.payload;
        if let JsonValue::Object(members) = &mut payload {
            members.insert("position".to_owned(), row.position.into());
        }
        Self {
            tenant: TenantId::from_uuid(row.tenant_id),
            position: row.position,
            id: EventId::from_uuid(row.event_id),
            kind: row.kind,
            subject: row.subject,
            at: Timestamp::from_millis(row.at),
            payload,
        }
    }
}

/// A tenant's events after that place, the oldest first; at most 1,000.
pub async fn after(
    db: &impl Reader,
    tenant: TenantId,
    position: i64,
    limit: u64,
) -> Result<Vec<OutboxEvent>, StoreError> {
    use outbox_events::{Column, Entity};
    let rows = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Position.gt(position))
        .order_by_asc(Column::Position)
        .limit(page(limit))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(OutboxEvent::from).collect())
}

/// The place of a tenant's last event, kept or not; 0 before the first.
pub async fn newest(db: &impl Reader, tenant: TenantId) -> Result<i64, StoreError> {
    let head = ledger_heads::Entity::find_by_id(tenant.uuid()).only(db).await?;
    Ok(head.map_or(0, |head| head.event_position))
}

/// A tenant whose events a way of delivery hasn't all taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Which.
    pub tenant: TenantId,
    /// The last place that was taken.
    pub taken: i64,
    /// The last place that there is.
    pub newest: i64,
}

#[derive(FromQueryResult)]
struct BacklogRow {
    tenant_id: Uuid,
    taken: i64,
    event_position: i64,
}

/// Tenants that a way of delivery has something to take from.
pub async fn backlogs(db: &impl Reader, consumer: Consumer) -> Result<Vec<Backlog>, StoreError> {
    let (heads, cursors) = (ledger_heads::Entity, event_cursors::Entity);
    let taken = || Func::coalesce([position_of_cursor(), Expr::val(0_i64)]);
    let statement = Query::select()
        .column((heads, ledger_heads::Column::TenantId))
        .column((heads, ledger_heads::Column::EventPosition))
        .expr_as(taken(), Alias::new("taken"))
        .from(heads)
        .left_join(
            cursors,
            Condition::all()
                .add(
                    Expr::col((cursors, event_cursors::Column::TenantId))
                        .equals((heads, ledger_heads::Column::TenantId)),
                )
                .add(event_cursors::Column::Consumer.eq(EventConsumer::from(consumer))),
        )
        .and_where(Expr::col((heads, ledger_heads::Column::EventPosition)).gt(taken()))
        .order_by((heads, ledger_heads::Column::TenantId), sea_orm::Order::Asc)
        .take();
    let rows = db.query_all(&statement).await?;
    let backlog = |row: &sea_orm::QueryResult| {
        let BacklogRow { tenant_id, taken, event_position } = BacklogRow::from_query_result(row, "")?;
        Ok(Backlog { tenant: TenantId::from_uuid(tenant_id), taken, newest: event_position })
    };
    rows.iter().map(backlog).collect::<Result<_, sea_orm::DbErr>>().map_err(StoreError::from)
}

fn position_of_cursor() -> Expr {
    Expr::col((event_cursors::Entity, event_cursors::Column::Position))
}

/// Notes that a way of delivery has taken a tenant's events up to a place; `false` if somebody else has done so since
/// it was at `from`.
pub async fn take(tx: &Tx, tenant: TenantId, consumer: Consumer, from: i64, to: i64) -> Result<bool, StoreError> {
    use event_cursors::{Column, Entity};
    if from == 0 && insert_if_absent::<Entity, _>(tx, cursor(tenant, consumer, to)).await? {
        return Ok(true);
    }
    let moved = Entity::update_many()
        .col_expr(Column::Position, Expr::value(to))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Consumer.eq(EventConsumer::from(consumer)))
        .filter(Column::Position.eq(from))
        .exec(tx)
        .await?;
    Ok(moved.rows_affected > 0)
}

fn cursor(tenant: TenantId, consumer: Consumer, position: i64) -> event_cursors::Model {
    event_cursors::Model {
        tenant_id: tenant.uuid(),
        consumer: consumer.into(),
        position,
        claimed_by: None,
        claimed_until: None,
    }
}

/// Lets a node deliver a tenant's events by this way for `term` from now on; `None` if another does already. Whoever has it
/// gets it again. The last place that was taken comes with it.
pub async fn claim(
    tx: &Tx,
    tenant: TenantId,
    consumer: Consumer,
    node: Uuid,
    now: Timestamp,
    term: Duration,
) -> Result<Option<i64>, StoreError> {
    use event_cursors::{Column, Entity};
    insert_if_absent::<Entity, _>(tx, cursor(tenant, consumer, 0)).await?;
    let now = || clock::shared(tx, now);
    let millis = i64::try_from(term.as_millis()).unwrap_or(i64::MAX);
    let free = Condition::any()
        .add(Column::ClaimedUntil.is_null())
        .add(Expr::col(Column::ClaimedUntil).lte(now()))
        .add(Column::ClaimedBy.eq(node));
    let claimed = Entity::update_many()
        .col_expr(Column::ClaimedBy, Expr::value(node))
        .col_expr(Column::ClaimedUntil, now().add(millis))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Consumer.eq(EventConsumer::from(consumer)))
        .filter(free)
        .exec_with_returning(tx)
        .await?;
    Ok(claimed.first().map(|row| row.position))
}

/// Gives a claim back.
pub async fn release(tx: &Tx, tenant: TenantId, consumer: Consumer, node: Uuid) -> Result<(), StoreError> {
    use event_cursors::{Column, Entity};
    Entity::update_many()
        .col_expr(Column::ClaimedUntil, Expr::value(0_i64))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Consumer.eq(EventConsumer::from(consumer)))
        .filter(Column::ClaimedBy.eq(node))
        .exec(tx)
        .await?;
    Ok(())
}

/// Deletes at most `limit` events, of any tenant, that are older than `before` and that each of these ways of delivery
/// has taken.
pub async fn delete_taken(tx: &Tx, consumers: &[Consumer], before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let mut over = Condition::all().add(outbox_events::Column::At.lte(before.millis()));
    for consumer in consumers {
        over = over.add(Expr::exists(cursor_at_or_behind(*consumer)));
    }
    delete_batch::<outbox_events::Entity>(tx, over, limit).await
}

/// The cursor of an event's tenant, if it has come to the event.
fn cursor_at_or_behind(consumer: Consumer) -> SelectStatement {
    let event = |column: outbox_events::Column| (outbox_events::Entity, column).into_column_ref();
    Query::select()
        .expr(Expr::val(1))
        .from(event_cursors::Entity)
        .and_where(
            Expr::col((event_cursors::Entity, event_cursors::Column::TenantId))
                .eq(Expr::col(event(outbox_events::Column::TenantId))),
        )
        .and_where(event_cursors::Column::Consumer.eq(EventConsumer::from(consumer)))
        .and_where(position_of_cursor().gte(Expr::col(event(outbox_events::Column::Position))))
        .take()
}
