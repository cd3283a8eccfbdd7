//! Events on their way out: what happened, in order, how far each way of delivery has come, and the head of what a
//! tenant writes in order.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, instant, json, one_of, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ledger_heads(manager).await?;
        outbox_events(manager).await?;
        event_cursors(manager).await
    }
}

async fn ledger_heads(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let heads = table("ledger_heads", &["tenant_id"])
        .col(position("event_position"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(heads).await?;
    let tenants = Query::select().column("tenant_id").expr(Expr::val(0)).from("tenants").take();
    let mut first = Query::insert();
    first.into_table("ledger_heads").columns(["tenant_id", "event_position"]);
    first.select_from(tenants).map_err(|error| DbErr::Custom(error.to_string()))?;
    manager.execute(first).await
}

async fn outbox_events(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    // Whom an event is about is named without a foreign key: that somebody was deleted is told as well.
    let events = table("outbox_events", &["tenant_id", "position"])
        .col(position("position"))
        .col(uuid("event_id"))
        .col(text("type"))
        .col(text("subject"))
        .col(instant("at"))
        .col(json("payload"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(events).await?;
    manager.create_index(index("outbox_events", "outbox_events_at_idx", &["at"])).await
}

async fn event_cursors(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let cursors = table("event_cursors", &["tenant_id", "consumer"])
        .col(one_of("consumer", &["redis", "webhooks"]))
        .col(position("position"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(cursors).await
}

/// A place in a tenant's order; the first is 1.
fn position(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().check(Expr::col(name).gte(0)).take()
}
