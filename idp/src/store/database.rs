//! The database: SQLite in one file, or PostgreSQL.
//!
//! SQLite takes one writer at a time, so all writes of the process go through [`super::writer`], which commits them in
//! groups; reads have connections of their own and don't wait for it (WAL). On PostgreSQL a write is a transaction.

use std::fmt;
use std::fs::OpenOptions;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait as _,
};

use super::bus::Bus;
use super::changes::{self, Changes};
use super::following::{self, Following};
use super::ledger;
use super::load::{Asked, Load, connections};
use super::reads::Reads;
use super::tx::Tx;
use super::writer::{self, Extent, Writer};
use super::{Reason, StoreError};
use crate::domain::Secret;
use crate::telemetry;

/// How long a job given to [`Database::write`] may take, from its begin to its commit.
pub(super) const JOB_LIMIT: Duration = Duration::from_secs(5);
/// How long a writer waits for another process that writes to the same SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a write in all, unless the settings say otherwise.
pub const WRITE_LIMIT: Duration = Duration::from_secs(8);
/// A connection that was idle for longer is tried before it is used.
const TRUSTED_IDLE: Duration = Duration::from_secs(15);

/// Where the data is.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/NAME`.
    pub url: Secret,
    /// The most connections that this process opens (SQLite: for reading; there is one more to write).
    pub max_connections: u32,
    /// How long a caller waits for a free connection.
    pub acquire_timeout: Duration,
    /// How long a single read may take.
    pub read_timeout: Duration,
    /// How long a caller waits for a write in all: what it becomes later is not known to them.
    pub write_timeout: Duration,
    /// What nodes tell one another by, if not by PostgreSQL itself.
    pub bus: Option<Arc<dyn Bus>>,
}

impl DatabaseSettings {
    /// The database at this URL, everything else by default.
    pub fn new(url: Secret) -> Self {
        let (acquire_timeout, read_timeout) = (Duration::from_secs(3), Duration::from_secs(3));
        Self { url, max_connections: 10, acquire_timeout, read_timeout, write_timeout: WRITE_LIMIT, bus: None }
    }

    fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new(self.url.expose());
        options
            .max_connections(self.max_connections.max(1))
            .acquire_timeout(self.acquire_timeout)
            .test_before_acquire_if_idle_for(TRUSTED_IDLE)
            .sqlx_logging(false)
            .record_stmt_in_spans(false);
        options
    }

    fn is_sqlite(&self) -> bool {
        self.url.expose().starts_with("sqlite:")
    }

    /// Refuses what the driver would refuse with a text that has the URL, and so the password, in it.
    fn check(&self) -> Result<(), Reason> {
        let url = self.url.expose();
        let known = ["sqlite://", "postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme));
        if !known || url::Url::parse(url).is_err() {
            return Err(Reason::Url("the database URL must begin with sqlite:// or postgres://"));
        }
        if self.is_sqlite() && url.contains(":memory:") {
            return Err(Reason::Url("a database in memory would be lost; name a file"));
        }
        Ok(())
    }

    /// A pool of connections to a SQLite file. Only the writer's may write.
    async fn open_sqlite(&self, role: SqliteRole) -> Result<DatabaseConnection, StoreError> {
        let mut options = self.options();
        if role == SqliteRole::Read {
            options.max_connections(self.max_connections.clamp(1, readers()));
        } else {
            // One connection, kept.
            options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        }
        options.map_sqlx_sqlite_opts(move |options| {
            let options = options
                .create_if_missing(role == SqliteRole::Write)
                .journal_mode(SqliteJournalMode::Wal)
                // What was answered survives a power cut, at one fsync for each group of writes.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
                .foreign_keys(true);
            match role {
                SqliteRole::Write => options.pragma("cache_size", "-8000").pragma("journal_size_limit", "67108864"),
                SqliteRole::Read | SqliteRole::Keep => options.pragma("query_only", "ON"),
            }
        });
        Ok(sea_orm::Database::connect(options).await?)
    }

    /// The file of a SQLite database.
    fn file(&self) -> Result<PathBuf, Reason> {
        SqliteConnectOptions::from_str(self.url.expose())
            .map(|options| options.get_filename().to_owned())
            .map_err(|_| Reason::Url("the path in the database URL can't be read"))
    }

    /// Lets a file that is empty give back the room of rows that are deleted. That is decided before anything else is in
    /// it: of a file that was made without, only a `VACUUM` makes another.
    async fn prepare_file(&self) -> Result<(), StoreError> {
        if std::fs::metadata(self.file()?).is_ok_and(|file| file.len() > 0) {
            return Ok(());
        }
        let mut options = self.options();
        options.max_connections(1);
        options.map_sqlx_sqlite_opts(|options| options.busy_timeout(BUSY_TIMEOUT));
        let connection = sea_orm::Database::connect(options).await?;
        connection.execute_unprepared(MAKE_ANEW).await?;
        Ok(connection.close().await?)
    }

    /// Makes the file if there is none, readable by its owner only: it holds password hashes and sealed keys. SQLite
    /// gives its side files the same permissions.
    fn create_file(&self) -> Result<(), Reason> {
        let mut open = OpenOptions::new();
        open.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        open.open(self.file()?).map(drop).map_err(|error| Reason::File(Arc::new(error)))
    }
}

/// The most connections that read a SQLite file: each keeps pages and statements of its own, some megabytes in all, and a
/// read waits for hardly anything but a processor.
fn readers() -> u32 {
    std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok()).unwrap_or(1).max(4)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum SqliteRole {
    Read,
    Write,
    /// One connection that is always there, and waits for nobody.
    Keep,
}

/// The database. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Database(Arc<Inner>);

struct Inner {
    settings: DatabaseSettings,
    reads: Reads,
    /// SQLite only.
    writer: Option<Writer>,
    changes: Arc<Changes>,
    following: Following,
    asked: Asked,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.0.writer.is_some() { "SQLite" } else { "PostgreSQL" };
        f.debug_tuple("Database").field(&kind).finish()
    }
}

impl Database {
    /// Opens the database; a SQLite file is made if there is none. The schema is left as it is: see [`Self::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the URL isn't valid or the database can't be reached.
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, StoreError> {
        settings.check()?;
        let changes = Arc::new(Changes::new());
        if !settings.is_sqlite() {
            let reads = sea_orm::Database::connect(settings.options()).await?;
            let following = match &settings.bus {
                Some(bus) => Following::by(Arc::clone(bus)),
                None => Following::Postgres(following::Postgres::new(settings.url.clone())),
            };
            let reads = Reads::new(reads, settings.read_timeout);
            let asked = Asked::default();
            return Ok(Self(Arc::new(Inner {
                settings: settings.clone(),
                reads,
                writer: None,
                changes,
                following,
                asked,
            })));
        }
        settings.create_file()?;
        settings.prepare_file().await?;
        let connection = settings.open_sqlite(SqliteRole::Write).await?;
        let reads = Reads::new(settings.open_sqlite(SqliteRole::Read).await?, settings.read_timeout);
        let keeper = settings.open_sqlite(SqliteRole::Keep).await?;
        let following = Following::Sqlite(following::Sqlite::start(keeper, &settings.file()?).await?);
        changes.certain_for(None);
        let reopen = settings.clone();
        let writer = Writer::start(connection, Arc::clone(&changes), move || {
            let settings = reopen.clone();
            Box::pin(async move { settings.open_sqlite(SqliteRole::Write).await })
        });
        let asked = Asked::default();
        Ok(Self(Arc::new(Inner { settings: settings.clone(), reads, writer: Some(writer), changes, following, asked })))
    }

    /// What has changed and what hasn't, for those who keep copies.
    pub fn changes(&self) -> &Changes {
        &self.0.changes
    }

    /// How busy it is with what this process asks of it. Asks nobody.
    pub fn load(&self) -> Load {
        let pool = self.0.reads.pool();
        let (open, idle) = match &self.0.writer {
            Some(_) => connections(pool.get_sqlite_connection_pool()),
            None => connections(pool.get_postgres_connection_pool()),
        };
        Load {
            connections_in_use: open.saturating_sub(idle),
            connections_idle: idle,
            writes_waiting: self.0.asked.waiting(),
            writes_done: self.0.asked.done(),
            writes_failed: self.0.asked.failed(),
            commits: self.0.writer.as_ref().map_or_else(|| self.0.asked.done(), Writer::commits),
            changes_followed: self.0.changes.is_certain(),
        }
    }

    /// Learns what other processes have changed. To be called at the begin of whatever uses copies; almost free.
    pub async fn catch_up(&self) {
        self.0.following.catch_up(&self.0.changes, self.0.reads.pool()).await;
    }

    /// Brings the schema up to date. Harmless when it is so already and when other processes do it at the same time.
    ///
    /// # Errors
    /// See [`migration::up`].
    pub async fn migrate(&self) -> Result<migration::Report, migration::MigrationError> {
        if self.0.writer.is_none() {
            return migration::up(self.0.reads.pool()).await;
        }
        let connection = self.0.settings.open_sqlite(SqliteRole::Write).await.map_err(into_driver_error)?;
        let result = migration::up(&connection).await;
        if let Err(error) = connection.close().await {
            tracing::warn!(%error, "the migration's connection did not close");
        }
        result
    }

    /// Where the schema stands.
    ///
    /// # Errors
    /// See [`migration::status`].
    pub async fn migration_status(&self) -> Result<migration::Status, migration::MigrationError> {
        migration::status(self.0.reads.pool()).await
    }

    /// Pooled connections to read from, each statement within a deadline. On SQLite they can't write.
    pub fn read(&self) -> &Reads {
        &self.0.reads
    }

    /// Runs a job in a transaction and answers when what it did is durable. An `Err` of the job, a panic in it, or more
    /// than five seconds undo all it did. Once begun it runs to its end, though the caller may have gone away.
    ///
    /// A job that meets a [`StoreError`] returns an error: on PostgreSQL its transaction is dead from then on.
    ///
    /// On SQLite jobs run one at a time: keep waiting and computing (password hashes, signatures) out of them. On
    /// PostgreSQL they run side by side at READ COMMITTED: a check and the change that relies on it are one statement.
    ///
    /// # Errors
    /// The job's own, or [`StoreError::Unavailable`] if it couldn't be begun or committed, or not within
    /// [`DatabaseSettings::write_timeout`]: then it may be done yet.
    pub fn write<T, E, F, R>(&self, job: F) -> impl Future<Output = Result<T, E>> + Send
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(Tx) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
    {
        self.write_as(Extent::Any, job)
    }

    /// The same for a job that has one statement that changes something, at most, and whose every error is the
    /// database's: what it decides otherwise it answers. On SQLite it costs no savepoint, and what it shares its commit
    /// with fails with it.
    ///
    /// # Errors
    /// See [`Self::write`].
    pub fn write_one<T, F, R>(&self, job: F) -> impl Future<Output = Result<T, StoreError>> + Send
    where
        T: Send + 'static,
        F: FnOnce(Tx) -> R + Send + 'static,
        R: Future<Output = Result<T, StoreError>> + Send + 'static,
    {
        self.write_as(Extent::One, job)
    }

    async fn write_as<T, E, F, R>(&self, extent: Extent, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(Tx) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
    {
        let system = if self.0.writer.is_some() { "sqlite" } else { "postgresql" };
        let _part = telemetry::database_part("database write", system);
        let asked = self.0.asked.begin();
        let result = self.begin_write(extent, job).await;
        asked.end(result.is_ok());
        result
    }

    async fn begin_write<T, E, F, R>(&self, extent: Extent, job: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(Tx) -> R + Send + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
    {
        // On SQLite a disk that hangs, and the jobs before it; on PostgreSQL only the commit takes so long. It may come
        // through yet, and is made known to all who keep copies then.
        let late = |_| E::from(Reason::TimedOut.into());
        let limit = self.0.settings.write_timeout;
        if let Some(writer) = &self.0.writer {
            return tokio::time::timeout(limit, writer.write(extent, job)).await.map_err(late)?;
        }
        let database = self.clone();
        let running = tokio::spawn(async move { database.transaction(job).await });
        match tokio::time::timeout(limit, running).await.map_err(late)? {
            Ok(result) => result,
            Err(ended) if ended.is_panic() => Err(E::from(Reason::Undone.into())),
            Err(_) => Err(E::from(Reason::Closed.into())),
        }
    }

    async fn transaction<T, E, F, R>(&self, job: F) -> Result<T, E>
    where
        E: From<StoreError>,
        F: FnOnce(Tx) -> R,
        R: Future<Output = Result<T, E>>,
    {
        let late = |_| E::from(Reason::TimedOut.into());
        let deadline = tokio::time::Instant::now() + JOB_LIMIT;
        let begin = self.0.reads.pool().begin();
        let transaction = tokio::time::timeout_at(deadline, begin).await.map_err(late)?.map_err(writer::refused)?;
        let transaction = Arc::new(transaction);
        let work = async {
            let (tx, recorded) = Tx::new(Arc::clone(&transaction));
            let value = job(tx).await?;
            let mut pending = recorded.take();
            ledger::write(&*transaction, std::mem::take(&mut pending.lines)).await?;
            changes::count(&*transaction, &mut pending).await?;
            following::notify(&transaction, &pending.changes).await?;
            Ok::<_, E>((value, pending))
        };
        // Dropped before its commit, the transaction is rolled back.
        let (value, pending) = tokio::time::timeout_at(deadline, work).await.map_err(late)??;
        let committed = writer::sole(transaction).map_err(|reason| E::from(reason.into()))?.commit().await;
        // A commit whose answer was lost may have come through as well.
        self.0.changes.publish_own(&pending);
        committed.map_err(writer::refused)?;
        self.0.following.tell(&pending);
        pending.finish();
        Ok(value)
    }

    /// Gives room that deleted rows left back to the file system, a batch of pages at a time. PostgreSQL does that by
    /// itself, as far as it is ever done there.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn shrink(&self) -> Result<(), StoreError> {
        if self.0.writer.is_none() {
            return Ok(());
        }
        let mut before = u64::MAX;
        loop {
            let free = free_pages(self.0.reads.pool()).await?;
            // Some are left for the next rows; and a file that was made without gives none back.
            if free <= SPARE_PAGES || free >= before {
                return Ok(());
            }
            before = free;
            self.write(async move |tx| {
                tx.execute_unprepared(GIVE_BACK).await?;
                Ok::<(), StoreError>(())
            })
            .await?;
            tokio::task::yield_now().await;
        }
    }

    /// Whether room that deleted rows leave can be given back. A SQLite file that an early version made gives none back
    /// until it is made anew: see [`Self::compact`].
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn can_shrink(&self) -> Result<bool, StoreError> {
        if self.0.writer.is_none() {
            return Ok(true);
        }
        let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA auto_vacuum");
        let row = self.0.reads.query_one_raw(asked).await?;
        let mode = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
        Ok(mode == Some(INCREMENTAL))
    }

    /// Makes a SQLite file anew without the room that nothing is in, and such that it gives that back from now on. It needs
    /// as much room again meanwhile, and nobody can write. On PostgreSQL there is nothing to do.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if somebody else is at work on the file for too long.
    pub async fn compact(&self) -> Result<(), StoreError> {
        if self.0.writer.is_none() {
            return Ok(());
        }
        let connection = self.0.settings.open_sqlite(SqliteRole::Write).await?;
        let done = connection.execute_unprepared(MAKE_ANEW).await;
        connection.close().await?;
        done?;
        Ok(())
    }

    /// Asks the database whether it is there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        if self.0.writer.as_ref().is_some_and(Writer::is_closed) {
            return Err(Reason::Closed.into());
        }
        let pinged = tokio::time::timeout(self.0.settings.read_timeout, self.0.reads.pool().ping());
        Ok(pinged.await.map_err(|_| Reason::TimedOut)??)
    }

    /// Finishes the writes that are queued and closes all connections.
    pub async fn close(&self) {
        if let Some(writer) = &self.0.writer {
            writer.close().await;
        }
        self.0.following.close(&self.0.changes).await;
        if let Err(error) = self.0.reads.pool().close_by_ref().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}

/// Pages that are left free for the next rows: a MiB.
const SPARE_PAGES: u64 = 256;
/// Gives back two MiB.
const GIVE_BACK: &str = "PRAGMA incremental_vacuum(512)";

/// `auto_vacuum` of a file that gives room back when it is told to.
const INCREMENTAL: i64 = 2;
/// Makes a file such, and all of it anew.
const MAKE_ANEW: &str = "PRAGMA auto_vacuum = INCREMENTAL; VACUUM";

/// Pages of a SQLite file that nothing is in.
async fn free_pages(db: &DatabaseConnection) -> Result<u64, StoreError> {
    let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA freelist_count");
    let row = db.query_one_raw(asked).await?;
    let count = row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?;
    Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
}

fn into_driver_error(error: StoreError) -> migration::MigrationError {
    DbErr::Custom(match error {
        StoreError::Unavailable(reason) => reason.to_string(),
        other => other.to_string(),
    })
    .into()
}
