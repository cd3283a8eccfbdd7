//! How far each way of delivery has come with a tenant's events.

use sea_orm::entity::prelude::*;

/// A way of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum EventConsumer {
    /// Redis channels.
    #[sea_orm(string_value = "redis")]
    Redis,
    /// The queues of webhooks.
    #[sea_orm(string_value = "webhooks")]
    Webhooks,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "event_cursors")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Which way.
    #[sea_orm(primary_key, auto_increment = false)]
    pub consumer: EventConsumer,
    /// The place of the last event that it took.
    pub position: i64,
    /// The node that is delivering.
    pub claimed_by: Option<Uuid>,
    /// Until when nobody else does. Unix milliseconds.
    pub claimed_until: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
