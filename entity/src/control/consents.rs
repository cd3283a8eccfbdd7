//! What people allowed clients, so that they are not asked twice.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Who allowed it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    /// Whom.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub client_id: String,
    /// The scopes, separated by spaces.
    #[sea_orm(column_type = "Text")]
    pub scope: String,
    /// When the row was made. Unix milliseconds.
    pub created_at: i64,
    /// When the row was last changed. Unix milliseconds.
    pub updated_at: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
