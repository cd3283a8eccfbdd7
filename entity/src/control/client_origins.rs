//! Where scripts may come from that call the first-party API: what clients registered, a row an origin.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "client_origins")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The origin (RFC 6454 §6.2).
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub origin: String,
    /// The client that registered it.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub client_id: String,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
