//! The account console: a flow may lead to one of its pages instead of to a client.

use sea_orm_migration::prelude::*;

use super::table::{optional, text};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let page = optional(text("account_page"));
        manager.alter_table(Table::alter().table("authorization_flows").add_column(page).take()).await
    }
}
