//! Authorization codes, hashed (RFC 6749 §4.1.2).

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "authorization_codes")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// SHA-256 of the code, 32 bytes.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Blob")]
    pub code_hash: Vec<u8>,
    /// For whom.
    #[sea_orm(column_type = "Text")]
    pub client_id: String,
    /// Who signed in.
    pub user_id: Uuid,
    /// In which session.
    pub session_id: Uuid,
    /// The grant that it stands for.
    pub grant_id: Uuid,
    /// What it is bound to and carries, one typed document.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
    /// When it was issued. Unix milliseconds.
    pub created_at: i64,
    /// When it stops working. Unix milliseconds.
    pub expires_at: i64,
    /// When it was used. Unix milliseconds.
    pub redeemed_at: Option<i64>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
