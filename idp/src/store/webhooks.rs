//! Endpoints of webhooks, and what their messages are signed with, sealed.

use entity::control::webhook_endpoints::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, IntoActiveModel as _, PaginatorTrait as _, QueryFilter, QueryOrder as _,
    QuerySelect as _,
};

use super::StoreError;
use super::row::{Only as _, Place, page};
use super::tx::{Reader, Tx};
use crate::domain::ids::EndpointId;
use crate::domain::webhook::{Endpoint, EndpointDetails};
use crate::domain::{TenantId, Timestamp};

const TYPES: Place = Place("webhook_endpoints", "types");

impl TryFrom<Model> for Endpoint {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: EndpointId::from_uuid(row.endpoint_id),
            details: EndpointDetails { url: row.url, description: row.description, types: TYPES.read_json(row.types)? },
            status: row.status.into(),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

/// What an endpoint's messages are signed with, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecrets {
    /// The one that counts.
    pub current: Vec<u8>,
    /// The one before it, and until when it is used as well.
    pub former: Option<(Vec<u8>, Timestamp)>,
}

fn this(tenant: TenantId, id: EndpointId) -> Condition {
    Condition::all().add(Column::TenantId.eq(tenant.uuid())).add(Column::EndpointId.eq(id.uuid()))
}

/// Adds an endpoint.
///
/// # Errors
/// [`StoreError::Missing`] if there is no such tenant.
pub async fn insert(tx: &Tx, tenant: TenantId, endpoint: &Endpoint, sealed_secret: Vec<u8>) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.uuid(),
        endpoint_id: endpoint.id.uuid(),
        url: endpoint.details.url.clone(),
        description: endpoint.details.description.clone(),
        types: TYPES.write_json(&endpoint.details.types)?,
        status: endpoint.status.into(),
        sealed_secret,
        former_sealed_secret: None,
        former_until: None,
        created_at: endpoint.created_at.millis(),
        updated_at: endpoint.updated_at.millis(),
    };
    Entity::insert(row.into_active_model()).exec_without_returning(tx).await?;
    Ok(())
}

/// The endpoint of this id.
pub async fn find(db: &impl Reader, tenant: TenantId, id: EndpointId) -> Result<Option<Endpoint>, StoreError> {
    Entity::find().filter(this(tenant, id)).only(db).await?.map(Endpoint::try_from).transpose()
}

/// What this endpoint's messages are signed with.
pub async fn secrets(db: &impl Reader, tenant: TenantId, id: EndpointId) -> Result<Option<SealedSecrets>, StoreError> {
    let row = Entity::find().filter(this(tenant, id)).only(db).await?;
    Ok(row.map(|row| SealedSecrets {
        current: row.sealed_secret,
        former: row.former_sealed_secret.zip(row.former_until.map(Timestamp::from_millis)),
    }))
}

/// A tenant's endpoints in the order of their ids, those after `after` only; at most 1,000.
pub async fn list(
    db: &impl Reader,
    tenant: TenantId,
    after: Option<EndpointId>,
    limit: u64,
) -> Result<Vec<Endpoint>, StoreError> {
    let mut query = Entity::find().filter(Column::TenantId.eq(tenant.uuid()));
    if let Some(after) = after {
        query = query.filter(Column::EndpointId.gt(after.uuid()));
    }
    let rows = query.order_by_asc(Column::EndpointId).limit(page(limit)).all(db).await?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// How many endpoints a tenant has.
pub async fn count(db: &impl Reader, tenant: TenantId) -> Result<u64, StoreError> {
    Ok(Entity::find().filter(Column::TenantId.eq(tenant.uuid())).count(db).await?)
}

/// Changes an endpoint, unless it was changed since `seen`; `false` if it was, or is gone.
pub async fn update(tx: &Tx, tenant: TenantId, endpoint: &Endpoint, seen: Timestamp) -> Result<bool, StoreError> {
    let status = entity::control::webhook_endpoints::EndpointStatus::from(endpoint.status);
    let updated = Entity::update_many()
        .col_expr(Column::Url, Expr::value(endpoint.details.url.as_str()))
        .col_expr(Column::Description, Expr::value(endpoint.details.description.as_str()))
        .col_expr(Column::Types, Expr::value(TYPES.write_json(&endpoint.details.types)?))
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::UpdatedAt, Expr::value(endpoint.updated_at.millis()))
        .filter(this(tenant, endpoint.id))
        .filter(Column::UpdatedAt.eq(seen.millis()))
        .exec(tx)
        .await?;
    Ok(updated.rows_affected > 0)
}

/// Gives an endpoint other secrets; `false` if it is gone.
pub async fn set_secrets(
    tx: &Tx,
    tenant: TenantId,
    id: EndpointId,
    secrets: SealedSecrets,
) -> Result<bool, StoreError> {
    let (former, until) = secrets.former.map(|(former, until)| (former, until.millis())).unzip();
    let updated = Entity::update_many()
        .col_expr(Column::SealedSecret, Expr::value(secrets.current))
        .col_expr(Column::FormerSealedSecret, Expr::value(former))
        .col_expr(Column::FormerUntil, Expr::value(until))
        .filter(this(tenant, id))
        .exec(tx)
        .await?;
    Ok(updated.rows_affected > 0)
}

/// Deletes an endpoint; `false` if there is none.
pub async fn delete(tx: &Tx, tenant: TenantId, id: EndpointId) -> Result<bool, StoreError> {
    Ok(Entity::delete_many().filter(this(tenant, id)).exec(tx).await?.rows_affected > 0)
}
