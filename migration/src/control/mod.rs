//! Steps of the control plane, oldest first.

mod m0001_tenants_and_users;
mod m0002_clients_and_keys;
mod m0003_sessions_and_codes;
mod m0004_audit_and_limits;
mod m0005_whole_code_flow;
mod m0006_refresh_tokens;
mod m0007_deliveries;
mod m0008_endings;
mod m0009_session_policies;
mod m0011_account_console;
mod m0012_events;
mod m0013_chain_and_webhooks;
mod m0014_leases;
mod m0017_lapsed_sessions;
mod m0018_client_origins;
mod m0034_audit_ends;
mod m0035_ends_of_many;
mod m0038_what_a_person_has;
mod table;

use sea_orm_migration::sea_orm::{ConnectionTrait, DbErr, DynIden};
use sea_orm_migration::sea_query::{IntoIden, Order, Query};
use sea_orm_migration::{IntoSchemaManagerConnection, MigrationTrait, MigratorTrait, SchemaManager};

const HISTORY: &str = "signet_migrations";

/// The history of the control plane's schema.
pub(crate) struct ControlPlane;

impl MigratorTrait for ControlPlane {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tenants_and_users::Migration),
            Box::new(m0002_clients_and_keys::Migration),
            Box::new(m0003_sessions_and_codes::Migration),
            Box::new(m0004_audit_and_limits::Migration),
            Box::new(m0005_whole_code_flow::Migration),
            Box::new(m0006_refresh_tokens::Migration),
            Box::new(m0007_deliveries::Migration),
            Box::new(m0008_endings::Migration),
            Box::new(m0009_session_policies::Migration),
            Box::new(m0011_account_console::Migration),
            Box::new(m0012_events::Migration),
            Box::new(m0013_chain_and_webhooks::Migration),
            Box::new(m0014_leases::Migration),
            Box::new(m0017_lapsed_sessions::Migration),
            Box::new(m0018_client_origins::Migration),
            Box::new(m0034_audit_ends::Migration),
            Box::new(m0035_ends_of_many::Migration),
            Box::new(m0038_what_a_person_has::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        HISTORY.into_iden()
    }
}

/// Names of the steps that a database has, oldest first; none when it is empty. Reads only.
pub(crate) async fn applied<'c>(db: impl IntoSchemaManagerConnection<'c>) -> Result<Vec<String>, DbErr> {
    let manager = SchemaManager::new(db);
    if !manager.has_table(HISTORY).await? {
        return Ok(Vec::new());
    }
    let names = Query::select().column("version").from(HISTORY).order_by("version", Order::Asc).take();
    manager.get_connection().query_all(&names).await?.iter().map(|row| row.try_get("", "version")).collect()
}
