//! The lock between processes that migrate at the same time; sea-orm has none of its own.
//!
//! It lives as long as the transaction that the steps run in, so a process that dies gives it back. This is one of the
//! two places where the databases need different words.

use sea_orm_migration::sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

use crate::MigrationError;

/// An arbitrary number that means "Signet's schema" among the advisory locks of a PostgreSQL database.
const ADVISORY_KEY: i64 = 0x5369_676e_6574_0001;

/// Begins the transaction that holds the lock. Waits for another process: a minute on PostgreSQL, the connection's
/// `busy_timeout` on SQLite.
pub(crate) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, MigrationError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Exclusive),
        ..TransactionOptions::default()
    };
    let transaction = db.begin_with_options(options).await.map_err(MigrationError::Locked)?;
    if transaction.get_database_backend() == DbBackend::Postgres {
        let take = format!("SET LOCAL lock_timeout = '60s'; SELECT pg_advisory_xact_lock({ADVISORY_KEY})");
        transaction.execute_unprepared(&take).await.map_err(MigrationError::Locked)?;
    }
    Ok(transaction)
}
