//! Applications that get tokens.

use sea_orm::entity::prelude::*;

/// Whether a client may get tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum ClientStatus {
    /// May get tokens.
    #[sea_orm(string_value = "active")]
    Active,
    /// Switched off.
    #[sea_orm(string_value = "disabled")]
    Disabled,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "clients")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The identifier (RFC 6749 §2.2).
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub client_id: String,
    /// Whether it may get tokens.
    pub status: ClientStatus,
    /// Its name for people.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// RFC 7591 metadata and Signet's own settings, one typed document.
    #[sea_orm(column_type = "JsonBinary")]
    pub metadata: Json,
    /// Grants from before don't count. Unix milliseconds.
    pub grants_since: Option<i64>,
    /// When the row was made. Unix milliseconds.
    pub created_at: i64,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
