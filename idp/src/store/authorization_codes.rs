//! Authorization codes.

use std::time::Duration;

use entity::control::authorization_codes::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter};

use super::StoreError;
use super::housekeeping::delete_batch;
use super::row::{Only as _, Place};
use super::tx::Tx;
use crate::domain::authorization_code::{AuthorizationCode, Redeemed};
use crate::domain::{CodeHash, GrantId, SessionId, TenantId, Timestamp, UserId};

const TABLE: &str = "authorization_codes";
const DETAIL: Place = Place(TABLE, "detail");
/// How long after its end a code is remembered, so that a replay is told from a guess.
const REMEMBERED: Duration = Duration::from_hours(24);

impl TryFrom<Model> for AuthorizationCode {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            hash: CodeHash(Place(TABLE, "code_hash").parse(row.code_hash)?),
            client_id: Place(TABLE, "client_id").parse(row.client_id)?,
            user_id: UserId::from_uuid(row.user_id),
            session_id: SessionId::from_uuid(row.session_id),
            grant_id: GrantId::from_uuid(row.grant_id),
            detail: DETAIL.read_json(row.detail)?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}

/// Adds a code.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such user or client.
pub async fn insert(tx: &Tx, tenant: TenantId, code: &AuthorizationCode) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        code_hash: code.hash.0.to_vec(),
        client_id: code.client_id.to_string(),
        user_id: code.user_id.uuid(),
        session_id: code.session_id.uuid(),
        grant_id: code.grant_id.uuid(),
        detail: DETAIL.write_json(&code.detail)?,
        created_at: code.created_at.millis(),
        expires_at: code.expires_at.millis(),
        redeemed_at: None,
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// Uses a code up (RFC 6749 §4.1.2). Of several attempts at once, one is the first: the row that the update returns
/// decides, and there is one only once.
pub async fn redeem(tx: &Tx, tenant: TenantId, hash: &CodeHash, now: Timestamp) -> Result<Redeemed, StoreError> {
    let mut redeemed = Entity::update_many()
        .col_expr(Column::RedeemedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::CodeHash.eq(hash.0.as_slice()))
        .filter(Column::RedeemedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.millis()))
        .exec_with_returning(tx)
        .await?;
    if let Some(row) = redeemed.pop() {
        return Ok(Redeemed::First(Box::new(row.try_into()?)));
    }
    let row = Entity::find_by_id((tenant.uuid(), hash.0.to_vec())).only(tx).await?;
    match row {
        Some(row) if row.redeemed_at.is_some() => Ok(Redeemed::Replayed(Box::new(row.try_into()?))),
        Some(_) | None => Ok(Redeemed::Unknown),
    }
}

/// Deletes at most `limit` codes, of any tenant, that ended a day ago.
pub async fn delete_expired(tx: &Tx, now: Timestamp, limit: u64) -> Result<u64, StoreError> {
    delete_batch::<Entity>(tx, Column::ExpiresAt.lte((now - REMEMBERED).millis()), limit).await
}
