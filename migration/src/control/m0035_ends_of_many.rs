//! Ends of many things at once: who made one, what it finds its rows by, and who is to hear of a session's end though
//! what it was given is gone.

use sea_orm_migration::prelude::*;

use super::table::{belongs_to, index, optional, table, text, uuid};

/// The step.
#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// Rows that are over are many more than those that aren't: an end doesn't pass over them.
const RUNNING: [&str; 3] = [
    "CREATE INDEX sessions_running_idx ON sessions (tenant_id, created_at) WHERE ended_at IS NULL",
    "CREATE INDEX grants_running_idx ON grants (tenant_id, created_at) WHERE revoked_at IS NULL",
    "CREATE INDEX grants_running_of_client_idx ON grants (tenant_id, client_id, created_at) WHERE revoked_at IS NULL",
];

const CLIENTS: &str = "INSERT INTO session_clients (tenant_id, session_id, client_id)
    SELECT DISTINCT grants.tenant_id, grants.session_id, grants.client_id FROM grants
    JOIN sessions ON sessions.tenant_id = grants.tenant_id AND sessions.session_id = grants.session_id";

#[expect(elided_lifetimes_in_paths, reason = "`async_trait` wants it written as in the trait")]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["actor", "address"] {
            manager.alter_table(Table::alter().table("sweeps").add_column(optional(text(column))).take()).await?;
        }
        let clients = table("session_clients", &["tenant_id", "session_id", "client_id"])
            .col(uuid("session_id"))
            .col(text("client_id"))
            .foreign_key(&mut belongs_to("sessions", &["tenant_id", "session_id"]))
            .foreign_key(&mut belongs_to("clients", &["tenant_id", "client_id"]))
            .take();
        manager.create_table(clients).await?;
        manager
            .create_index(index("session_clients", "session_clients_client_id_idx", &["tenant_id", "client_id"]))
            .await?;
        for statement in RUNNING.into_iter().chain([CLIENTS]) {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        Ok(())
    }
}
