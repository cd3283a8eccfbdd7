//! Tenants: the rows that everything else belongs to.

use sea_orm::entity::prelude::*;

/// Whether a tenant is in service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum TenantStatus {
    /// In service.
    #[sea_orm(string_value = "active")]
    Active,
    /// Everything is refused.
    #[sea_orm(string_value = "suspended")]
    Suspended,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenants")]
pub struct Model {
    /// The tenant; the nil UUID is the default tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its name in paths: `/t/{slug}`. Unique.
    #[sea_orm(column_type = "Text")]
    pub slug: String,
    /// Its issuer, frozen when it is created. Unique.
    #[sea_orm(column_type = "Text")]
    pub issuer: String,
    /// Its name for people.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// Whether it is in service.
    pub status: TenantStatus,
    /// Its settings, one typed document.
    #[sea_orm(column_type = "JsonBinary")]
    pub settings: Json,
    /// Sessions and grants from before don't count. Unix milliseconds.
    pub sessions_since: Option<i64>,
    /// When the row was made. Unix milliseconds.
    pub created_at: i64,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
