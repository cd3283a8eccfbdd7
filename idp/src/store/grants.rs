//! Grants.

use entity::control::grants::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel as _, QueryFilter};

use super::StoreError;
use super::changes::{self, Change};
use super::housekeeping::delete_batch;
use super::row::Place;
use crate::domain::grant::Grant;
use crate::domain::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};

const CLAIMS: Place = Place("grants", "claims");

const AUTHENTICATION: Place = Place("grants", "authentication");

impl TryFrom<Model> for Grant {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: GrantId::from_uuid(row.grant_id),
            user_id: UserId::from_uuid(row.user_id),
            client_id: Place("grants", "client_id").parse(row.client_id)?,
            session_id: row.session_id.map(SessionId::from_uuid),
            scope: Place("grants", "scope").parse(row.scope)?,
            claims: row.claims.map(|claims| CLAIMS.read_json(claims)).transpose()?,
            offline: row.offline,
            authentication: row.authentication.map(|json| AUTHENTICATION.read_json(json)).transpose()?,
            created_at: Timestamp::from_millis(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_millis),
            revoked_at: row.revoked_at.map(Timestamp::from_millis),
        })
    }
}

/// Adds a grant.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such user or client.
pub async fn insert(db: &impl ConnectionTrait, tenant: TenantId, grant: &Grant) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        grant_id: grant.id.uuid(),
        user_id: grant.user_id.uuid(),
        client_id: grant.client_id.to_string(),
        session_id: grant.session_id.map(SessionId::uuid),
        scope: grant.scope.to_string(),
        claims: grant.claims.as_ref().map(|claims| CLAIMS.write_json(claims)).transpose()?,
        offline: grant.offline,
        authentication: grant.authentication.as_ref().map(|value| AUTHENTICATION.write_json(value)).transpose()?,
        created_at: grant.created_at.millis(),
        expires_at: grant.expires_at.map(Timestamp::millis),
        revoked_at: grant.revoked_at.map(Timestamp::millis),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(db).await?;
    Ok(())
}

/// The grant of this id, live or not.
pub async fn find(db: &impl ConnectionTrait, tenant: TenantId, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let row = Entity::find_by_id((tenant.uuid(), id.uuid())).one(db).await?;
    row.map(Grant::try_from).transpose()
}

/// Takes a grant back; `false` if that was done already or there is none.
pub async fn revoke(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    id: GrantId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    changes::note(Change::Grant(tenant, id));
    Ok(revoke_where(db, tenant, Column::GrantId.eq(id.uuid()), now).await? > 0)
}

/// Takes back all that was given in a session and says how many there were.
pub async fn revoke_of_session(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    session: SessionId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    changes::note(Change::Session(tenant, session));
    revoke_where(db, tenant, Column::SessionId.eq(session.uuid()), now).await
}

/// Takes back all that a person gave and says how many there were.
pub async fn revoke_of_user(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    user: UserId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    changes::note(Change::User(tenant, user));
    revoke_where(db, tenant, Column::UserId.eq(user.uuid()), now).await
}

/// Takes back all that a person gave a client and says how many there were.
pub async fn revoke_of_pair(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    changes::note(Change::User(tenant, user));
    let pair = Column::UserId.eq(user.uuid()).and(Column::ClientId.eq(client.as_str()));
    revoke_where(db, tenant, pair, now).await
}

async fn revoke_where(
    db: &impl ConnectionTrait,
    tenant: TenantId,
    which: Expr,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let revoked = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(which)
        .filter(Column::RevokedAt.is_null())
        .exec(db)
        .await?;
    Ok(revoked.rows_affected)
}

/// Deletes at most `limit` grants, of any tenant, that were over at `before`: expired, or taken back.
pub async fn delete_expired(db: &impl ConnectionTrait, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let over = Condition::any().add(Column::ExpiresAt.lte(before.millis())).add(Column::RevokedAt.lte(before.millis()));
    delete_batch::<Entity>(db, over, limit).await
}
