//! Where a tenant's ordered records end. Whoever adds to them takes this row first.

use sea_orm::entity::prelude::*;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "ledger_heads")]
pub struct Model {
    /// The tenant that the row belongs to.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The place of the last event in the outbox; 0 before the first.
    pub event_position: i64,
    /// The place of the last line in the audit log; 0 before the first.
    pub audit_sequence: i64,
    /// Its hash, 32 bytes.
    #[sea_orm(column_type = "Blob", nullable)]
    pub audit_hash: Option<Vec<u8>>,
    /// The place of the last line that was removed because of its age; 0 before that.
    pub audit_anchor_sequence: i64,
    /// Its hash, 32 bytes: the chain goes on from it.
    #[sea_orm(column_type = "Blob", nullable)]
    pub audit_anchor_hash: Option<Vec<u8>>,
    /// When it was written, Unix milliseconds; 0 where that wasn't noted yet.
    pub audit_anchor_at: Option<i64>,
    /// How many lines there are from before the audit log was a chain.
    pub audit_unchained: i64,
}

/// Joins are written where they are needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
