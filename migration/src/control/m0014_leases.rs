//! Which node runs a job of the background.

use sea_orm_migration::prelude::*;

use super::table::{instant, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Of no tenant's: a job is for the installation, so that the tenant is always nil, as in `change_counter`.
        let leases = table("leases", &["tenant_id", "name"])
            .col(text("name"))
            .col(uuid("holder"))
            .col(instant("expires_at"))
            .take();
        manager.create_table(leases).await
    }
}
