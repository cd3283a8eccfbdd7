//! How long a session may rest and which way it began, and access tokens that were revoked one by one.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, instant, one_of, sha256, table};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// What sessions that were there before might rest for: 72 hours.
const IDLE: i64 = 72 * 3_600_000;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let origin = one_of("origin", &["page", "first_party"]).default("page").take();
        let idle = ColumnDef::new("idle_timeout").big_integer().not_null().default(IDLE).take();
        for column in [origin, idle] {
            manager.alter_table(Table::alter().table("sessions").add_column(column).take()).await?;
        }
        let denied = table("denied_tokens", &["tenant_id", "jti_hash"])
            .col(sha256("jti_hash"))
            .col(instant("expires_at"))
            .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
            .take();
        manager.create_table(denied).await?;
        manager.create_index(index("denied_tokens", "denied_tokens_expires_at_idx", &["expires_at"])).await
    }
}
