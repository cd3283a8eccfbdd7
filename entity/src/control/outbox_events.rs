//! Events that are told to others.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox_events")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its place in the tenant's order, without gaps; the first is 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i64,
    /// The event; UUID v7.
    pub event_id: Uuid,
    /// What happened: `auth:session.created`.
    #[sea_orm(column_name = "type", column_type = "Text")]
    pub kind: String,
    /// Whom or what it is about: events of one subject are delivered in order.
    #[sea_orm(column_type = "Text")]
    pub subject: String,
    /// When. Unix milliseconds.
    pub at: i64,
    /// What is told of it.
    #[sea_orm(column_type = "JsonBinary")]
    pub payload: Json,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
