//! What comes of a sign-in: sessions, grants, consents, authorization flows and codes.
//!
//! `session_id` refers without a foreign key: a grant and a code's record may outlive the session's row.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, instant, json, one_of, optional, sha256, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sessions(manager).await?;
        grants(manager).await?;
        consents(manager).await?;
        authorization_flows(manager).await?;
        authorization_codes(manager).await
    }
}

async fn sessions(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let sessions = table("sessions", &["tenant_id", "session_id"])
        .col(uuid("session_id"))
        .col(uuid("user_id"))
        .col(sha256("secret_hash"))
        .col(instant("auth_time"))
        .col(json("amr"))
        .col(optional(text("acr")))
        .col(optional(text("user_agent")))
        .col(optional(text("address")))
        .col(instant("created_at"))
        .col(instant("last_seen_at"))
        .col(instant("expires_at"))
        .col(optional(instant("ended_at")))
        .foreign_key(&mut belongs_to("users", &["tenant_id", "user_id"]))
        .take();
    manager.create_table(sessions).await?;
    let secret = index("sessions", "sessions_secret_hash_key", &["tenant_id", "secret_hash"]).unique().take();
    manager.create_index(secret).await?;
    manager.create_index(index("sessions", "sessions_user_id_idx", &["tenant_id", "user_id"])).await?;
    manager.create_index(index("sessions", "sessions_expires_at_idx", &["expires_at"])).await
}

async fn grants(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let grants = table("grants", &["tenant_id", "grant_id"])
        .col(uuid("grant_id"))
        .col(uuid("user_id"))
        .col(text("client_id"))
        .col(optional(uuid("session_id")))
        .col(text("scope"))
        .col(instant("created_at"))
        .col(optional(instant("expires_at")))
        .col(optional(instant("revoked_at")))
        .foreign_key(&mut belongs_to("users", &["tenant_id", "user_id"]))
        .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
        .take();
    manager.create_table(grants).await?;
    manager.create_index(index("grants", "grants_user_id_idx", &["tenant_id", "user_id"])).await?;
    manager.create_index(index("grants", "grants_session_id_idx", &["tenant_id", "session_id"])).await?;
    manager.create_index(index("grants", "grants_client_id_idx", &["tenant_id", "client_id"])).await?;
    manager.create_index(index("grants", "grants_expires_at_idx", &["expires_at"])).await?;
    // For housekeeping; few grants are revoked.
    let revoked = index("grants", "grants_revoked_at_idx", &["revoked_at"])
        .and_where(Expr::col("revoked_at").is_not_null())
        .take();
    manager.create_index(revoked).await
}

async fn consents(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let consents = table("consents", &["tenant_id", "user_id", "client_id"])
        .col(uuid("user_id"))
        .col(text("client_id"))
        .col(text("scope"))
        .col(instant("created_at"))
        .col(instant("updated_at"))
        .foreign_key(&mut belongs_to("users", &["tenant_id", "user_id"]))
        .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
        .take();
    manager.create_table(consents).await?;
    manager.create_index(index("consents", "consents_client_id_idx", &["tenant_id", "client_id"])).await
}

async fn authorization_flows(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let flows = table("authorization_flows", &["tenant_id", "flow_id"])
        .col(uuid("flow_id"))
        .col(text("client_id"))
        .col(json("request"))
        .col(optional(sha256("browser_hash")))
        .col(optional(uuid("session_id")))
        .col(one_of("state", &["open", "completed", "refused"]))
        .col(instant("created_at"))
        .col(instant("expires_at"))
        .foreign_key(&mut belongs_to("tenants", &["tenant_id"]))
        .take();
    manager.create_table(flows).await?;
    manager.create_index(index("authorization_flows", "authorization_flows_expires_at_idx", &["expires_at"])).await
}

async fn authorization_codes(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let codes = table("authorization_codes", &["tenant_id", "code_hash"])
        .col(sha256("code_hash"))
        .col(text("client_id"))
        .col(uuid("user_id"))
        .col(uuid("session_id"))
        .col(uuid("grant_id"))
        .col(json("detail"))
        .col(instant("created_at"))
        .col(instant("expires_at"))
        .col(optional(instant("redeemed_at")))
        .foreign_key(&mut belongs_to("users", &["tenant_id", "user_id"]))
        .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
        .take();
    manager.create_table(codes).await?;
    manager
        .create_index(index("authorization_codes", "authorization_codes_user_id_idx", &["tenant_id", "user_id"]))
        .await?;
    manager
        .create_index(index("authorization_codes", "authorization_codes_client_id_idx", &["tenant_id", "client_id"]))
        .await?;
    manager.create_index(index("authorization_codes", "authorization_codes_expires_at_idx", &["expires_at"])).await
}
