//! People, and the passwords that they prove themselves with.

use std::collections::HashMap;

use entity::control::users::{Column, Entity, Model};
use entity::control::{credentials, sessions};
use sea_orm::sea_query::{Expr, ExprTrait as _, LikeExpr, OnConflict, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, FromQueryResult, IntoActiveModel as _, QueryFilter, QueryOrder as _,
    QuerySelect as _,
};

use super::change::Change;
use super::error::conflict_on;
use super::row::{Only as _, Place, page};
use super::tx::{Reader, Tx};
use super::{Conflict, StoreError};
use crate::domain::user::{Email, LoginName, User, UserStatus, Username};
use crate::domain::{Secret, TenantId, Timestamp, UserId};

const TABLE: &str = "users";
const ROLES: Place = Place(TABLE, "roles");
const PROFILE: Place = Place(TABLE, "profile");
const UNIQUE: [(&str, Conflict); 2] = [("email_lower", Conflict::Email), ("username_lower", Conflict::Username)];

impl TryFrom<Model> for User {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: UserId::from_uuid(row.user_id),
            status: row.status.into(),
            email: Place(TABLE, "email").parse_optional(row.email)?,
            email_verified: row.email_verified,
            username: Place(TABLE, "username").parse_optional(row.username)?,
            roles: ROLES.read_json(row.roles)?,
            profile: PROFILE.read_json(row.profile)?,
            last_activity_at: row.last_activity_at.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn to_row(tenant: TenantId, user: &User) -> Result<Model, StoreError> {
    Ok(Model {
        tenant_id: tenant.uuid(),
        user_id: user.id.uuid(),
        status: user.status.into(),
        email: user.email.as_ref().map(ToString::to_string),
        email_lower: user.email.as_ref().map(Email::lower),
        email_verified: user.email_verified,
        username: user.username.as_ref().map(ToString::to_string),
        username_lower: user.username.as_ref().map(Username::lower),
        roles: ROLES.write_json(&user.roles)?,
        profile: PROFILE.write_json(&user.profile)?,
        last_activity_at: user.last_activity_at.map(Timestamp::millis),
        created_at: user.created_at.millis(),
        updated_at: user.updated_at.millis(),
    })
}

fn this(tenant: TenantId, user: UserId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::UserId.eq(user.uuid()))
}

fn named(tenant: TenantId, login: &LoginName) -> Condition {
    let column = if login.is_email() { Column::EmailLower } else { Column::UsernameLower };
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(column.eq(login.as_str()))
}

/// PostgreSQL takes no NUL in a text, not even to look for it.
fn is_storable(login: &LoginName) -> bool {
    !login.as_str().contains('\0')
}

/// Adds a person.
///
/// # Errors
/// [`Conflict::Email`], [`Conflict::Username`]; [`StoreError::Missing`] if there is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, user: &User) -> Result<(), StoreError> {
    let row = to_row(tenant, user)?;
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map(drop)
        .map_err(|error| conflict_on(error, &UNIQUE))
}

/// The person of this id.
pub async fn find_by_id(db: &impl Reader, tenant: TenantId, id: UserId) -> Result<Option<User>, StoreError> {
    Entity::find().filter(this(tenant, id)).only(db).await?.map(User::try_from).transpose()
}

/// The person who signs in with this e-mail address or user name. An address has an `@` and a user name has none, so
/// that it can be one of them only.
pub async fn find_by_login(db: &impl Reader, tenant: TenantId, login: &LoginName) -> Result<Option<User>, StoreError> {
    if !is_storable(login) {
        return Ok(None);
    }
    Entity::find().filter(named(tenant, login)).only(db).await?.map(User::try_from).transpose()
}

#[derive(FromQueryResult)]
struct UserWithPassword {
    #[sea_orm(nested)]
    user: Model,
    password: Option<String>,
}

/// As [`find_by_login`], with the password hash as a PHC string, if there is one.
pub async fn find_by_login_with_password(
    db: &impl Reader,
    tenant: TenantId,
    login: &LoginName,
) -> Result<Option<(User, Option<Secret>)>, StoreError> {
    if !is_storable(login) {
        return Ok(None);
    }
    let password = Query::select()
        .column((credentials::Entity, credentials::Column::Secret))
        .from(credentials::Entity)
        .and_where(Expr::col((credentials::Entity, credentials::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(Expr::col((credentials::Entity, credentials::Column::UserId)).equals((Entity, Column::UserId)))
        .and_where(credentials::Column::Kind.eq(credentials::CredentialKind::Password))
        .take();
    let found = Entity::find()
        .expr_as(password, "password")
        .filter(named(tenant, login))
        .into_model::<UserWithPassword>()
        .only(db)
        .await?;
    found.map(|row| Ok((row.user.try_into()?, row.password.map(Secret::from)))).transpose()
}

/// Which people to list; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// Only whoever has this e-mail address.
    pub email: Option<LoginName>,
    /// Only whoever has this user name.
    pub username: Option<LoginName>,
    /// Only those of this status.
    pub status: Option<UserStatus>,
    /// Only those whose e-mail address or user name begins so.
    pub begins: Option<LoginName>,
}

impl UserFilter {
    fn condition(&self, tenant: TenantId) -> Condition {
        let mut which = Condition::all().add(Column::TenantId.eq(tenant.uuid()));
        if let Some(email) = &self.email {
            which = which.add(Column::EmailLower.eq(email.as_str()));
        }
        if let Some(username) = &self.username {
            which = which.add(Column::UsernameLower.eq(username.as_str()));
        }
        if let Some(status) = self.status {
            which = which.add(Column::Status.eq(entity::control::users::UserStatus::from(status)));
        }
        if let Some(begins) = &self.begins {
            let escaped = begins.as_str().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            let like = || LikeExpr::new(format!("{escaped}%")).escape('\\');
            let either = Condition::any().add(Column::EmailLower.like(like())).add(Column::UsernameLower.like(like()));
            which = which.add(either);
        }
        which
    }

    fn is_storable(&self) -> bool {
        [&self.email, &self.username, &self.begins].into_iter().flatten().all(is_storable)
    }
}

/// People in order of their ids, from the one after `after`; at most 1000.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<User>, StoreError> {
    if !filter.is_storable() {
        return Ok(Vec::new());
    }
    let mut query = Entity::find().filter(filter.condition(tenant)).order_by_asc(Column::UserId).limit(page(limit));
    if let Some(after) = after {
        query = query.filter(Column::UserId.gt(after.uuid()));
    }
    query.all(db).await?.into_iter().map(User::try_from).collect()
}

/// Enables, disables or locks a person; `false` if there is no such person.
pub async fn set_status(
    tx: &Tx,
    tenant: TenantId,
    id: UserId,
    status: UserStatus,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let status = entity::control::users::UserStatus::from(status);
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .exec(tx)
        .await?;
    tx.invalidate(Change::User(tenant, id));
    Ok(changed.rows_affected > 0)
}

/// Changes names, roles and profile to those of `user`; `false` if there is no such person, or if they were changed
/// since `seen`, when they were last changed. The status stays.
///
/// # Errors
/// [`Conflict::Email`], [`Conflict::Username`].
pub async fn update(tx: &Tx, tenant: TenantId, user: &User, seen: Timestamp) -> Result<bool, StoreError> {
    let row = to_row(tenant, user)?;
    let changed = Entity::update_many()
        .col_expr(Column::Email, Expr::value(row.email))
        .col_expr(Column::EmailLower, Expr::value(row.email_lower))
        .col_expr(Column::EmailVerified, Expr::value(row.email_verified))
        .col_expr(Column::Username, Expr::value(row.username))
        .col_expr(Column::UsernameLower, Expr::value(row.username_lower))
        .col_expr(Column::Roles, Expr::value(row.roles))
        .col_expr(Column::Profile, Expr::value(row.profile))
        .col_expr(Column::UpdatedAt, Expr::value(row.updated_at))
        .filter(this(tenant, user.id))
        .filter(Column::UpdatedAt.eq(seen.millis()))
        .exec(tx)
        .await
        .map_err(|error| conflict_on(error, &UNIQUE))?;
    tx.invalidate(Change::User(tenant, user.id));
    Ok(changed.rows_affected > 0)
}

/// Deletes a person with all that they got; `false` if there is no such person.
pub async fn delete(tx: &Tx, tenant: TenantId, id: UserId) -> Result<bool, StoreError> {
    let deleted = Entity::delete_many().filter(this(tenant, id)).exec(tx).await?;
    tx.invalidate(Change::User(tenant, id));
    Ok(deleted.rows_affected > 0)
}

/// Notes that a person did something.
pub async fn touch(tx: &Tx, tenant: TenantId, id: UserId, now: Timestamp) -> Result<(), StoreError> {
    Entity::update_many()
        .col_expr(Column::LastActivityAt, Expr::value(now.millis()))
        .filter(this(tenant, id))
        .exec(tx)
        .await?;
    Ok(())
}

/// When somebody last used one of their sessions, as far as these are kept.
fn last_use() -> SelectStatement {
    Query::select()
        .expr(Expr::col((sessions::Entity, sessions::Column::LastSeenAt)).max())
        .from(sessions::Entity)
        .and_where(Expr::col((sessions::Entity, sessions::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(Expr::col((sessions::Entity, sessions::Column::UserId)).equals((Entity, Column::UserId)))
        .take()
}

fn these(tenant: TenantId, ids: &[UserId]) -> Condition {
    let ids = ids.iter().map(|id| id.uuid());
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::UserId.is_in(ids))
}

/// When each of these people last did something: signed in, or used one of their sessions. Who never did isn't there.
pub async fn last_activity(
    db: &impl Reader,
    tenant: TenantId,
    ids: &[UserId],
) -> Result<HashMap<UserId, Timestamp>, StoreError> {
    let found: Vec<(uuid::Uuid, Option<i64>, Option<i64>)> = Entity::find()
        .select_only()
        .column(Column::UserId)
        .column(Column::LastActivityAt)
        .expr_as(last_use(), "last_use")
        .filter(these(tenant, ids))
        .into_tuple()
        .all(db)
        .await?;
    let newest = |(id, noted, used): (uuid::Uuid, Option<i64>, Option<i64>)| {
        Ord::max(noted, used).map(|at| (UserId::from_uuid(id), Timestamp::from_millis(at)))
    };
    Ok(found.into_iter().filter_map(newest).collect())
}

/// Notes with people what their sessions tell of their last activity, for these are about to be deleted.
pub(super) async fn note_last_use(tx: &Tx, tenant: TenantId, ids: &[UserId]) -> Result<(), StoreError> {
    let earlier = Condition::any()
        .add(Column::LastActivityAt.is_null())
        .add(Expr::col((Entity, Column::LastActivityAt)).lt(last_use()));
    Entity::update_many()
        .col_expr(Column::LastActivityAt, last_use().into())
        .filter(these(tenant, ids))
        .filter(earlier)
        .exec(tx)
        .await?;
    Ok(())
}

/// A person's password hash, a PHC string.
pub async fn password_hash(db: &impl Reader, tenant: TenantId, id: UserId) -> Result<Option<Secret>, StoreError> {
    let row = credentials::Entity::find()
        .filter(credentials::Column::TenantId.eq(tenant.uuid()))
        .filter(credentials::Column::UserId.eq(id.uuid()))
        .filter(credentials::Column::Kind.eq(credentials::CredentialKind::Password))
        .only(db)
        .await?;
    Ok(row.map(|row| Secret::from(row.secret)))
}

/// Puts `next` in the place of a person's password hash if that is `expected` still; `false` if it isn't. With both the
/// same it changes nothing, and nobody else changes the hash before the transaction ends.
pub async fn swap_password_hash(
    tx: &Tx,
    tenant: TenantId,
    id: UserId,
    expected: &Secret,
    next: &Secret,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let mut swap = credentials::Entity::update_many()
        .col_expr(credentials::Column::Secret, Expr::value(next.expose()))
        .filter(credentials::Column::TenantId.eq(tenant.uuid()))
        .filter(credentials::Column::UserId.eq(id.uuid()))
        .filter(credentials::Column::Kind.eq(credentials::CredentialKind::Password))
        .filter(credentials::Column::Secret.eq(expected.expose()));
    if !next.same_as(expected) {
        swap = swap.col_expr(credentials::Column::UpdatedAt, Expr::value(now.millis()));
    }
    Ok(swap.exec(tx).await?.rows_affected > 0)
}

/// Sets a person's password hash, a PHC string; the one before is gone.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such person.
pub async fn set_password_hash(
    tx: &Tx,
    tenant: TenantId,
    id: UserId,
    hash: &Secret,
    now: Timestamp,
) -> Result<(), StoreError> {
    let row = credentials::Model {
        tenant_id: tenant.uuid(),
        user_id: id.uuid(),
        // There is one for each person, so it needs no id but theirs.
        credential_id: id.uuid(),
        kind: credentials::CredentialKind::Password,
        secret: hash.expose().to_owned(),
        created_at: now.millis(),
        updated_at: now.millis(),
    };
    let replace = OnConflict::columns([
        credentials::Column::TenantId,
        credentials::Column::UserId,
        credentials::Column::CredentialId,
    ])
    .update_columns([credentials::Column::Secret, credentials::Column::UpdatedAt])
    .to_owned();
    credentials::Entity::insert(row.into_active_model()).on_conflict(replace).exec_without_returning(tx).await?;
    tx.invalidate(Change::User(tenant, id));
    Ok(())
}
