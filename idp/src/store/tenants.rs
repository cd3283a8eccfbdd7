//! Tenants.

use entity::control::tenants::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, IntoActiveModel as _, QueryFilter, QueryOrder as _, QuerySelect as _};

use super::change::Change;
use super::error::conflict_on;
use super::row::{Only as _, Place, page};
use super::tx::{Reader, Tx};
use super::{Conflict, StoreError};
use crate::domain::tenant::{Issuer, Slug, Tenant, TenantSettings, TenantStatus};
use crate::domain::{TenantId, Timestamp};

const SETTINGS: Place = Place("tenants", "settings");

impl TryFrom<Model> for Tenant {
    type Error = StoreError;

    fn try_from(row: Model) -> Result<Self, StoreError> {
        Ok(Self {
            id: TenantId::from_uuid(row.tenant_id),
            slug: Place("tenants", "slug").parse(row.slug)?,
            issuer: Place("tenants", "issuer").parse(row.issuer)?,
            name: row.name,
            status: row.status.into(),
            settings: SETTINGS.read_json(row.settings)?,
            sessions_since: row.sessions_since.map(Timestamp::from_millis),
            created_at: Timestamp::from_millis(row.created_at),
            updated_at: Timestamp::from_millis(row.updated_at),
        })
    }
}

/// Adds a tenant.
///
/// # Errors
/// [`Conflict::Slug`], [`Conflict::Issuer`].
pub async fn insert(tx: &Tx, tenant: &Tenant) -> Result<(), StoreError> {
    let row = Model {
        tenant_id: tenant.id.uuid(),
        slug: tenant.slug.to_string(),
        issuer: tenant.issuer.to_string(),
        name: tenant.name.clone(),
        status: tenant.status.into(),
        settings: SETTINGS.write_json(&tenant.settings)?,
        sessions_since: tenant.sessions_since.map(Timestamp::millis),
        created_at: tenant.created_at.millis(),
        updated_at: tenant.updated_at.millis(),
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx)
        .await
        .map_err(|error| conflict_on(error, &[("slug", Conflict::Slug), ("issuer", Conflict::Issuer)]))?;
    tx.invalidate(Change::Tenant(tenant.id));
    Ok(())
}

/// The tenant of this id.
pub async fn find_by_id(db: &impl Reader, id: TenantId) -> Result<Option<Tenant>, StoreError> {
    Entity::find_by_id(id.uuid()).only(db).await?.map(Tenant::try_from).transpose()
}

/// The tenant of this name.
pub async fn find_by_slug(db: &impl Reader, slug: &Slug) -> Result<Option<Tenant>, StoreError> {
    Entity::find().filter(Column::Slug.eq(slug.as_str())).only(db).await?.map(Tenant::try_from).transpose()
}

/// The tenant whose issuer this is.
pub async fn find_by_issuer(db: &impl Reader, issuer: &Issuer) -> Result<Option<Tenant>, StoreError> {
    Entity::find().filter(Column::Issuer.eq(issuer.as_str())).only(db).await?.map(Tenant::try_from).transpose()
}

/// Tenants in order of their ids, from the one after `after`; at most 1000.
pub async fn list(db: &impl Reader, after: Option<TenantId>, limit: u64) -> Result<Vec<Tenant>, StoreError> {
    let mut query = Entity::find().order_by_asc(Column::TenantId).limit(page(limit));
    if let Some(after) = after {
        query = query.filter(Column::TenantId.gt(after.uuid()));
    }
    query.all(db).await?.into_iter().map(Tenant::try_from).collect()
}

/// Suspends a tenant or brings it back; `false` if there is no such tenant.
pub async fn set_status(tx: &Tx, id: TenantId, status: TenantStatus, now: Timestamp) -> Result<bool, StoreError> {
    let status = entity::control::tenants::TenantStatus::from(status);
    let changed = Entity::update_many()
        .col_expr(Column::Status, Expr::value(status))
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(id.uuid()))
        .exec(tx)
        .await?;
    tx.invalidate(Change::Tenant(id));
    Ok(changed.rows_affected > 0)
}

/// Changes what administrators may change; `false` if there is no such tenant.
pub async fn update(
    tx: &Tx,
    id: TenantId,
    name: &str,
    settings: &TenantSettings,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let changed = Entity::update_many()
        .col_expr(Column::Name, Expr::value(name))
        .col_expr(Column::Settings, Expr::value(SETTINGS.write_json(settings)?))
        .col_expr(Column::UpdatedAt, Expr::value(now.millis()))
        .filter(Column::TenantId.eq(id.uuid()))
        .exec(tx)
        .await?;
    tx.invalidate(Change::Tenant(id));
    Ok(changed.rows_affected > 0)
}
