//! Refresh tokens. A grant has one at a time; the row count of a conditional update decides who gives the next one.

use entity::control::refresh_tokens::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel as _, QueryFilter};

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::{Only as _, Place};
use crate::domain::{GrantId, TenantId, Timestamp};

/// What is kept of a grant's refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredToken {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// SHA-256 of the one before it.
    pub former_hash: Option<[u8; 32]>,
    /// When it took the other's place.
    pub rotated_at: Option<Timestamp>,
    /// When it stops working unless it is used before.
    pub expires_at: Timestamp,
}

impl TryFrom<Model> for StoredToken {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            hash: Place("refresh_tokens", "token_hash").parse(row.token_hash)?,
            former_hash: Place("refresh_tokens", "former_hash").parse_optional(row.former_hash)?,
            rotated_at: row.rotated_at.map(Timestamp::from_millis),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

/// Adds a grant's first token.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such grant.
pub async fn insert(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    grant: GrantId,
    hash: &[u8; 32],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        grant_id: grant.uuid(),
        token_hash: hash.to_vec(),
        former_hash: None,
        created_at: now.millis(),
        rotated_at: None,
        expires_at: expires_at.millis(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// What is kept of that grant's token.
pub async fn find(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    grant: GrantId,
) -> Result<Option<StoredToken>, StoreError> {
    Entity::find_by_id((tenant.uuid(), grant.uuid())).only(db).await?.map(StoredToken::try_from).transpose()
}

/// Puts a token's successor in its place; `false` if the token isn't the grant's current one, or too old.
pub async fn rotate(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    grant: GrantId,
    (presented, successor): (&[u8; 32], &[u8; 32]),
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let rotated = Entity::update_many()
        .col_expr(Column::FormerHash, Expr::value(presented.as_slice()))
        .col_expr(Column::TokenHash, Expr::value(successor.as_slice()))
        .col_expr(Column::RotatedAt, Expr::value(now.millis()))
        .col_expr(Column::ExpiresAt, Expr::value(expires_at.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::GrantId.eq(grant.uuid()))
        .filter(Column::TokenHash.eq(presented.as_slice()))
        .filter(Column::ExpiresAt.gt(now.millis()))
        .exec(db)
        .await?;
    Ok(rotated.rows_affected > 0)
}

/// Deletes at most `limit` tokens, of any tenant, whose time was up at `before`.
pub async fn delete_expired(db: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(db, Column::ExpiresAt.lte(before.millis()), limit).await
}
