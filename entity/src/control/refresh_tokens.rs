//! Refresh tokens, hashed: the one that a grant has, and the one before it.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refresh_tokens")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The grant that it renews the tokens of.
    #[sea_orm(primary_key, auto_increment = false)]
    pub grant_id: Uuid,
    /// SHA-256 of the token, 32 bytes.
    #[sea_orm(column_type = "Blob")]
    pub token_hash: Vec<u8>,
    /// SHA-256 of the token that it took the place of, 32 bytes.
    #[sea_orm(column_type = "Blob", nullable)]
    pub former_hash: Option<Vec<u8>>,
    /// When the first one was given. Unix milliseconds.
    pub created_at: i64,
    /// When it took the other's place. Unix milliseconds.
    pub rotated_at: Option<i64>,
    /// When it stops working unless it is used before. Unix milliseconds.
    pub expires_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
