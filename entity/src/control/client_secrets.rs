//! Secrets of confidential clients, hashed.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "client_secrets")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Whose it is.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub client_id: String,
    /// The secret.
    #[sea_orm(primary_key, auto_increment = false)]
    pub secret_id: Uuid,
    /// SHA-256 of the secret, 32 bytes.
    #[sea_orm(column_type = "Blob")]
    pub secret_hash: Vec<u8>,
    /// The secret itself, sealed, where it signs.
    #[sea_orm(column_type = "Blob", nullable)]
    pub sealed_secret: Option<Vec<u8>>,
    /// When it was made. Unix milliseconds.
    pub created_at: i64,
    /// When it stops working, if ever. Unix milliseconds.
    pub expires_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
