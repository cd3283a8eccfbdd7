//! Where scripts may come from that call the first-party API: what clients registered.

use std::collections::BTreeSet;

use entity::control::client_origins::{Column, Entity, Model};
use entity::control::clients;
use sea_orm::sea_query::{Expr, ExprTrait as _, Query};
use sea_orm::{ColumnTrait as _, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};

use super::StoreError;
use super::row::Place;
use super::tx::{Reader, Tx};
use crate::domain::origin::Origin;
use crate::domain::{ClientId, TenantId};

/// Replaces those of a client, in the transaction of a change of the client.
pub(super) async fn set(
    tx: &Tx,
    tenant: TenantId,
    client: &ClientId,
    origins: &BTreeSet<Origin>,
) -> Result<(), StoreError> {
    let of_client = Column::TenantId.eq(tenant.uuid()).and(Column::ClientId.eq(client.as_str()));
    Entity::delete_many().filter(of_client).exec(tx).await?;
    if origins.is_empty() {
        return Ok(());
    }
    let row =
        |origin: &Origin| Model { tenant_id: tenant.uuid(), origin: origin.to_string(), client_id: client.to_string() };
    let rows = origins.iter().map(|origin| row(origin).into_active_model());
    Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

/// An active client that registered this origin, if there is one.
pub async fn holder(db: &impl Reader, tenant: TenantId, origin: &Origin) -> Result<Option<ClientId>, StoreError> {
    let is_active = Query::select()
        .expr(Expr::value(1))
        .from(clients::Entity)
        .and_where(Expr::col((clients::Entity, clients::Column::TenantId)).equals((Entity, Column::TenantId)))
        .and_where(Expr::col((clients::Entity, clients::Column::ClientId)).equals((Entity, Column::ClientId)))
        .and_where(clients::Column::Status.eq(clients::ClientStatus::Active))
        .take();
    let row = Entity::find()
        .filter(Column::TenantId.eq(tenant.uuid()))
        .filter(Column::Origin.eq(origin.as_str()))
        .filter(Expr::exists(is_active))
        .one(db)
        .await?;
    row.map(|row| Place("client_origins", "client_id").parse(row.client_id)).transpose()
}
