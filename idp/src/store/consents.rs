//! Consents.

use entity::control::consents::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder as _, QuerySelect as _};

use super::StoreError;
use super::row::{Only as _, Place, insert_if_absent, page};
use super::tx::{Reader, Tx};
use crate::domain::consent::Consent;
use crate::domain::scope::ScopeSet;
use crate::domain::{ClientId, TenantId, Timestamp, UserId};

impl TryFrom<Model> for Consent {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: UserId::from_uuid(row.user_id),
            client_id: Place("consents", "client_id").parse(row.client_id)?,
            scope: Place("consents", "scope").parse(row.scope)?,
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

fn this(tenant: TenantId, user: UserId, client: &ClientId) -> Condition {
    Condition::all()
        .add(Column::TenantId.eq(tenant.uuid()))
        .add(Column::UserId.eq(user.uuid()))
        .add(Column::ClientId.eq(client.as_str()))
}

/// What a person allowed a client.
pub async fn find(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    Entity::find().filter(this(tenant, user, client)).only(db).await?.map(Consent::try_from).transpose()
}

/// The same in a transaction that rests on it: it isn't withdrawn before that has ended.
pub async fn find_and_keep(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StoreError> {
    let row = Entity::find().filter(this(tenant, user, client)).lock_shared().only(tx).await?;
    row.map(Consent::try_from).transpose()
}

/// What a person allowed, in order of the clients' ids, from the one after `after`; at most 1000.
pub async fn list_of_user(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    after: Option<&ClientId>,
    limit: u64,
) -> Result<Vec<Consent>, StoreError> {
    let mut query = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::UserId.eq(user.uuid()))
        .order_by_asc(Column::ClientId)
        .limit(page(limit));
    if let Some(after) = after {
        query = query.filter(Column::ClientId.gt(after.as_str()));
    }
    query.all(db).await?.into_iter().map(Consent::try_from).collect()
}

/// What a client was allowed, in order of the people's ids, from the one after `after`; at most 1000.
pub async fn list_of_client(
    db: &impl Reader,
    tenant: TenantId,
    client: &ClientId,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Consent>, StoreError> {
    let mut query = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::ClientId.eq(client.as_str()))
        .order_by_asc(Column::UserId)
        .limit(page(limit));
    if let Some(after) = after {
        query = query.filter(Column::UserId.gt(after.uuid()));
    }
    query.all(db).await?.into_iter().map(Consent::try_from).collect()
}

/// Remembers that a person allowed a client these scopes, beside those allowed before, and says what is allowed now.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such user or client; [`StoreError::Conflict`] in the rare case that the row
/// was changed by another consent at the same moment, too many times in a row.
pub async fn upsert(
    tx: &Tx,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
    scope: &ScopeSet,
    now: Timestamp,
) -> Result<Consent, StoreError> {
    // The union of two sets isn't something that both databases compute, so the row is compared and swapped.
    for _ in 0..3 {
        let row = Model {
            tenant_id: tenant.uuid(),
            user_id: user.uuid(),
            client_id: client.to_string(),
            scope: scope.to_string(),
            created_at: now.millis(),
            updated_at: now.millis(),
        };
        if insert_if_absent::<Entity, _>(tx, row.clone()).await? {
            return row.try_into();
        }
        let Some(before) = Entity::find().filter(this(tenant, user, client)).only(tx).await? else {
            continue;
        };
        let seen = before.scope.clone();
        let mut consent = Consent::try_from(before)?;
        if scope.is_subset(&consent.scope) {
            return Ok(consent);
        }
        consent.scope = consent.scope.union(scope);
        consent.updated_at = now;
        let changed = Entity::update_many()
            .col_expr(Column::Scope, Expr::value(consent.scope.to_string()))
            .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
            .filter(this(tenant, user, client))
            .filter(Column::Scope.eq(seen))
            .exec(tx)
            .await?;
        if changed.rows_affected > 0 {
            return Ok(consent);
        }
    }
    Err(StoreError::Conflict(super::Conflict::Other))
}

/// Forgets a consent; `false` if there is none.
pub async fn delete(tx: &Tx, tenant: TenantId, user: UserId, client: &ClientId) -> Result<bool, StoreError> {
    let deleted = Entity::delete_many().filter(this(tenant, user, client)).exec(tx).await?;
    Ok(deleted.rows_affected > 0)
}
