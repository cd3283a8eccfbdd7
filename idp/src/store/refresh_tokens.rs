//! Refresh tokens. A grant has one at a time; the row count of a conditional update decides who gives the next one.

use entity::control::refresh_tokens::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter, UpdateMany};

use super::housekeeping::delete_batch;
use super::row::{Only as _, Place};
use super::tx::{Reader, Tx};
use super::{StoreError, grants, sessions};
use crate::domain::user::User;
use crate::domain::{GrantId, SessionId, TenantId, Timestamp};

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
    tx: &Tx,
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
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// What is kept of that grant's token.
pub async fn find(db: &impl Reader, tenant: TenantId, grant: GrantId) -> Result<Option<StoredToken>, StoreError> {
    Entity::find_by_id((tenant.uuid(), grant.uuid())).only(db).await?.map(StoredToken::try_from).transpose()
}

/// A token's successor, to be put in its place.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Whose tokens they are.
    pub grant: GrantId,
    /// SHA-256 of the token.
    pub presented: [u8; 32],
    /// SHA-256 of its successor.
    pub successor: [u8; 32],
    /// When that is.
    pub now: Timestamp,
    /// When the successor stops working unless it is used before.
    pub expires_at: Timestamp,
}

impl Rotation {
    fn statement(&self, tenant: TenantId) -> UpdateMany<Entity> {
        Entity::update_many()
            .col_expr(Column::FormerHash, Expr::value(self.presented.as_slice()))
            .col_expr(Column::TokenHash, Expr::value(self.successor.as_slice()))
            .col_expr(Column::RotatedAt, Expr::value(self.now.millis()))
            .col_expr(Column::ExpiresAt, Expr::value(self.expires_at.millis()))
            .filter(Column::TenantId.eq(tenant.uuid()))
            .filter(Column::GrantId.eq(self.grant.uuid()))
            .filter(Column::TokenHash.eq(self.presented.as_slice()))
            .filter(Column::ExpiresAt.gt(self.now.millis()))
    }
}

/// Puts a token's successor in its place; `false` if the token isn't the grant's current one, or too old.
pub async fn rotate(tx: &Tx, tenant: TenantId, rotation: &Rotation) -> Result<bool, StoreError> {
    Ok(rotation.statement(tenant).exec(tx).await?.rows_affected > 0)
}

/// The same for who has read what the grant's tokens say before: `false` also if the grant or the session doesn't count
/// any more, or the person was changed since.
pub async fn rotate_as_read(
    tx: &Tx,
    tenant: TenantId,
    rotation: &Rotation,
    (user, session): (&User, Option<SessionId>),
) -> Result<bool, StoreError> {
    let mut statement =
        rotation.statement(tenant).filter(grants::is_as_read(tenant, rotation.grant, user, rotation.now));
    if let Some(session) = session {
        statement = statement.filter(sessions::is_live(tenant, session, rotation.now));
    }
    Ok(statement.exec(tx).await?.rows_affected > 0)
}

/// Deletes at most `limit` tokens, of any tenant, whose time was up at `before`.
pub async fn delete_expired(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(tx, Column::ExpiresAt.lte(before.millis()), limit).await
}
