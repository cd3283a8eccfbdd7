//! What clients may do with a person's account: what the person allowed them, and what they got without asking and keep
//! when the session ends. Two tables tell of it, and the database puts their clients in one order: it alone knows which
//! order of texts is its own.

use std::collections::HashMap;

use entity::control::{consents, grants as rows};
use sea_orm::sea_query::{Order, Query, UnionType};
use sea_orm::{ColumnTrait, Condition, DbErr, EntityTrait, QueryFilter, QuerySelect as _};

use super::row::{Place, page};
use super::tx::Reader;
use super::{StoreError, grants};
use crate::domain::consent::{Consent, Standing};
use crate::domain::{ClientId, TenantId, Timestamp, UserId};

/// What clients may do with a person's account, in order of the clients' ids, from the one after `after`; at most 1000.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    after: Option<&ClientId>,
    now: Timestamp,
    limit: u64,
) -> Result<Vec<Standing>, StoreError> {
    let mut clients = Query::select();
    clients.column(consents::Column::ClientId).from(consents::Entity).cond_where(allowed(tenant, user));
    let mut keep = Query::select();
    keep.column(rows::Column::ClientId).from(rows::Entity).cond_where(kept(tenant, user, now));
    if let Some(after) = after {
        clients.and_where(consents::Column::ClientId.gt(after.as_str()));
        keep.and_where(rows::Column::ClientId.gt(after.as_str()));
    }
    clients.union(UnionType::Distinct, keep).order_by(consents::Column::ClientId, Order::Asc).limit(page(limit));
    let found = db.query_all(&clients).await?;
    let clients: Result<Vec<String>, DbErr> = found.iter().map(|row| row.try_get("", "client_id")).collect();
    standings(db, tenant, user, clients?, now).await
}

/// What a client may do with a person's account; `None` if nothing that goes on without the session.
pub async fn find(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
    now: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    Ok(standings(db, tenant, user, vec![client.to_string()], now).await?.pop())
}

fn allowed(tenant: TenantId, user: UserId) -> Condition {
    Condition::all().add(consents::Column::TenantId.eq(tenant.uuid())).add(consents::Column::UserId.eq(user.uuid()))
}

/// Grants that outlive their session.
fn kept(tenant: TenantId, user: UserId, now: Timestamp) -> Condition {
    grants::live(now)
        .add(rows::Column::TenantId.eq(tenant.uuid()))
        .add(rows::Column::UserId.eq(user.uuid()))
        .add(rows::Column::Offline.eq(true))
}

/// What these clients may do, in their order. Of a client's grants there may be thousands, but of few scopes.
async fn standings(
    db: &impl Reader,
    tenant: TenantId,
    user: UserId,
    clients: Vec<String>,
    now: Timestamp,
) -> Result<Vec<Standing>, StoreError> {
    let consented = consents::Entity::find()
        .filter(allowed(tenant, user))
        .filter(consents::Column::ClientId.is_in(&clients))
        .all(db)
        .await?;
    let kept: Vec<(String, String, i64)> = rows::Entity::find()
        .select_only()
        .column(rows::Column::ClientId)
        .column(rows::Column::Scope)
        .column_as(rows::Column::CreatedAt.min(), "since")
        .filter(kept(tenant, user, now))
        .filter(rows::Column::ClientId.is_in(&clients))
        .group_by(rows::Column::ClientId)
        .group_by(rows::Column::Scope)
        .into_tuple()
        .all(db)
        .await?;
    let mut found: HashMap<String, Standing> = HashMap::new();
    for row in consented {
        let Consent { client_id, scope, created_at, .. } = row.try_into()?;
        add(&mut found, &Standing { client_id, scope, since: created_at });
    }
    for (client_id, scope, since) in kept {
        let client_id = Place("grants", "client_id").parse(client_id)?;
        let scope = Place("grants", "scope").parse(scope)?;
        add(&mut found, &Standing { client_id, scope, since: Timestamp::from_millis(since) });
    }
    Ok(clients.iter().filter_map(|client| found.remove(client)).collect())
}

fn add(found: &mut HashMap<String, Standing>, more: &Standing) {
    let standing = found.entry(more.client_id.to_string()).or_insert_with(|| more.clone());
    standing.scope = standing.scope.union(&more.scope);
    standing.since = standing.since.min(more.since);
}
