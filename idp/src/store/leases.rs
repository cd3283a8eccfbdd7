//! Leases: which node runs a job of the background.
//!
//! Taking one, prolonging it and taking it over are the same statement, whose row count says who has it.

use std::time::Duration;

use entity::control::leases::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

use super::tx::Tx;
use super::{StoreError, clock};
use crate::domain::ids::NodeId;
use crate::domain::{TenantId, Timestamp};

/// Takes the lease of this name for `term` from now on, if nobody else has it; says whether it is the holder's now.
pub async fn take(tx: &Tx, name: &str, holder: NodeId, now: Timestamp, term: Duration) -> Result<bool, StoreError> {
    let now = || clock::shared(tx, now);
    let millis = i64::try_from(term.as_millis()).unwrap_or(i64::MAX);
    let stored = |column: Column| Expr::col((Entity, column));
    let free = stored(Column::Holder).eq(holder.uuid()).or(stored(Column::ExpiresAt).lte(now()));
    let take = OnConflict::columns([Column::TenantId, Column::Name])
        .update_columns([Column::Holder, Column::ExpiresAt])
        .action_and_where(free)
        .to_owned();
    let values: [Expr; 4] = [TenantId::DEFAULT.uuid().into(), name.into(), holder.uuid().into(), now().add(millis)];
    let insert = Query::insert()
        .into_table(Entity)
        .columns([Column::TenantId, Column::Name, Column::Holder, Column::ExpiresAt])
        .values_panic(values)
        .on_conflict(take)
        .take();
    Ok(tx.execute(&insert).await?.rows_affected() > 0)
}

/// Gives the lease back, if it is the holder's.
pub async fn release(tx: &Tx, name: &str, holder: NodeId) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::TenantId.eq(TenantId::DEFAULT.uuid()))
        .filter(Column::Name.eq(name))
        .filter(Column::Holder.eq(holder.uuid()))
        .exec(tx)
        .await?;
    Ok(())
}
