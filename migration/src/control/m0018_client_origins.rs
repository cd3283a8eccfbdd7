//! Where scripts may come from that call the first-party API. A preflight names no client: it is found by its origin.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, table, text};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let origins = table("client_origins", &["tenant_id", "origin", "client_id"])
            .col(text("origin"))
            .col(text("client_id"))
            .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
            .take();
        manager.create_table(origins).await?;
        let of_client = index("client_origins", "client_origins_client_id_idx", &["tenant_id", "client_id"]);
        manager.create_index(of_client).await
    }
}
