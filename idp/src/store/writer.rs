//! The one writer of a SQLite file. It commits in groups: a commit costs an fsync, and all jobs that arrive during one
//! share the next.
//!
//! A group is `BEGIN IMMEDIATE`, each job in a savepoint of its own, `COMMIT`; nobody is answered before the commit, so
//! that nothing is acknowledged that a crash could take back. A job that fails or panics rolls back to its savepoint
//! and the others don't notice. One that has a single statement needs no savepoint ([`Extent::One`]): there is nothing to
//! undo unless the database itself fails, and then the group does. If the group itself breaks (a full disk makes SQLite roll back everything), all its
//! jobs get an error and the next group begins on a new connection.
//!
//! Decided against: answering failed jobs before the commit. What made them fail may have been written by another job
//! of the group, and vanish with it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};
use tokio::sync::{mpsc, oneshot};

use super::changes::{self, Changes};
use super::database::JOB_LIMIT;
use super::ledger;
use super::line::Line;
use super::tx::Tx;
use super::{Reason, StoreError};

/// The most jobs that share a commit.
const LARGEST_GROUP: usize = 256;
/// The most jobs that wait.
const QUEUE_LENGTH: usize = 1024;
/// How long a caller waits for a place in the queue.
const PATIENCE: Duration = Duration::from_millis(500);

/// Before a job: where to go back to. sea-orm's nested transactions would take a round trip more for each job.
const MARK: &str = "SAVEPOINT job";
/// After a job that succeeded, and before the next.
const KEEP_AND_MARK: &str = "RELEASE job; SAVEPOINT job";
/// After a job that failed; the savepoint stays for the next.
const UNDO: &str = "ROLLBACK TO job";

type Work = Box<dyn FnOnce(Arc<DatabaseTransaction>) -> BoxFuture<'static, Done> + Send>;
type Reopen = Box<dyn Fn() -> BoxFuture<'static, Result<DatabaseConnection, StoreError>> + Send>;

/// How much a job changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Whatever it likes.
    Any,
    /// What one statement does, at most. It fails only if the database does.
    One,
}

/// A job that waits.
struct Job {
    extent: Extent,
    work: Work,
}

/// A job that ran, and its caller, who waits.
struct Done {
    succeeded: bool,
    /// What it adds to the ledgers.
    lines: Vec<Line>,
    answer: Box<dyn FnOnce(Result<(), Reason>) + Send>,
}

enum Message {
    Run(Job),
    Close(oneshot::Sender<()>),
}

/// A handle on the writer, which is a task of its own.
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
    changes: Arc<Changes>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the task. `reopen` makes another connection when one broke.
    pub(super) fn start(
        connection: DatabaseConnection,
        changes: Arc<Changes>,
        reopen: impl Fn() -> BoxFuture<'static, Result<DatabaseConnection, StoreError>> + Send + 'static,
    ) -> Self {
        let (queue, messages) = mpsc::channel(QUEUE_LENGTH);
        let commits = Arc::default();
        let worker = Worker {
            messages,
            connection: Some(connection),
            reopen: Box::new(reopen),
            closing: None,
            commits: Arc::clone(&commits),
        };
        tokio::spawn(worker.run());
        Self { queue, changes, commits }
    }

    /// Queues a job and waits until its group is committed.
    pub(super) async fn write<T, E, F, R>(&self, extent: Extent, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(Tx) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let changes = Arc::clone(&self.changes);
        let work: Work = Box::new(move |transaction| Box::pin(run(transaction, job, changes, caller)));
        self.queue.send_timeout(Message::Run(Job { extent, work }), PATIENCE).await.map_err(
            |refused| match refused {
                mpsc::error::SendTimeoutError::Timeout(_) => StoreError::from(Reason::QueueFull),
                mpsc::error::SendTimeoutError::Closed(_) => Reason::Closed.into(),
            },
        )?;
        // Nobody answers if the job panicked or was dropped before it ran; the log has the cause.
        answer.await.unwrap_or_else(|_| Err(E::from(StoreError::Unavailable(Reason::Undone))))
    }

    /// How many groups were committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Whether the task has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Finishes what is queued, then ends the task.
    pub(super) async fn close(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Close(done)).await.is_ok() {
            // An error means that the task has ended, which is what is wanted.
            let _ended = wait.await;
        }
    }
}

/// The transaction, once no job holds a handle on it. A handle that left its job could write after the commit: then this is
/// an error, and the transaction is rolled back.
pub(super) fn sole(transaction: Arc<DatabaseTransaction>) -> Result<DatabaseTransaction, Reason> {
    Arc::into_inner(transaction).ok_or_else(|| {
        tracing::error!("a job kept its transaction; it is rolled back");
        Reason::Undone
    })
}

/// The error of a transaction that couldn't be begun or committed, as the job's own type.
pub(super) fn refused<E: From<StoreError>>(error: DbErr) -> E {
    StoreError::from(error).into()
}

async fn run<T, E, F, R>(
    transaction: Arc<DatabaseTransaction>,
    job: F,
    changes: Arc<Changes>,
    caller: oneshot::Sender<Result<T, E>>,
) -> Done
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
    F: FnOnce(Tx) -> R,
    R: Future<Output = Result<T, E>>,
{
    let work = async {
        let (tx, recorded) = Tx::new(Arc::clone(&transaction));
        let value = job(tx).await?;
        let mut pending = recorded.take();
        changes::count(&*transaction, &mut pending).await?;
        Ok((value, pending))
    };
    let late = |_| Err(E::from(Reason::TimedOut.into()));
    let mut result = tokio::time::timeout(JOB_LIMIT, work).await.unwrap_or_else(late);
    let succeeded = result.is_ok();
    let lines = result.as_mut().map(|(_, pending)| std::mem::take(&mut pending.lines)).unwrap_or_default();
    let answer = Box::new(move |committed: Result<(), Reason>| {
        let result = match committed {
            Ok(()) => result.map(|(value, pending)| {
                // Before the caller is answered: from then on no cache may hold what was changed.
                changes.publish_own(&pending);
                pending.finish();
                value
            }),
            Err(reason) => Err(E::from(StoreError::Unavailable(reason))),
        };
        // The caller may have gone away.
        let _gone = caller.send(result);
    });
    Done { succeeded, lines, answer }
}

struct Worker {
    messages: mpsc::Receiver<Message>,
    connection: Option<DatabaseConnection>,
    reopen: Reopen,
    closing: Option<oneshot::Sender<()>>,
    commits: Arc<AtomicU64>,
}

impl Worker {
    async fn run(mut self) {
        while let Some(job) = self.wait().await {
            self.group(job).await;
        }
        self.discard().await;
        if let Some(closing) = self.closing.take() {
            // Whoever asked may have gone away.
            let _gone = closing.send(());
        }
    }

    /// The first job of the next group; `None` when there will be none.
    async fn wait(&mut self) -> Option<Job> {
        loop {
            let message = self.messages.recv().await?;
            if let Some(job) = self.take(message) {
                return Some(job);
            }
        }
    }

    /// Another job for this group, if one is there.
    async fn another(&mut self) -> Option<Job> {
        for attempt in 0..2 {
            while let Ok(message) = self.messages.try_recv() {
                if let Some(job) = self.take(message) {
                    return Some(job);
                }
            }
            if attempt == 0 {
                // Those who were just answered may be about to ask again.
                tokio::task::yield_now().await;
            }
        }
        None
    }

    fn take(&mut self, message: Message) -> Option<Job> {
        match message {
            Message::Run(job) => Some(job),
            Message::Close(done) => {
                self.messages.close();
                self.closing = Some(done);
                None
            }
        }
    }

    /// Runs a group and answers its callers.
    async fn group(&mut self, first: Job) {
        let mut done = Vec::new();
        let outcome = self.commit_group(first, &mut done).await;
        if let Err(reason) = &outcome {
            tracing::error!(%reason, jobs = done.len(), "a group of writes failed");
            self.discard().await;
            // Those who wait would only meet the same trouble, one after another.
            while let Ok(message) = self.messages.try_recv() {
                drop(self.take(message));
            }
        }
        for job in done {
            (job.answer)(outcome.clone());
        }
    }

    async fn commit_group(&mut self, first: Job, done: &mut Vec<Done>) -> Result<(), Reason> {
        let transaction = Arc::new(self.begin().await?);
        // There is nothing before the first job, so it needs no savepoint: to undo it is to undo the group.
        if run_job(&transaction, first, done).await == Verdict::Undo {
            return sole(transaction)?.rollback().await.map_err(database);
        }
        let mut between = MARK;
        let mut left = LARGEST_GROUP - 1;
        while left > 0
            && let Some(job) = self.another().await
        {
            left -= 1;
            let extent = job.extent;
            if extent == Extent::Any || between == UNDO {
                transaction.execute_unprepared(between).await.map_err(database)?;
            }
            between = match (run_job(&transaction, job, done).await, extent) {
                (Verdict::Keep, Extent::One) if between == MARK => MARK,
                (Verdict::Keep, _) => KEEP_AND_MARK,
                (Verdict::Undo, Extent::Any) => UNDO,
                (Verdict::Undo, Extent::One) => return Err(Reason::Undone),
            };
        }
        if between == UNDO {
            transaction.execute_unprepared(UNDO).await.map_err(database)?;
        }
        let lines = done.iter_mut().flat_map(|job| std::mem::take(&mut job.lines)).collect();
        ledger::write(&*transaction, lines).await.map_err(unwritten)?;
        sole(transaction)?.commit().await.map_err(database)?;
        self.commits.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn begin(&mut self) -> Result<DatabaseTransaction, Reason> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => (self.reopen)().await.map_err(|error| match error {
                StoreError::Unavailable(reason) => reason,
                StoreError::Conflict(_) | StoreError::Missing | StoreError::Corrupt { .. } => Reason::Closed,
            })?,
        };
        let connection = self.connection.insert(connection);
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        connection.begin_with_options(options).await.map_err(database)
    }

    /// Drops a connection in whose state there is no trust.
    async fn discard(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match tokio::time::timeout(PATIENCE, connection.close()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the writer's connection did not close cleanly"),
            Err(_) => tracing::warn!("the writer's connection did not close in time"),
        }
    }
}

/// What becomes of what a job wrote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Undo,
}

async fn run_job(transaction: &Arc<DatabaseTransaction>, job: Job, done: &mut Vec<Done>) -> Verdict {
    let Ok(ran) = AssertUnwindSafe(async { (job.work)(Arc::clone(transaction)).await }).catch_unwind().await else {
        // The caller learns of it because its channel went down with the job.
        tracing::error!("a write panicked and was rolled back");
        return Verdict::Undo;
    };
    let verdict = if ran.succeeded { Verdict::Keep } else { Verdict::Undo };
    done.push(ran);
    verdict
}

/// The group's ledgers can't be written, so nothing of it is.
fn unwritten(error: StoreError) -> Reason {
    match error {
        StoreError::Unavailable(reason) => reason,
        other => {
            tracing::error!(error = ?other, "a ledger can't be written");
            Reason::Undone
        }
    }
}

fn database(error: DbErr) -> Reason {
    Reason::Database(Arc::new(error))
}
