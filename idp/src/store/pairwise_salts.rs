//! What each tenant's pairwise subject identifiers are made with.

use entity::control::pairwise_salts::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};

use super::StoreError;
use super::row::{Only as _, insert_if_absent};
use super::tx::{Reader, Tx};
use crate::domain::{TenantId, Timestamp};

/// The tenant's sealed salt, if one was drawn.
pub async fn find(db: &impl Reader, tenant: TenantId) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(Entity::find_by_id(tenant.uuid()).only(db).await?.map(|row| row.sealed_salt))
}

/// Keeps a tenant's salt unless it has one: of several that try at once one succeeds. Gives the one that is kept.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such tenant.
pub async fn insert_if_none(
    tx: &Tx,
    tenant: TenantId,
    sealed_salt: Vec<u8>,
    now: Timestamp,
) -> Result<Vec<u8>, StoreError> {
    let row = Model { tenant_id: tenant.uuid(), sealed_salt, created_at: now.millis() };
    insert_if_absent::<Entity, _>(tx, row).await?;
    find(tx, tenant).await?.ok_or(StoreError::Missing)
}

/// Replaces the sealed form, for a new key-encryption key; `false` if there is none.
pub async fn reseal(tx: &Tx, tenant: TenantId, sealed_salt: &[u8]) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::SealedSalt, Expr::value(sealed_salt))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .exec(tx)
        .await?;
    Ok(changed.rows_affected > 0)
}
