//! A transaction, and what it makes known when it is committed.
//!
//! A function that changes a row takes a [`Tx`], so it can't be called without one, and records on it which cached facts
//! change, which ledger lines are added, and what runs after the commit. A function that only reads takes a [`Reader`]: a
//! transaction, or pooled connections ([`super::reads::Reads`]), which refuse to change anything.
//!
//! Rejected: task-locals. A write outside the job that set them up was accepted and invalidated no cache.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement};

use super::change::Change;
use super::line::{Entry, Line};
use crate::domain::TenantId;

/// Something to read from: a [`Tx`], or the pooled connections of [`super::Database::read`].
pub trait Reader: ConnectionTrait {}

/// A transaction: the only handle that changes rows. [`super::Database::write`] hands it to its job.
pub struct Tx {
    connection: Arc<DatabaseTransaction>,
    pending: Arc<Mutex<Pending>>,
}

impl fmt::Debug for Tx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx").field("pending", &self.pending).finish_non_exhaustive()
    }
}

impl Reader for Tx {}

impl Tx {
    /// A handle on this transaction for one job, and what the job records on it.
    pub(super) fn new(connection: Arc<DatabaseTransaction>) -> (Self, Recorded) {
        let pending = Arc::default();
        (Self { connection, pending: Arc::clone(&pending) }, Recorded(pending))
    }

    /// Invalidates what is cached of this fact, on every node, after the commit.
    pub fn invalidate(&self, change: Change) {
        self.pending().changes.push(change);
    }

    /// Wakes the sender of queued messages after the commit.
    pub(super) fn wake_deliveries(&self) {
        self.pending().deliveries = true;
    }

    /// Records what happened: an audit line, or an event for those who subscribed. It is written as the last step of the
    /// transaction, which fails if there is no such tenant.
    pub fn record(&self, tenant: TenantId, entry: impl Into<Entry>) {
        let line = entry.into().line(tenant);
        let mut pending = self.pending();
        pending.events |= matches!(line, Line::Event(_));
        pending.lines.push(line);
    }

    /// Runs this after the commit, and never if there is none: to count what was done. It must not block.
    pub fn on_commit(&self, action: impl FnOnce() + Send + 'static) {
        self.pending().on_commit.0.push(Box::new(action));
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a job records on its transaction, for the one who commits it.
pub(super) struct Recorded(Arc<Mutex<Pending>>);

impl Recorded {
    /// What was recorded so far.
    pub(super) fn take(&self) -> Pending {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What becomes known, written or run when a transaction is committed.
#[derive(Debug, Default)]
pub(super) struct Pending {
    /// The cached facts that it changes.
    pub(super) changes: Vec<Change>,
    /// Its number among the transactions that changed something.
    pub(super) revision: Option<i64>,
    /// The ledger lines that it adds.
    pub(super) lines: Vec<Line>,
    /// Whether it queued a message.
    pub(super) deliveries: bool,
    /// Whether it emitted an event.
    pub(super) events: bool,
    on_commit: OnCommit,
}

/// What runs after the commit.
#[derive(Default)]
struct OnCommit(Vec<Box<dyn FnOnce() + Send>>);

impl fmt::Debug for OnCommit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnCommit").field(&self.0.len()).finish()
    }
}

impl Pending {
    /// Runs what waits for the commit, which is certain now.
    pub(super) fn finish(self) {
        self.on_commit.0.into_iter().for_each(|action| action());
    }
}

/// What `async_trait` makes of an asynchronous function. Written out, so that a statement costs no second allocation.
type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbErr>> + Send + 'a>>;

impl ConnectionTrait for Tx {
    fn get_database_backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    fn execute_raw<'a, 'b>(&'a self, statement: Statement) -> Answer<'b, ExecResult>
    where
        'a: 'b,
        Self: 'b,
    {
        self.connection.execute_raw(statement)
    }

    fn execute_unprepared<'a, 's, 'b>(&'a self, sql: &'s str) -> Answer<'b, ExecResult>
    where
        'a: 'b,
        's: 'b,
        Self: 'b,
    {
        self.connection.execute_unprepared(sql)
    }

    fn query_one_raw<'a, 'b>(&'a self, statement: Statement) -> Answer<'b, Option<QueryResult>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.connection.query_one_raw(statement)
    }

    fn query_all_raw<'a, 'b>(&'a self, statement: Statement) -> Answer<'b, Vec<QueryResult>>
    where
        'a: 'b,
        Self: 'b,
    {
        self.connection.query_all_raw(statement)
    }
}
