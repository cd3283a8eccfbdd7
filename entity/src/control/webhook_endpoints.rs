//! Where a tenant wants to be told of its events.

use sea_orm::entity::prelude::*;

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum EndpointStatus {
    /// It is.
    #[sea_orm(string_value = "active")]
    Active,
    /// It isn't.
    #[sea_orm(string_value = "disabled")]
    Disabled,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoints")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The endpoint; UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub endpoint_id: Uuid,
    /// Its address.
    #[sea_orm(column_type = "Text")]
    pub url: String,
    /// What it is for.
    #[sea_orm(column_type = "Text")]
    pub description: String,
    /// Of what it is told: a list of types; an empty one stands for all.
    #[sea_orm(column_type = "JsonBinary")]
    pub types: Json,
    /// Whether it is told.
    pub status: EndpointStatus,
    /// What messages are signed with, sealed.
    #[sea_orm(column_type = "Blob")]
    pub sealed_secret: Vec<u8>,
    /// What they are signed with as well for a while, sealed.
    #[sea_orm(column_type = "Blob", nullable)]
    pub former_sealed_secret: Option<Vec<u8>>,
    /// Until when. Unix milliseconds.
    pub former_until: Option<i64>,
    /// When it was made. Unix milliseconds.
    pub created_at: i64,
    /// When it was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
