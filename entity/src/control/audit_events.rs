//! What happened, for those who must answer for it.

use sea_orm::entity::prelude::*;

/// How an audited action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "Text")]
pub enum AuditOutcome {
    /// It was done.
    #[sea_orm(string_value = "success")]
    Success,
    /// It was refused.
    #[sea_orm(string_value = "refused")]
    Refused,
    /// It failed.
    #[sea_orm(string_value = "failed")]
    Failed,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The event; UUID v7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub event_id: Uuid,
    /// When. Unix milliseconds.
    pub at: i64,
    /// What: a dotted name such as `sign_in.password`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// Who did it.
    #[sea_orm(column_type = "Text", nullable)]
    pub actor: Option<String>,
    /// To which user.
    pub user_id: Option<Uuid>,
    /// By or to which client.
    #[sea_orm(column_type = "Text", nullable)]
    pub client_id: Option<String>,
    /// From which address.
    #[sea_orm(column_type = "Text", nullable)]
    pub address: Option<String>,
    /// The rest.
    #[sea_orm(column_type = "JsonBinary")]
    pub detail: Json,
    /// Its place in the tenant's chain, without gaps; absent in lines from before there was one.
    pub sequence: Option<i64>,
    /// SHA-256 over the hash of the line before and all of this one, 32 bytes.
    #[sea_orm(column_type = "Blob", nullable)]
    pub hash: Option<Vec<u8>>,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
