//! What waits to be sent to others: the queue that messages about a change are put into with the change itself.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, count, index, instant, json, one_of, optional, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let deliveries = table("deliveries", &["tenant_id", "delivery_id"])
            .col(uuid("delivery_id"))
            .col(one_of("kind", &["backchannel_logout", "webhook"]))
            .col(text("target"))
            .col(optional(text("subject")))
            .col(json("payload"))
            .col(one_of("state", &["pending", "dead"]))
            .col(count("attempts"))
            .col(instant("next_attempt_at"))
            .col(instant("created_at"))
            .col(optional(text("last_error")))
            .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
            .take();
        manager.create_table(deliveries).await?;
        let in_state = |state: &'static str| Expr::col("state").eq(state);
        let due = index("deliveries", "deliveries_next_attempt_at_idx", &["next_attempt_at"])
            .and_where(in_state("pending"))
            .take();
        manager.create_index(due).await?;
        // Of several about the same thing the first goes first.
        let order = index("deliveries", "deliveries_subject_idx", &["tenant_id", "target", "subject", "delivery_id"]);
        manager.create_index(order).await?;
        // For housekeeping, and for whoever looks them through; few are dead.
        let dead = index("deliveries", "deliveries_created_at_idx", &["created_at"]).and_where(in_state("dead")).take();
        manager.create_index(dead).await
    }
}
