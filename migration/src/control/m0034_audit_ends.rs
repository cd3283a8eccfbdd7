//! What the ends of an audit log are held against: how many lines there are from before it was a chain, and how old the
//! last line was that was removed for its age.

use sea_orm_migration::prelude::*;

use super::table::{instant, optional};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Each tenant has a head from here on: lines without one would have been added from outside.
const HEADS: &str = "INSERT INTO ledger_heads (tenant_id, event_position)
    SELECT tenant_id, 0 FROM tenants
    WHERE NOT EXISTS (SELECT 1 FROM ledger_heads WHERE ledger_heads.tenant_id = tenants.tenant_id)";

const COUNT: &str = "UPDATE ledger_heads SET audit_unchained = (
    SELECT count(*) FROM audit_events
    WHERE audit_events.tenant_id = ledger_heads.tenant_id AND audit_events.sequence IS NULL)";

/// Of lines that are gone nobody knows any more how old they were.
const ANCHORS: &str = "UPDATE ledger_heads SET audit_anchor_at = 0 WHERE audit_anchor_sequence > 0";

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let count = ColumnDef::new("audit_unchained").big_integer().not_null().default(0).take();
        for column in [optional(instant("audit_anchor_at")), count] {
            manager.alter_table(Table::alter().table("ledger_heads").add_column(column).take()).await?;
        }
        for statement in [HEADS, COUNT, ANCHORS] {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
