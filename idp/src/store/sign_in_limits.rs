//! Limits on sign-in attempts: a fixed window for each account and each address.
//!
//! Counting is one statement, so that any number of attempts at once, on any number of nodes, can't get more through
//! than the limit.

use std::time::Duration;

use entity::control::sign_in_limits::{Column, Entity, LimitKind as RowKind, Model};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult as _, IntoActiveModel as _, QueryFilter,
    QueryTrait as _,
};

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::Only as _;
use super::tx::{Reader, Tx};
use crate::domain::sign_in_limit::{Attempt, LimitKind};
use crate::domain::{TenantId, Timestamp};

fn this(tenant: TenantId, kind: LimitKind, subject_hash: &[u8; 32]) -> Condition {
    Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::Kind.eq(RowKind::from(kind)))
        .add(Column::SubjectHash.eq(subject_hash.as_slice()))
}

/// Counts an attempt and says whether it may go on: `limit` of them may within `window`, which begins with the first.
/// Attempts beyond don't prolong it. `subject_hash` is the SHA-256 of the account's name or of the address.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such tenant.
pub async fn count_attempt(
    tx: &Tx,
    tenant: TenantId,
    kind: LimitKind,
    subject_hash: &[u8; 32],
    now: Timestamp,
    window: Duration,
    limit: u32,
) -> Result<Attempt, StoreError> {
    let limit = i32::try_from(limit).unwrap_or(i32::MAX - 1);
    let row = Model {
        tenant_id: tenant.uuid(),
        kind: kind.into(),
        subject_hash: subject_hash.to_vec(),
        failures: 1,
        window_started_at: now.millis(),
        blocked_until: (limit < 1).then(|| (now + window).millis()),
        updated_at: now.millis(),
    };
    let stored = |column: Column| Expr::col((Entity, column));
    let oldest_window = (now - window).millis();
    let over = || stored(Column::WindowStartedAt).lte(oldest_window);
    let used_up = || stored(Column::Failures).gte(limit);
    let window_millis = (Timestamp::default() + window).millis();
    // One more than the limit says that it is passed; counting further would say nothing new.
    let failures = CaseStatement::new()
        .case(over(), 1)
        .case(used_up(), limit.saturating_add(1))
        .finally(stored(Column::Failures).add(1));
    let window_started_at = CaseStatement::new().case(over(), now.millis()).finally(stored(Column::WindowStartedAt));
    let blocked_until = CaseStatement::new()
        .case(over(), row.blocked_until)
        .case(used_up(), stored(Column::WindowStartedAt).add(window_millis))
        .finally(Option::<i64>::None);
    let count = OnConflict::columns([Column::TenantId, Column::Kind, Column::SubjectHash])
        .value(Column::Failures, failures)
        .value(Column::WindowStartedAt, window_started_at)
        .value(Column::BlockedUntil, blocked_until)
        .value(Column::UpdatedAt, now.millis())
        .to_owned();
    let mut insert = Entity::insert(row.into_active_model());
    let statement = insert.query().on_conflict(count).returning_all();
    let counted = tx.query_one(statement).await?.ok_or_else(|| StoreError::corrupt("sign_in_limits", "failures"))?;
    Ok(verdict(Model::from_query_result(&counted, "")?.blocked_until))
}

/// Says whether another attempt could go on, without counting one. Not a gate by itself: attempts at the same moment
/// all see the same; [`count_attempt`] is the gate.
pub async fn check(
    db: &impl Reader,
    tenant: TenantId,
    kind: LimitKind,
    subject_hash: &[u8; 32],
    now: Timestamp,
    window: Duration,
    limit: u32,
) -> Result<Attempt, StoreError> {
    let used_up = i32::try_from(limit).unwrap_or(i32::MAX - 1);
    let row = Entity::find()
        .filter(this(tenant, kind, subject_hash))
        .filter(Column::WindowStartedAt.gt((now - window).millis()))
        .filter(Column::Failures.gte(used_up))
        .only(db)
        .await?;
    Ok(row.map_or(Attempt::Allowed, |row| Attempt::Blocked {
        until: Timestamp::from_millis(row.window_started_at) + window,
    }))
}

fn verdict(blocked_until: Option<i64>) -> Attempt {
    blocked_until.map_or(Attempt::Allowed, |until| Attempt::Blocked { until: Timestamp::from_millis(until) })
}

/// Forgets the attempts, for an account whose owner has signed in.
pub async fn reset(tx: &Tx, tenant: TenantId, kind: LimitKind, subject_hash: &[u8; 32]) -> Result<(), StoreError> {
    Entity::delete_many().filter(this(tenant, kind, subject_hash)).exec(tx).await?;
    Ok(())
}

/// Deletes at most `limit` counters, of any tenant, that nothing was added to since `before`.
pub async fn delete_stale(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(tx, Column::UpdatedAt.lte(before.millis()), limit).await
}
