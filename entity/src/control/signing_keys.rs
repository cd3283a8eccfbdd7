//! The tenants' key rings.

use sea_orm::entity::prelude::*;

/// Where a key stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum KeyState {
    /// Published, not used.
    #[sea_orm(string_value = "staged")]
    Staged,
    /// Signs.
    #[sea_orm(string_value = "active")]
    Active,
    /// Published, verifies.
    #[sea_orm(string_value = "retiring")]
    Retiring,
    /// Gone from the published set.
    #[sea_orm(string_value = "retired")]
    Retired,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_keys")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// RFC 7638 thumbprint.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub kid: String,
    /// The JWS algorithm that it signs with.
    #[sea_orm(column_type = "Text")]
    pub alg: String,
    /// Where it stands in its life; one key of an algorithm is active.
    pub state: KeyState,
    /// The public half (RFC 7517).
    #[sea_orm(column_type = "JsonBinary")]
    pub public_jwk: Json,
    /// The private half, sealed under the key-encryption key.
    #[sea_orm(column_type = "Blob")]
    pub sealed_private: Vec<u8>,
    /// When it was made. Unix milliseconds.
    pub created_at: i64,
    /// When it was first published. Unix milliseconds.
    pub staged_at: i64,
    /// When it began to sign. Unix milliseconds.
    pub activated_at: Option<i64>,
    /// When it stopped signing. Unix milliseconds.
    pub retiring_at: Option<i64>,
    /// When it was taken out of the published set. Unix milliseconds.
    pub retired_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
