//! Rows of a tenant or of a client that were ended all at once and are left to be swept up.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sweeps")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The sweep; in order of time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub sweep_id: Uuid,
    /// Whose grants; all sessions and grants of the tenant where there is none.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_id: Option<String>,
    /// Why they ended.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// What began until then has ended. Unix milliseconds.
    pub until: i64,
    /// Who ended it.
    #[sea_orm(column_type = "Text", nullable)]
    pub actor: Option<String>,
    /// The network address that this came from.
    #[sea_orm(column_type = "Text", nullable)]
    pub address: Option<String>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
