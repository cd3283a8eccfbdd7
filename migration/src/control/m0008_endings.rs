//! Ending all that a tenant or a client has at once: from when on it counts, and the rows that are left to be swept up.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, instant, optional, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (owner, column) in [("tenants", "sessions_since"), ("clients", "grants_since")] {
            manager.alter_table(Table::alter().table(owner).add_column(optional(instant(column))).take()).await?;
        }
        let sweeps = table("sweeps", &["tenant_id", "sweep_id"])
            .col(uuid("sweep_id"))
            .col(optional(text("client_id")))
            .col(text("reason"))
            .col(instant("until"))
            .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
            .take();
        manager.create_table(sweeps).await
    }
}
