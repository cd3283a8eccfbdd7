//! What can go wrong in the store. The database's own words are in `source()` and in the log, never in `Display`.

use std::fmt;
use std::sync::Arc;

use sea_orm::{DbErr, SqlErr};
use thiserror::Error;

/// What went wrong in the store.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The database can't be used now; it is not known whether it will be.
    #[error("the database is not available")]
    Unavailable(#[source] Reason),
    /// A value that must be unique is taken.
    #[error("{0} is taken")]
    Conflict(Conflict),
    /// A row that the new one refers to doesn't exist, or doesn't exist any more.
    #[error("something that this refers to does not exist")]
    Missing,
    /// A row holds what the domain doesn't allow.
    #[error("column {column} of a row in {table} is not valid")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
}

/// A value that must be unique and is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A tenant's slug.
    Slug,
    /// A tenant's issuer.
    Issuer,
    /// A user's e-mail address.
    Email,
    /// A user's name.
    Username,
    /// A client's identifier.
    ClientId,
    /// Something that only a defect or an attack makes twice.
    Other,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Slug => "the slug",
            Self::Issuer => "the issuer",
            Self::Email => "the e-mail address",
            Self::Username => "the user name",
            Self::ClientId => "the client_id",
            Self::Other => "an identifier",
        })
    }
}

/// Why the database isn't available; for the log.
#[derive(Clone, Debug, Error)]
pub enum Reason {
    /// The database or its driver said so.
    #[error("{0}")]
    Database(Arc<DbErr>),
    /// The URL isn't one of a database that Signet runs on.
    #[error("{0}")]
    Url(&'static str),
    /// The file can't be made or opened.
    #[error("{0}")]
    File(Arc<std::io::Error>),
    /// The bus between nodes doesn't carry.
    #[error("the bus between nodes is not available")]
    Bus,
    /// More writes wait than can be done.
    #[error("the queue of writes is full")]
    QueueFull,
    /// A read or a write took too long. Such a write may be done yet.
    #[error("a write took too long")]
    TimedOut,
    /// A write panicked, or others before it failed so that it was not tried.
    #[error("a write was not done")]
    Undone,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A row that doesn't convert.
    pub(super) fn corrupt(table: &'static str, column: &'static str) -> Self {
        tracing::error!(table, column, "a stored row is not valid");
        Self::Corrupt { table, column }
    }
}

impl From<Reason> for StoreError {
    fn from(reason: Reason) -> Self {
        tracing::warn!(%reason, "the database is not available");
        Self::Unavailable(reason)
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict(Conflict::Other),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::Missing,
            Some(_) | None => Reason::Database(Arc::new(error)).into(),
        }
    }
}

/// Tells which unique value is taken by the column's name: SQLite lists the columns, PostgreSQL names the index, and
/// the indexes are named after their columns.
pub(super) fn conflict_on(error: DbErr, columns: &[(&str, Conflict)]) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(text)) => {
            let named = columns.iter().find(|(column, _)| text.contains(column));
            StoreError::Conflict(named.map_or(Conflict::Other, |(_, conflict)| *conflict))
        }
        _ => error.into(),
    }
}
