//! The time by which nodes agree on who does something.

use sea_orm::DbBackend;
use sea_orm::sea_query::Expr;

use super::tx::Reader;
use crate::domain::Timestamp;

/// Unix milliseconds. On PostgreSQL the database's clock counts, so that nodes whose clocks differ agree on when something
/// is over; a SQLite database has one machine, and so one clock, which says `now`.
pub(super) fn shared(db: &impl Reader, now: Timestamp) -> Expr {
    match db.get_database_backend() {
        DbBackend::Postgres => Expr::cust("CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"),
        _ => Expr::value(now.millis()),
    }
}
