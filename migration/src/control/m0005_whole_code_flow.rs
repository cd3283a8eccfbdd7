//! What the whole code flow needs: the account that was chosen, the claims that were asked for, secrets that sign, and
//! the salt of pairwise subjects.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, bytes, instant, json, optional, table, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        add(manager, "authorization_flows", optional(uuid("chosen_session_id"))).await?;
        add(manager, "grants", optional(json("claims"))).await?;
        add(manager, "client_secrets", optional(bytes("sealed_secret"))).await?;
        let salts = table("pairwise_salts", &["tenant_id"])
            .col(bytes("sealed_salt"))
            .col(instant("created_at"))
            .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
            .take();
        manager.create_table(salts).await
    }
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    manager.alter_table(Table::alter().table(table).add_column(column).take()).await
}
