//! The queue of messages to others, as it is.

use entity::control::deliveries::{Column, Entity};
use idp::domain::TenantId;
use idp::domain::delivery::Delivery;
use idp::store::Database;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// A tenant's messages, whoever they are for, the oldest first.
pub(crate) async fn queue(database: &Database, tenant: TenantId) -> Vec<Delivery> {
    let theirs = Entity::find().filter(Column::TenantId.eq(tenant.uuid())).order_by_asc(Column::DeliveryId);
    let rows = theirs.all(database.read()).await.unwrap();
    rows.into_iter().map(|row| row.try_into().unwrap()).collect()
}
