//! Refresh tokens: a row for each grant that has one, and what a grant's later tokens say of the sign-in.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, instant, json, optional, sha256, table, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let offline = ColumnDef::new("offline").boolean().not_null().default(false).take();
        for column in [offline, optional(json("authentication"))] {
            manager.alter_table(Table::alter().table("grants").add_column(column).take()).await?;
        }
        let tokens = table("refresh_tokens", &["tenant_id", "grant_id"])
            .col(uuid("grant_id"))
            .col(sha256("token_hash"))
            .col(optional(sha256("former_hash")))
            .col(instant("created_at"))
            .col(optional(instant("rotated_at")))
            .col(instant("expires_at"))
            .foreign_key(&mut belongs_to("grants", &["tenant_id", "grant_id"]))
            .take();
        manager.create_table(tokens).await?;
        manager.create_index(index("refresh_tokens", "refresh_tokens_expires_at_idx", &["expires_at"])).await
    }
}
