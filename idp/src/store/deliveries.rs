//! The queue of messages to others.
//!
//! A message is put in by the transaction of what it tells of. Whoever sends it claims it first, by an update that only
//! one of any number can make: it sets the time at which the message may be taken for lost, and that time is the claim's
//! proof from then on.
//!
//! Messages about one subject go in their order. When one fails, those behind it are held: a queue for somebody who takes
//! nothing may be long, and whoever looks for what is due doesn't pass over it.

use entity::control::deliveries::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait as _, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, Order, QueryFilter, QueryOrder, QuerySelect};

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::{Place, page};
use super::tx::{Reader, Tx};
use crate::domain::delivery::{Delivery, DeliveryKind, DeliveryState, NewDelivery};
use crate::domain::{DeliveryId, TenantId, Timestamp};

/// The name of the table in the part of a query that looks for earlier messages.
const EARLIER: &str = "earlier";

/// Those that messages go to: kind and target within a tenant.
pub type Target = (TenantId, DeliveryKind, String);

impl TryFrom<Model> for Delivery {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        let kind = DeliveryKind::from_name(&row.kind);
        Ok(Self {
            id: DeliveryId::from_uuid(row.delivery_id),
            kind: kind.ok_or_else(|| StoreError::corrupt("deliveries", "kind"))?,
            target: row.target,
            subject: row.subject,
            payload: row.payload,
            state: row.state.into(),
            attempts: Place("deliveries", "attempts").parse(row.attempts)?,
            next_attempt_at: Timestamp::from_millis(row.next_attempt_at),
            created_at: Timestamp::from_millis(row.created_at),
            last_error: row.last_error,
        })
    }
}

fn this(tenant: TenantId, id: DeliveryId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::DeliveryId.eq(id.uuid()))
}

fn in_state(state: DeliveryState) -> Expr {
    Column::State.eq(entity::control::deliveries::DeliveryState::from(state))
}

/// The kinds that this program knows: a later version may have put others in.
fn known() -> Expr {
    Column::Kind.is_in(DeliveryKind::ALL.map(DeliveryKind::as_str))
}

/// Puts a message in, to be sent as soon as the transaction is committed.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, new: NewDelivery, now: Timestamp) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        delivery_id: new.id.uuid(),
        kind: new.kind.as_str().to_owned(),
        target: new.target,
        subject: new.subject,
        payload: new.payload,
        state: DeliveryState::Pending.into(),
        attempts: 0,
        next_attempt_at: now.millis(),
        created_at: now.millis(),
        last_error: None,
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    tx.wake_deliveries();
    Ok(())
}

/// Messages of any tenant whose time has come, those that wait longest first; none that an earlier one about the same
/// subject keeps back, and none to those who are busy.
pub async fn due(
    db: &impl Reader,
    now: Timestamp,
    busy: &[Target],
    limit: u64,
) -> Result<Vec<(TenantId, Delivery)>, StoreError> {
    let mut query = Entity::find()
        .filter(in_state(DeliveryState::Pending))
        .filter(Column::NextAttemptAt.lte(now.millis()))
        .filter(known());
    for (tenant, kind, target) in busy {
        let theirs = Condition::all()
            .add(Column::TenantId.eq(tenant.uuid()))
            .add(Column::Kind.eq(kind.as_str()))
            .add(Column::Target.eq(target.as_str()));
        query = query.filter(theirs.not());
    }
    let rows = query
        .filter(Condition::any().add(Column::Subject.is_null()).add(Expr::not_exists(earlier())))
        .order_by(Column::NextAttemptAt, Order::Asc)
        .order_by(Column::DeliveryId, Order::Asc)
        .limit(page(limit))
        .all(db)
        .await?;
    let row = |row: Model| Ok((TenantId::from_uuid(row.tenant_id), row.try_into()?));
    rows.into_iter().map(row).collect()
}

/// An earlier message about the same, to the same, that isn't gone.
fn earlier() -> SelectStatement {
    let same = |column: Column| Expr::col((EARLIER, column)).equals((Entity, column));
    Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, EARLIER)
        .and_where(same(Column::TenantId))
        .and_where(same(Column::Target))
        .and_where(same(Column::Subject))
        .and_where(same(Column::Kind))
        .and_where(Expr::col((EARLIER, Column::DeliveryId)).lt(Expr::col((Entity, Column::DeliveryId))))
        .and_where(Expr::col((EARLIER, Column::State)).eq("pending"))
        .take()
}

/// What is pending about the subject of this message.
fn about_the_same(tenant: TenantId, delivery: &Delivery) -> Condition {
    to(tenant, (delivery.kind, &delivery.target))
        .add(Column::Subject.eq(delivery.subject.clone()))
        .add(in_state(DeliveryState::Pending))
}

/// Holds what waits behind a message.
async fn hold(tx: &Tx, tenant: TenantId, first: &Delivery) -> Result<(), StoreError> {
    if first.subject.is_some() {
        Entity::update_many()
            .col_expr(Column::NextAttemptAt, Expr::value(Delivery::HELD.millis()))
            .filter(about_the_same(tenant, first))
            .filter(Column::DeliveryId.gt(first.id.uuid()))
            .filter(Column::NextAttemptAt.ne(Delivery::HELD.millis()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// Lets the message go that waited behind one that is gone.
async fn let_next_go(tx: &Tx, tenant: TenantId, gone: &Delivery, now: Timestamp) -> Result<(), StoreError> {
    if gone.subject.is_some() {
        let next: Vec<(uuid::Uuid, i64)> = Entity::find()
            .select_only()
            .columns([Column::DeliveryId, Column::NextAttemptAt])
            .filter(about_the_same(tenant, gone))
            .order_by(Column::DeliveryId, Order::Asc)
            .limit(1)
            .into_tuple()
            .all(tx)
            .await?;
        if let Some((id, _held)) = next.into_iter().find(|(_, at)| *at == Delivery::HELD.millis()) {
            let next = Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::DeliveryId.eq(id));
            let_go(tx, next, now).await?;
        }
    }
    Ok(())
}

/// Lets those of these messages go that are held and have nothing before them; how many they are.
async fn let_go(tx: &Tx, which: Condition, now: Timestamp) -> Result<u64, StoreError> {
    let let_go = Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(now.millis()))
        .filter(which)
        .filter(in_state(DeliveryState::Pending))
        .filter(Column::NextAttemptAt.eq(Delivery::HELD.millis()))
        .filter(Expr::not_exists(earlier()))
        .exec(tx)
        .await?;
    if let_go.rows_affected > 0 {
        tx.wake_deliveries();
    }
    Ok(let_go.rows_affected)
}

/// Lets all messages go that are held by nothing: an earlier version of this program, which knows of none that are, may have
/// sent what was before them. How many they are.
pub async fn let_go_all(tx: &Tx, now: Timestamp) -> Result<u64, StoreError> {
    let_go(tx, Condition::all(), now).await
}

/// Claims a message that is due, for an attempt that is over at `until`; the message as it is now, or `None` if another
/// was faster.
pub async fn claim(tx: &Tx, tenant: TenantId, due: Delivery, until: Timestamp) -> Result<Option<Delivery>, StoreError> {
    let claimed = Entity::update_many()
        .col_expr(Column::NextAttemptAt, Expr::value(until.millis()))
        .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
        .filter(claimed_as(tenant, &due))
        .exec(tx)
        .await?;
    let attempts = due.attempts + 1;
    Ok((claimed.rows_affected > 0).then_some(Delivery { attempts, next_attempt_at: until, ..due }))
}

/// The message as long as nobody else has claimed it.
fn claimed_as(tenant: TenantId, delivery: &Delivery) -> Condition {
    this(tenant, delivery.id)
        .add(in_state(DeliveryState::Pending))
        .add(Column::NextAttemptAt.eq(delivery.next_attempt_at.millis()))
}

/// Takes a claimed message out: it has arrived.
pub async fn delivered(tx: &Tx, tenant: TenantId, claimed: &Delivery, now: Timestamp) -> Result<(), StoreError> {
    let gone = Entity::delete_many().filter(claimed_as(tenant, claimed)).exec(tx).await?;
    if gone.rows_affected > 0 { let_next_go(tx, tenant, claimed, now).await } else { Ok(()) }
}

/// Notes why an attempt failed, and when the next one is. What waits behind the message is held.
pub async fn failed(
    tx: &Tx,
    tenant: TenantId,
    claimed: &Delivery,
    reason: &str,
    next: Timestamp,
) -> Result<(), StoreError> {
    let put_off = Entity::update_many()
        .col_expr(Column::LastError, Expr::value(reason))
        .col_expr(Column::NextAttemptAt, Expr::value(next.millis()))
        .filter(claimed_as(tenant, claimed))
        .exec(tx)
        .await?;
    if put_off.rows_affected > 0 { hold(tx, tenant, claimed).await } else { Ok(()) }
}

/// Gives a claimed message up, and says why.
pub async fn given_up(
    tx: &Tx,
    tenant: TenantId,
    claimed: &Delivery,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let given_up = give_up(tx, claimed_as(tenant, claimed), reason, now).await?;
    if given_up > 0 { let_next_go(tx, tenant, claimed, now).await } else { Ok(()) }
}

/// Gives up what a target was to be told before that and hasn't taken, but for one message; at most `limit`, and how many
/// they are. One
/// that is under way at that moment may arrive nevertheless.
pub async fn give_up_old(
    tx: &Tx,
    tenant: TenantId,
    ((target, before), but): (((DeliveryKind, &str), Timestamp), DeliveryId),
    reason: &str,
    now: Timestamp,
    limit: u64,
) -> Result<u64, StoreError> {
    let ids: Vec<uuid::Uuid> = Entity::find()
        .select_only()
        .column(Column::DeliveryId)
        .filter(to(tenant, target))
        .filter(in_state(DeliveryState::Pending))
        .filter(Column::CreatedAt.lte(before.millis()))
        .filter(Column::DeliveryId.ne(but.uuid()))
        .order_by(Column::DeliveryId, Order::Asc)
        .limit(page(limit))
        .into_tuple()
        .all(tx)
        .await?;
    let which = Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::DeliveryId.is_in(ids))
        .add(in_state(DeliveryState::Pending));
    let given_up = give_up(tx, which, reason, now).await?;
    if given_up > 0 {
        let_go(tx, to(tenant, target), now).await?;
    }
    Ok(given_up)
}

async fn give_up(tx: &Tx, which: Condition, reason: &str, now: Timestamp) -> Result<u64, StoreError> {
    let dead = entity::control::deliveries::DeliveryState::from(DeliveryState::Dead);
    let given_up = Entity::update_many()
        .col_expr(Column::LastError, Expr::value(reason))
        .col_expr(Column::State, Expr::value(dead))
        .col_expr(Column::NextAttemptAt, Expr::value(now.millis()))
        .filter(which)
        .exec(tx)
        .await?;
    Ok(given_up.rows_affected)
}

/// A target's messages, oldest first; those after `after`.
pub async fn list_of_target(
    db: &impl Reader,
    tenant: TenantId,
    target: (DeliveryKind, &str),
    after: Option<DeliveryId>,
    limit: u64,
) -> Result<Vec<Delivery>, StoreError> {
    let mut query = Entity::find().filter(to(tenant, target));
    if let Some(after) = after {
        query = query.filter(Column::DeliveryId.gt(after.uuid()));
    }
    let rows = query.order_by(Column::DeliveryId, Order::Asc).limit(page(limit)).all(db).await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

fn to(tenant: TenantId, (kind, target): (DeliveryKind, &str)) -> Condition {
    Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::Kind.eq(kind.as_str()))
        .add(Column::Target.eq(target))
}

/// Tries a target's dead messages again from the start, or one of them; how many they are.
pub async fn replay_of_target(
    tx: &Tx,
    tenant: TenantId,
    target: (DeliveryKind, &str),
    one: Option<DeliveryId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let mut which = to(tenant, target).add(in_state(DeliveryState::Dead));
    if let Some(one) = one {
        which = which.add(Column::DeliveryId.eq(one.uuid()));
    }
    let pending = entity::control::deliveries::DeliveryState::from(DeliveryState::Pending);
    let replayed = Entity::update_many()
        .col_expr(Column::State, Expr::value(pending))
        .col_expr(Column::Attempts, Expr::value(0))
        .col_expr(Column::NextAttemptAt, Expr::value(now.millis()))
        .col_expr(Column::CreatedAt, Expr::value(now.millis()))
        .filter(which)
        .exec(tx)
        .await?;
    tx.wake_deliveries();
    Ok(replayed.rows_affected)
}

/// Takes out all that waits for a target or was given up.
pub async fn delete_of_target(tx: &Tx, tenant: TenantId, kind: DeliveryKind, target: &str) -> Result<u64, StoreError> {
    Ok(Entity::delete_many().filter(to(tenant, (kind, target))).exec(tx).await?.rows_affected)
}

/// Deletes at most `limit` dead messages, of any tenant, that were given up before that.
pub async fn delete_dead(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let over = Condition::all().add(in_state(DeliveryState::Dead)).add(Column::NextAttemptAt.lte(before.millis()));
    // Those were put in before as well: that is what the index has (m0007).
    let over = over.add(Column::CreatedAt.lte(before.millis()));
    delete_batch::<Entity>(tx, over, limit).await
}
