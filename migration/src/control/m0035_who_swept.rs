//! Who ended all that a tenant or a client had at once, so that the end of each session tells it too.

use sea_orm_migration::prelude::*;

use super::table::{optional, text};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["actor", "address"] {
            manager.alter_table(Table::alter().table("sweeps").add_column(optional(text(column))).take()).await?;
        }
        Ok(())
    }
}
