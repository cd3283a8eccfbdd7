//! The counter of changes: grows in the same transaction as every change of what other processes may have cached
//! (tenants, clients, signing keys, users' rights), so that they notice by looking at one number.

use entity::control::change_counter::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::StoreError;
use crate::domain::TenantId;

/// Counts a change. The functions of the store that change something cached call it themselves, at the end: on
/// PostgreSQL the row stays locked from here to the commit.
pub async fn bump(db: &impl ConnectionTrait) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .filter(Column::TenantId.eq(TenantId::DEFAULT.uuid()))
        .exec(db)
        .await?;
    Ok(())
}

/// The number of changes so far.
pub async fn revision(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let row = Entity::find_by_id(TenantId::DEFAULT.uuid()).one(db).await?;
    row.map(|row| row.revision).ok_or_else(|| StoreError::corrupt("change_counter", "revision"))
}
