//! Grants.

use std::sync::LazyLock;

use entity::control::grants::{Column, Entity, Model};
use entity::control::{clients, session_clients, tenants, users};
use sea_orm::sea_query::{Expr, ExprTrait as _, PostgresQueryBuilder, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, JoinType, QueryFilter, QueryOrder as _, QuerySelect as _,
};

use super::change::Change;
use super::housekeeping::delete_batch;
use super::row::{Only as _, Place, insert_if_absent};
use super::tx::{Reader, Tx};
use super::{StoreError, sweeps};
use crate::domain::grant::Grant;
use crate::domain::user::User;
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

/// Adds a grant. It begins after the last end of all that its client or its tenant had, also by a clock that was set back.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such user or client.
pub async fn insert(tx: &Tx, tenant: TenantId, grant: &Grant) -> Result<(), StoreError> {
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
        created_at: sweeps::begins(tx, tenant, Some(&grant.client_id), grant.created_at).await?.millis(),
        expires_at: grant.expires_at.map(Timestamp::millis),
        revoked_at: grant.revoked_at.map(Timestamp::millis),
    };
    if let Some(session_id) = row.session_id {
        let client_id = row.client_id.clone();
        let of_session = session_clients::Model { tenant_id: row.tenant_id, session_id, client_id };
        insert_if_absent::<session_clients::Entity, _>(tx, of_session).await?;
    }
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// When the last grant of a tenant was given, by whatever clock.
pub(super) async fn newest(db: &impl Reader, tenant: TenantId) -> Result<Option<Timestamp>, StoreError> {
    let given: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::TenantId.eq(tenant.uuid()))
        .order_by_desc(Column::GrantId)
        .limit(sweeps::NEWEST)
        .into_tuple()
        .all(db)
        .await?;
    Ok(given.into_iter().max().map(Timestamp::from_millis))
}

/// The grant of this id, live or not.
pub async fn find(db: &impl Reader, tenant: TenantId, id: GrantId) -> Result<Option<Grant>, StoreError> {
    let row = Entity::find_by_id((tenant.uuid(), id.uuid())).only(db).await?;
    row.map(Grant::try_from).transpose()
}

/// The grant of this id, if it counts at `now`, and who gave it: nor were all of its tenant's or of its client's taken back
/// since it was given ([`super::sweeps`]).
pub async fn find_live(
    db: &impl Reader,
    tenant: TenantId,
    id: GrantId,
    now: Timestamp,
) -> Result<Option<(Grant, Option<User>)>, StoreError> {
    let user = Entity::belongs_to(users::Entity)
        .from((Column::TenantId, Column::UserId))
        .to((users::Column::TenantId, users::Column::UserId));
    let rows = Entity::find_by_id((tenant.uuid(), id.uuid()))
        .filter(goes_on())
        .join(JoinType::LeftJoin, user.into())
        .select_also(users::Entity)
        .all(db)
        .await?;
    let Some((grant, user)) = rows.into_iter().next() else { return Ok(None) };
    let grant = Grant::try_from(grant)?;
    Ok(if grant.is_live(now) { Some((grant, user.map(User::try_from).transpose()?)) } else { None })
}

/// Grants that didn't end with all of their tenant's or of their client's. There are no values in it, so that its text is
/// made once: to make it takes longer than to look.
static GOES_ON: LazyLock<String> = LazyLock::new(|| {
    let given = || Expr::col((Entity, Column::CreatedAt));
    let of_tenant = Query::select()
        .expr(Expr::value(1))
        .from(tenants::Entity)
        .and_where(Expr::col((tenants::Entity, tenants::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(Expr::col((tenants::Entity, tenants::Column::SessionsSince)).gte(given()))
        .take();
    let of_client = Query::select()
        .expr(Expr::value(1))
        .from(clients::Entity)
        .and_where(Expr::col((clients::Entity, clients::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(Expr::col((clients::Entity, clients::Column::ClientId)).equals((Entity, Column::ClientId)))
        .and_where(Expr::col((clients::Entity, clients::Column::GrantsSince)).gte(given()))
        .take();
    let [of_tenant, of_client] = [of_tenant, of_client].map(|ended| ended.to_string(PostgresQueryBuilder));
    format!("NOT EXISTS ({of_tenant}) AND NOT EXISTS ({of_client})")
});

fn goes_on() -> Expr {
    Expr::cust(GOES_ON.as_str())
}

/// Grants that count at `now`: the same that [`find_live`] finds.
pub(super) fn live(now: Timestamp) -> Condition {
    Condition::all()
        .add(Column::RevokedAt.is_null())
        .add(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.millis())))
        .add(goes_on())
}

/// As part of another statement: that the grant counts at `now`, and that whoever gave it is as they were when they were
/// read. A row of theirs is never changed without a later `updated_at`.
pub(super) fn is_as_read(tenant: TenantId, id: GrantId, user: &User, now: Timestamp) -> Expr {
    let giver = Condition::all()
        .add(Expr::col((users::Entity, users::Column::TenantId)).equals((Entity, Column::TenantId)))
        .add(Expr::col((users::Entity, users::Column::UserId)).equals((Entity, Column::UserId)));
    let found = Query::select()
        .expr(Expr::value(1))
        .from(Entity)
        .inner_join(users::Entity, giver)
        .and_where(Column::TenantId.eq(tenant.uuid()))
        .and_where(Column::GrantId.eq(id.uuid()))
        .and_where(Column::RevokedAt.is_null())
        .and_where(Column::ExpiresAt.is_null().or(Column::ExpiresAt.gt(now.millis())))
        .and_where(users::Column::UpdatedAt.eq(user.updated_at.millis()))
        .and_where(goes_on())
        .take();
    Expr::exists(found)
}

/// Takes a grant back; `false` if that was done already or there is none.
pub async fn revoke(tx: &Tx, tenant: TenantId, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    tx.invalidate(Change::Grant(tenant, id));
    Ok(revoke_where(tx, tenant, Column::GrantId.eq(id.uuid()), now).await? > 0)
}

/// The clients that were given something in these sessions, each once a session: also those that have nothing of it any
/// more, as what they keep of a person themselves goes on until they hear that the session ended.
pub async fn clients_of_sessions(
    db: &impl Reader,
    tenant: TenantId,
    sessions: &[SessionId],
) -> Result<Vec<(SessionId, ClientId)>, StoreError> {
    use session_clients::Column;
    let rows = session_clients::Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::SessionId.is_in(sessions.iter().map(|session| session.uuid())))
        .all(db)
        .await?;
    let parsed = |row: session_clients::Model| {
        Ok((SessionId::from_uuid(row.session_id), Place("session_clients", "client_id").parse(row.client_id)?))
    };
    rows.into_iter().map(parsed).collect()
}

fn in_sessions(sessions: &[SessionId]) -> Expr {
    Column::SessionId.is_in(sessions.iter().map(|session| session.uuid()))
}

/// Takes back what was given in these sessions and ends with them, and says how many grants there were. Whoever keeps
/// copies learns it from the sessions' end.
pub async fn revoke_with_sessions(
    tx: &Tx,
    tenant: TenantId,
    sessions: &[SessionId],
    now: Timestamp,
) -> Result<u64, StoreError> {
    revoke_where(tx, tenant, in_sessions(sessions).and(Column::Offline.eq(false)), now).await
}

/// Takes back all that a person gave, but for what ends with the session `keep`, and says how many grants there were.
pub async fn revoke_of_user_but(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    keep: SessionId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.invalidate(Change::User(tenant, user));
    let elsewhere = Column::SessionId.is_null().or(Column::SessionId.ne(keep.uuid())).or(Column::Offline.eq(true));
    revoke_where(tx, tenant, Column::UserId.eq(user.uuid()).and(elsewhere), now).await
}

/// Takes back at most `limit` of what a client, or anybody, was given until then, and says how many grants there were.
/// Whoever keeps copies has learnt it ([`super::sweeps`]).
pub async fn revoke_until(
    tx: &Tx,
    tenant: TenantId,
    client: Option<&ClientId>,
    until: Timestamp,
    now: Timestamp,
    limit: u64,
) -> Result<u64, StoreError> {
    let mut which = Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::CreatedAt.lte(until.millis()))
        .add(Column::RevokedAt.is_null());
    if let Some(client) = client {
        which = which.add(Column::ClientId.eq(client.as_str()));
    }
    let chosen = Query::select().column(Column::GrantId).from(Entity).cond_where(which).limit(limit).take();
    revoke_where(tx, tenant, Expr::col(Column::GrantId).in_subquery(chosen), now).await
}

/// Takes back all that a person gave and says how many there were.
pub async fn revoke_of_user(tx: &Tx, tenant: TenantId, user: UserId, now: Timestamp) -> Result<u64, StoreError> {
    tx.invalidate(Change::User(tenant, user));
    revoke_where(tx, tenant, Column::UserId.eq(user.uuid()), now).await
}

/// Takes back all that a person gave a client and says how many there were.
pub async fn revoke_of_pair(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
    now: Timestamp,
) -> Result<u64, StoreError> {
    tx.invalidate(Change::User(tenant, user));
    let pair = Column::UserId.eq(user.uuid()).and(Column::ClientId.eq(client.as_str()));
    revoke_where(tx, tenant, pair, now).await
}

async fn revoke_where(tx: &Tx, tenant: TenantId, which: Expr, now: Timestamp) -> Result<u64, StoreError> {
    let revoked = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(which)
        .filter(Column::RevokedAt.is_null())
        .exec(tx)
        .await?;
    Ok(revoked.rows_affected)
}

/// Deletes at most `limit` grants, of any tenant, that were over at `before`: expired, or taken back.
pub async fn delete_expired(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let over = Condition::any().add(Column::ExpiresAt.lte(before.millis())).add(Column::RevokedAt.lte(before.millis()));
    delete_batch::<Entity>(tx, over, limit).await
}
