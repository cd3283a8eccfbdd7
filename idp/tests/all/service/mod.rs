//! What goes on beneath the endpoints: keys, caches, upkeep, and where secrets must not be.

mod audit_log;
mod cache;
mod client_documents;
mod counted;
mod deliveries;
mod endings;
mod ends_that_hold;
mod explain;
mod keys;
mod leases;
mod outbound;
pub(crate) mod relay;
mod secrets;
mod upkeep;

use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

/// Each row of each table, as text: blobs in hexadecimal.
async fn rows(db: &DatabaseConnection) -> Vec<(String, String)> {
    let postgres = db.get_database_backend() == DbBackend::Postgres;
    let names = if postgres {
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'"
    } else {
        "SELECT name FROM sqlite_master WHERE type = 'table'"
    };
    let mut found = Vec::new();
    for table in texts(db, names, "name").await {
        let sql = if postgres {
            format!("SELECT t::text AS row FROM \"{table}\" AS t")
        } else {
            let columns = texts(db, &format!("PRAGMA table_info(\"{table}\")"), "name").await;
            let columns: Vec<String> = columns.iter().map(|name| format!("quote(\"{name}\")")).collect();
            format!("SELECT {} AS row FROM \"{table}\"", columns.join(" || ',' || "))
        };
        found.extend(texts(db, &sql, "row").await.into_iter().map(|row| (table.clone(), row)));
    }
    found
}

async fn texts(db: &DatabaseConnection, sql: &str, column: &str) -> Vec<String> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get("", column).unwrap()).collect()
}

/// How many rows a table has.
pub(crate) async fn count(db: &DatabaseConnection, table: &str) -> usize {
    rows(db).await.iter().filter(|(name, _)| name == table).count()
}
