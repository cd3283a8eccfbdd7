//! Sessions.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use entity::control::sessions::{Column, Entity, Model};
use entity::control::{grants as rows, tenants};
use sea_orm::sea_query::{Expr, ExprTrait as _, PostgresQueryBuilder, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, PaginatorTrait as _, QueryFilter, QueryOrder as _,
    QuerySelect as _,
};

use super::change::Change;
use super::row::{Only as _, Place, page};
use super::tx::{Reader, Tx};
use super::{StoreError, grants, sweeps, users};
use crate::domain::session::{Session, SessionOrigin};
use crate::domain::{ClientId, GrantId, SessionId, TenantId, Timestamp, UserId};

const AMR: Place = Place("sessions", "amr");

impl TryFrom<Model> for Session {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::from_uuid(row.session_id),
            user_id: UserId::from_uuid(row.user_id),
            auth_time: Timestamp::from_millis(row.auth_time),
            amr: AMR.read_json(row.amr)?,
            acr: row.acr,
            user_agent: row.user_agent,
            address: row.address,
            origin: row.origin.into(),
            idle_timeout: Duration::from_millis(Place("sessions", "idle_timeout").parse(row.idle_timeout)?),
            created_at: Timestamp::from_millis(row.created_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
        })
    }
}

fn this(tenant: TenantId, id: SessionId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::SessionId.eq(id.uuid()))
}

/// Sessions whose row says nothing against them.
fn running(now: Timestamp) -> Condition {
    let until = Expr::col((Entity, Column::LastSeenAt)).add(Expr::col((Entity, Column::IdleTimeout)));
    Condition::all().add(Column::EndedAt.is_null()).add(Column::ExpiresAt.gt(now.millis())).add(until.gt(now.millis()))
}

/// When a session is over by itself. The index over those that aren't ended has the same expression (m0017).
fn over_at() -> Expr {
    let expires = || Expr::col((Entity, Column::ExpiresAt));
    let rests = || Expr::col((Entity, Column::LastSeenAt)).add(Expr::col((Entity, Column::IdleTimeout)));
    Expr::case(expires().lt(rests()), expires()).finally(rests()).into()
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Sessions that didn't end with all of their tenant's since they began ([`super::sweeps`]). There are no values in it, so
/// that its text is made once: to make it takes longer than to look.
static GOES_ON: LazyLock<String> = LazyLock::new(|| {
    let ended_with_all = Query::select()
        .expr(Expr::value(1))
        .from(tenants::Entity)
        .and_where(Expr::col((tenants::Entity, tenants::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(
            Expr::col((tenants::Entity, tenants::Column::SessionsSince)).gte(Expr::col((Entity, Column::CreatedAt))),
        )
        .take();
    format!("NOT EXISTS ({})", ended_with_all.to_string(PostgresQueryBuilder))
});

/// Sessions that count.
fn live(now: Timestamp) -> Condition {
    running(now).add(Expr::cust(GOES_ON.as_str()))
}

/// As part of another statement: that the session of this id counts at `now`.
pub(super) fn is_live(tenant: TenantId, id: SessionId, now: Timestamp) -> Expr {
    let found = Query::select().expr(Expr::value(1)).from(Entity).cond_where(this(tenant, id).add(live(now))).take();
    Expr::exists(found)
}

/// Adds a session. `secret_hash` is the SHA-256 of its cookie's secret. It begins after the last end of everything, also by
/// a clock that was set back.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such user.
pub async fn insert(tx: &Tx, tenant: TenantId, session: &Session, secret_hash: &[u8; 32]) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        session_id: session.id.uuid(),
        user_id: session.user_id.uuid(),
        secret_hash: secret_hash.to_vec(),
        auth_time: session.auth_time.millis(),
        amr: AMR.write_json(&session.amr)?,
        acr: session.acr.clone(),
        user_agent: session.user_agent.clone(),
        address: session.address.clone(),
        origin: session.origin.into(),
        idle_timeout: millis(session.idle_timeout),
        created_at: sweeps::begins(tx, tenant, None, session.created_at).await?.millis(),
        last_seen_at: session.last_seen_at.millis(),
        expires_at: session.expires_at.millis(),
        ended_at: session.ended_at.map(Timestamp::millis),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// When the last session of a tenant began, by whatever clock.
pub(super) async fn newest(db: &impl Reader, tenant: TenantId) -> Result<Option<Timestamp>, StoreError> {
    let begun: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::CreatedAt)
        .filter(Column::TenantId.eq(tenant.uuid()))
        .order_by_desc(Column::SessionId)
        .limit(sweeps::NEWEST)
        .into_tuple()
        .all(db)
        .await?;
    Ok(begun.into_iter().max().map(Timestamp::from_millis))
}

/// Gives a live session another proof of identity, another secret and another end; `false` if it isn't live any more,
/// or was renewed in the meantime. `hashes` are the SHA-256 of the secret that it has, and of the one that it gets.
pub async fn renew(
    tx: &Tx,
    tenant: TenantId,
    session: &Session,
    hashes: (&[u8; 32], &[u8; 32]),
    now: Timestamp,
) -> Result<bool, StoreError> {
    let renewed = Entity::update_many()
        .col_expr(Column::SecretHash, Expr::value(hashes.1.as_slice()))
        .col_expr(Column::AuthTime, Expr::value(session.auth_time.millis()))
        .col_expr(Column::Amr, Expr::value(AMR.write_json(&session.amr)?))
        .col_expr(Column::Acr, Expr::value(session.acr.clone()))
        .col_expr(Column::UserAgent, Expr::value(session.user_agent.clone()))
        .col_expr(Column::Address, Expr::value(session.address.clone()))
        .col_expr(Column::LastSeenAt, Expr::value(session.last_seen_at.millis()))
        .col_expr(Column::ExpiresAt, Expr::value(session.expires_at.millis()))
        .col_expr(Column::IdleTimeout, Expr::value(millis(session.idle_timeout)))
        .filter(this(tenant, session.id))
        .filter(Column::SecretHash.eq(hashes.0.as_slice()))
        .filter(live(now))
        .exec(tx)
        .await?;
    tx.invalidate(Change::Session(tenant, session.id));
    Ok(renewed.rows_affected > 0)
}

/// The live session whose cookie has the secret of this SHA-256.
pub async fn find_by_secret_hash(
    db: &impl Reader,
    tenant: TenantId,
    secret_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let row = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::SecretHash.eq(secret_hash.as_slice()))
        .filter(live(now))
        .only(db)
        .await?;
    row.map(Session::try_from).transpose()
}

/// The session of this id, if it counts at `now`.
pub async fn find_live(
    db: &impl Reader,
    tenant: TenantId,
    id: SessionId,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    Entity::find().filter(this(tenant, id)).filter(live(now)).only(db).await?.map(Session::try_from).transpose()
}

/// The session of this id, live or not.
pub async fn find_by_id(db: &impl Reader, tenant: TenantId, id: SessionId) -> Result<Option<Session>, StoreError> {
    Entity::find().filter(this(tenant, id)).only(db).await?.map(Session::try_from).transpose()
}

/// Which live sessions to list; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct SessionFilter {
    /// Only those of this person.
    pub user: Option<UserId>,
    /// Only those in which this client was given something that it still has.
    pub client: Option<ClientId>,
    /// Only the one in which this grant was given, whether or not it still counts.
    pub grant: Option<GrantId>,
    /// All but this one.
    pub except: Option<SessionId>,
}

/// Live sessions, the newest first, from the one after `after`; at most 1000. Where a list is cut, what has just begun
/// mustn't be what is missing: it is what somebody looks for who looks for a stranger.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    filter: &SessionFilter,
    after: Option<SessionId>,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Session>, StoreError> {
    let mut query = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(live(now))
        .order_by_desc(Column::SessionId)
        .limit(page(limit));
    if let Some(user) = filter.user {
        query = query.filter(Column::UserId.eq(user.uuid()));
    }
    if let Some(client) = &filter.client {
        let given = Query::select()
            .column(rows::Column::SessionId)
            .from(rows::Entity)
            .and_where(rows::Column::TenantId.eq(tenant.uuid()))
            .and_where(rows::Column::ClientId.eq(client.as_str()))
            .cond_where(grants::live(now))
            .take();
        query = query.filter(Column::SessionId.in_subquery(given));
    }
    if let Some(grant) = filter.grant {
        let given_in = Query::select()
            .column(rows::Column::SessionId)
            .from(rows::Entity)
            .and_where(rows::Column::TenantId.eq(tenant.uuid()))
            .and_where(rows::Column::GrantId.eq(grant.uuid()))
            .take();
        query = query.filter(Column::SessionId.in_subquery(given_in));
    }
    if let Some(except) = filter.except {
        query = query.filter(Column::SessionId.ne(except.uuid()));
    }
    if let Some(after) = after {
        query = query.filter(Column::SessionId.lt(after.uuid()));
    }
    query.all(db).await?.into_iter().map(Session::try_from).collect()
}

/// A person's live sessions of an origin but for the `stay` newest ones, the newest first; at most 1000.
pub async fn oldest_but(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    origin: SessionOrigin,
    now: Timestamp,
    stay: u64,
) -> Result<Vec<SessionId>, StoreError> {
    let origin = entity::control::sessions::SessionOrigin::from(origin);
    let ids: Vec<uuid::Uuid> = Entity::find()
        .select_only()
        .column(Column::SessionId)
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::UserId.eq(user.uuid()))
        .filter(Column::Origin.eq(origin))
        .filter(live(now))
        .order_by_desc(Column::SessionId)
        .offset(stay)
        .limit(page(u64::MAX))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(SessionId::from_uuid).collect())
}

/// Which sessions of a tenant to end.
#[derive(Clone, Copy, Debug)]
pub enum Ending {
    /// This one.
    One(SessionId),
    /// All of a person.
    OfUser(UserId),
    /// All of a person but one.
    Others {
        /// The person.
        user: UserId,
        /// The one that stays.
        keep: SessionId,
    },
    /// All that began until then.
    Until(Timestamp),
}

impl Ending {
    fn condition(self, tenant: TenantId) -> Condition {
        let which = Condition::all().add(Column::TenantId.eq(tenant.uuid()));
        match self {
            Self::One(id) => which.add(Column::SessionId.eq(id.uuid())),
            Self::OfUser(user) => which.add(Column::UserId.eq(user.uuid())),
            Self::Others { user, keep } => {
                which.add(Column::UserId.eq(user.uuid())).add(Column::SessionId.ne(keep.uuid()))
            }
            Self::Until(until) => which.add(Column::CreatedAt.lte(until.millis())),
        }
    }

    /// What changes for those who keep copies. Of all there is nothing to say: who ended them said it ([`super::sweeps`]).
    fn change(self, tenant: TenantId) -> Option<Change> {
        match self {
            Self::One(id) => Some(Change::Session(tenant, id)),
            Self::OfUser(user) | Self::Others { user, .. } => Some(Change::User(tenant, user)),
            Self::Until(_) => None,
        }
    }
}

/// Ends at most `limit` sessions and gives those that it ended; `None` if none is left. Of several at once, each
/// session is one's only. What was given in them is the caller's to end: `service::sessions::ending` is the one.
pub async fn end(
    tx: &Tx,
    tenant: TenantId,
    which: Ending,
    now: Timestamp,
    limit: u64,
) -> Result<Option<Vec<Session>>, StoreError> {
    which.change(tenant).into_iter().for_each(|change| tx.invalidate(change));
    let ids: Vec<uuid::Uuid> = Entity::find()
        .select_only()
        .column(Column::SessionId)
        .filter(which.condition(tenant))
        .filter(running(now))
        .limit(limit)
        .into_tuple()
        .all(tx)
        .await?;
    if ids.is_empty() {
        return Ok(None);
    }
    let ended = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::SessionId.is_in(ids))
        .filter(Column::EndedAt.is_null())
        .exec_with_returning(tx)
        .await?;
    ended.into_iter().map(Session::try_from).collect::<Result<_, _>>().map(Some)
}

/// Sessions of any tenant that are over by themselves and aren't noted as ended, at most `limit`, those first that have
/// been over for longest.
pub async fn lapsed(db: &impl Reader, now: Timestamp, limit: u64) -> Result<Vec<(TenantId, SessionId)>, StoreError> {
    let ids: Vec<(uuid::Uuid, uuid::Uuid)> = Entity::find()
        .select_only()
        .column(Column::TenantId)
        .column(Column::SessionId)
        .filter(Column::EndedAt.is_null())
        .filter(over_at().lte(now.millis()))
        .order_by_asc(over_at())
        .limit(page(limit))
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(|(tenant, id)| (TenantId::from_uuid(tenant), SessionId::from_uuid(id))).collect())
}

/// How many sessions of all tenants haven't ended. Those that were ended all at once are among them until they are swept up.
pub async fn count(db: &impl Reader, now: Timestamp) -> Result<u64, StoreError> {
    // In the terms of the index (m0017), so that only these are looked at.
    let running = Entity::find().filter(Column::EndedAt.is_null()).filter(over_at().gt(now.millis()));
    Ok(running.count(db).await?)
}

/// Notes as ended those of these sessions that are over by themselves, and gives those that weren't noted before: of
/// several who do this at once, each session is one's only.
pub async fn lapse(tx: &Tx, tenant: TenantId, ids: &[SessionId], now: Timestamp) -> Result<Vec<Session>, StoreError> {
    let lapsed = Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::SessionId.is_in(ids.iter().map(|id| id.uuid())))
        .filter(Column::EndedAt.is_null())
        .filter(over_at().lte(now.millis()))
        .exec_with_returning(tx)
        .await?;
    lapsed.into_iter().map(Session::try_from).collect()
}

/// Notes that a session was used; `false` if it isn't live.
pub async fn touch(tx: &Tx, tenant: TenantId, id: SessionId, now: Timestamp) -> Result<bool, StoreError> {
    let touched = Entity::update_many()
        .col_expr(Column::LastSeenAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .filter(live(now))
        .exec(tx)
        .await?;
    Ok(touched.rows_affected > 0)
}

/// Deletes at most `limit` sessions, of any tenant, whose time was up at `before`. Sessions that were ended stay until
/// their time is up. What they tell of a person's last activity is noted with the person.
///
/// People come before sessions, as where somebody is switched off with all sessions: the other way round two
/// transactions could wait for one another.
pub async fn delete_expired(tx: &Tx, before: Timestamp, limit: u64) -> Result<u64, StoreError> {
    let over: Vec<(uuid::Uuid, uuid::Uuid, uuid::Uuid)> = Entity::find()
        .select_only()
        .columns([Column::TenantId, Column::SessionId, Column::UserId])
        .filter(Column::ExpiresAt.lte(before.millis()))
        .limit(limit)
        .into_tuple()
        .all(tx)
        .await?;
    let mut by_tenant: BTreeMap<uuid::Uuid, (Vec<uuid::Uuid>, Vec<UserId>)> = BTreeMap::new();
    for (tenant, session, user) in over {
        let (sessions, users) = by_tenant.entry(tenant).or_default();
        sessions.push(session);
        users.push(UserId::from_uuid(user));
    }
    let mut deleted = 0;
    for (tenant, (sessions, users)) in by_tenant {
        users::note_last_use(tx, TenantId::from_uuid(tenant), &users).await?;
        let these = Column::TenantId.eq(tenant).and(Column::SessionId.is_in(sessions));
        deleted += Entity::delete_many().filter(these).exec(tx).await?.rows_affected;
    }
    Ok(deleted)
}
