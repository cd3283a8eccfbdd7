//! The audit log becomes a chain: each line has a place and a hash over itself and the line before. Lines from before
//! have neither. The indexes are what it is searched by.
//!
//! Webhooks: where a tenant wants to be told of its events. And which node is telling somebody of them, until when.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, bytes, index, instant, json, one_of, optional, sha256, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        audit_chain(manager).await?;
        webhook_endpoints(manager).await?;
        for column in [optional(uuid("claimed_by")), optional(instant("claimed_until"))] {
            manager.alter_table(Table::alter().table("event_cursors").add_column(column).take()).await?;
        }
        Ok(())
    }
}

async fn webhook_endpoints(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let endpoints = table("webhook_endpoints", &["tenant_id", "endpoint_id"])
        .col(uuid("endpoint_id"))
        .col(text("url"))
        .col(text("description"))
        .col(json("types"))
        .col(one_of("status", &["active", "disabled"]))
        .col(bytes("sealed_secret"))
        .col(optional(bytes("former_sealed_secret")))
        .col(optional(instant("former_until")))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(endpoints).await
}

async fn audit_chain(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let place = |name: &'static str| ColumnDef::new(name).big_integer().null().take();
    let count = |name: &'static str| ColumnDef::new(name).big_integer().not_null().default(0).take();
    for (table, column) in [
        ("audit_events", place("sequence")),
        ("audit_events", optional(sha256("hash"))),
        ("ledger_heads", count("audit_sequence")),
        ("ledger_heads", optional(sha256("audit_hash"))),
        // Where the chain begins since older lines were removed.
        ("ledger_heads", count("audit_anchor_sequence")),
        ("ledger_heads", optional(sha256("audit_anchor_hash"))),
    ] {
        manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
    }
    let chain = index("audit_events", "audit_events_sequence_key", &["tenant_id", "sequence"]).unique().take();
    manager.create_index(chain).await?;
    manager.create_index(index("audit_events", "audit_events_kind_idx", &["tenant_id", "kind", "at"])).await?;
    for (column, name) in [
        ("user_id", "audit_events_user_id_idx"),
        ("client_id", "audit_events_client_id_idx"),
        ("actor", "audit_events_actor_idx"),
        ("address", "audit_events_address_idx"),
    ] {
        let search = Index::create()
            .name(name)
            .table("audit_events")
            .col("tenant_id")
            .col(column)
            .col("at")
            .and_where(Expr::col(column).is_not_null())
            .take();
        manager.create_index(search).await?;
    }
    Ok(())
}
