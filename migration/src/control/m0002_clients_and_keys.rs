//! Clients with their secrets, and the tenants' signing keys.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, bytes, index, instant, json, one_of, optional, sha256, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        clients(manager).await?;
        client_secrets(manager).await?;
        signing_keys(manager).await
    }
}

async fn clients(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let clients = table("clients", &["tenant_id", "client_id"])
        .col(text("client_id"))
        .col(one_of("status", &["active", "disabled"]))
        .col(text("name"))
        .col(json("metadata"))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(clients).await
}

async fn client_secrets(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let secrets = table("client_secrets", &["tenant_id", "client_id", "secret_id"])
        .col(text("client_id"))
        .col(uuid("secret_id"))
        .col(sha256("secret_hash"))
        .col(instant("created_at"))
        .col(optional(instant("expires_at")))
        .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
        .take();
    manager.create_table(secrets).await
}

async fn signing_keys(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let keys = table("signing_keys", &["tenant_id", "kid"])
        .col(text("kid"))
        .col(text("alg"))
        .col(one_of("state", &["staged", "active", "retiring", "retired"]))
        .col(json("public_jwk"))
        .col(bytes("sealed_private"))
        .col(instant("created_at"))
        .col(instant("staged_at"))
        .col(optional(instant("activated_at")))
        .col(optional(instant("retiring_at")))
        .col(optional(instant("retired_at")))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(keys).await?;
    // Of two nodes that make a tenant's first key at once, one wins.
    let one_active = index("signing_keys", "signing_keys_active_key", &["tenant_id", "alg"])
        .unique()
        .and_where(Expr::col("state").eq("active"))
        .take();
    manager.create_index(one_active).await
}
