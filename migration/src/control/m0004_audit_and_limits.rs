//! The audit log, the limits on sign-in attempts, and the client assertions that were used.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, count, index, instant, json, one_of, optional, sha256, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        audit_events(manager).await?;
        sign_in_limits(manager).await?;
        client_assertion_jtis(manager).await
    }
}

async fn audit_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Users and clients are named without a foreign key: the record outlives them.
    let events = table("audit_events", &["tenant_id", "event_id"])
        .col(uuid("event_id"))
        .col(instant("at"))
        .col(text("kind"))
        .col(one_of("outcome", &["success", "refused", "failed"]))
        .col(optional(text("actor")))
        .col(optional(uuid("user_id")))
        .col(optional(text("client_id")))
        .col(optional(text("address")))
        .col(json("detail"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(events).await?;
    manager.create_index(index("audit_events", "audit_events_at_idx", &["tenant_id", "at"])).await
}

async fn sign_in_limits(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let limits = table("sign_in_limits", &["tenant_id", "kind", "subject_hash"])
        .col(one_of("kind", &["account", "address"]))
        .col(sha256("subject_hash"))
        .col(count("failures"))
        .col(instant("window_started_at"))
        .col(optional(instant("blocked_until")))
        .col(instant("updated_at"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(limits).await?;
    manager.create_index(index("sign_in_limits", "sign_in_limits_updated_at_idx", &["updated_at"])).await
}

async fn client_assertion_jtis(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let assertions = table("client_assertion_jtis", &["tenant_id", "client_id", "jti_hash"])
        .col(text("client_id"))
        .col(sha256("jti_hash"))
        .col(instant("expires_at"))
        .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
        .take();
    manager.create_table(assertions).await?;
    manager.create_index(index("client_assertion_jtis", "client_assertion_jtis_expires_at_idx", &["expires_at"])).await
}
