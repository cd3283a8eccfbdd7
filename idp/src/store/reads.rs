//! Connections to read from, whose every statement has a deadline.
//!
//! A database that is gone refuses; one that is frozen, or cut off without a word, says nothing, and the driver waits for
//! it for ever. So each statement ends after a while, and whoever asked is told that the database isn't available.

use std::time::Duration;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, DbErr, ExecResult, QueryResult, RuntimeErr, Statement};

use super::tx::Reader;

/// Pooled connections to read from. A statement that changes rows is refused.
#[derive(Debug)]
pub struct Reads {
    pool: DatabaseConnection,
    limit: Duration,
}

impl Reads {
    /// Connections of this pool; a statement may take so long, the wait for a connection included.
    pub(super) fn new(pool: DatabaseConnection, limit: Duration) -> Self {
        Self { pool, limit }
    }

    /// The pool itself, for what has a deadline of its own.
    pub(super) fn pool(&self) -> &DatabaseConnection {
        &self.pool
    }

    async fn within<T>(&self, asking: impl Future<Output = Result<T, DbErr>>) -> Result<T, DbErr> {
        tokio::time::timeout(self.limit, asking).await.unwrap_or_else(|_| Err(late()))
    }
}

fn read_only() -> DbErr {
    DbErr::Custom("this connection only reads; changes take a transaction of `Database::write`".to_owned())
}

fn late() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the database takes too long to answer".to_owned()))
}

impl Reader for Reads {}

#[async_trait]
impl ConnectionTrait for Reads {
    fn get_database_backend(&self) -> DbBackend {
        self.pool.get_database_backend()
    }

    async fn execute_raw(&self, _statement: Statement) -> Result<ExecResult, DbErr> {
        Err(read_only())
    }

    async fn execute_unprepared(&self, _sql: &str) -> Result<ExecResult, DbErr> {
        Err(read_only())
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.within(self.pool.query_one_raw(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.within(self.pool.query_all_raw(statement)).await
    }
}
