//! Counters of attempts.

use sea_orm::entity::prelude::*;

/// What attempts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum LimitKind {
    /// By account.
    #[sea_orm(string_value = "account")]
    Account,
    /// By network address.
    #[sea_orm(string_value = "address")]
    Address,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_limits")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// What is counted by.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: LimitKind,
    /// SHA-256 of the account name or the address, 32 bytes.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Blob")]
    pub subject_hash: Vec<u8>,
    /// Attempts that were let through in the window.
    pub failures: i32,
    /// When the window began. Unix milliseconds.
    pub window_started_at: i64,
    /// Until when nothing is let through. Unix milliseconds.
    pub blocked_until: Option<i64>,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
