//! Access tokens that were revoked one by one (RFC 7009). A token has no row of its own until somebody takes it back: then
//! there is one until it would have ended by itself.

use entity::control::denied_tokens::{Column, Entity, Model};
use sea_orm::EntityTrait;

use super::StoreError;
use super::change::Change;
use super::housekeeping::delete_batch;
use super::row::{Only as _, insert_if_absent};
use super::tx::{Reader, Tx};
use crate::domain::{TenantId, Timestamp};

/// Denies a token until it ends; `false` if that was done already. `jti_hash` is the SHA-256 of its `jti`.
pub async fn deny(tx: &Tx, tenant: TenantId, jti_hash: &[u8; 32], expires_at: Timestamp) -> Result<bool, StoreError> {
    tx.invalidate(Change::Token(tenant, *jti_hash));
    let row = Model { tenant_id: tenant.uuid(), jti_hash: jti_hash.to_vec(), expires_at: expires_at.millis() };
    insert_if_absent::<Entity, _>(tx, row).await
}

/// Whether a token was revoked.
pub async fn is_denied(db: &impl Reader, tenant: TenantId, jti_hash: &[u8; 32]) -> Result<bool, StoreError> {
    Ok(Entity::find_by_id((tenant.uuid(), jti_hash.to_vec())).only(db).await?.is_some())
}

/// Deletes at most `limit` rows, of any tenant, whose tokens have ended by themselves.
pub async fn delete_expired(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    use sea_orm::ColumnTrait as _;
    delete_batch::<Entity>(tx, Column::ExpiresAt.lte(before.millis()), limit).await
}
