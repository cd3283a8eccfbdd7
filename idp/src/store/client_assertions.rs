//! Client assertions that were used (RFC 7523 §3): each `jti` counts once.

use entity::control::client_assertion_jtis::{Column, Entity, Model};
use sea_orm::ColumnTrait;

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::insert_if_absent;
use super::tx::Tx;
use crate::domain::client_assertion::Seen;
use crate::domain::{ClientId, TenantId, Timestamp};

/// Remembers an assertion of a client until it expires, and says whether it is new. `jti_hash` is the SHA-256 of its
/// `jti`. Of several at once, one is the first.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such client.
pub async fn remember(
    tx: &Tx,
    tenant: TenantId,
    client: &ClientId,
    jti_hash: &[u8; 32],
    expires_at: Timestamp,
) -> Result<Seen, StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        client_id: client.to_string(),
        jti_hash: jti_hash.to_vec(),
        expires_at: expires_at.millis(),
    };
    Ok(if insert_if_absent::<Entity, _>(tx, row).await? { Seen::First } else { Seen::Again })
}

/// Deletes at most `limit` assertions, of any tenant, that have expired.
pub async fn delete_expired(tx: &Tx, now: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(tx, Column::ExpiresAt.lte(now.millis()), limit).await
}
