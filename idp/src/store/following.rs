//! How this process learns what others changed: another node, or the command line on the same database.
//!
//! **SQLite.** Whoever commits writes the head of the file `-shm` beside the database (the index of its write-ahead
//! log), before the commit is answered. Reading its 48 bytes costs less than a microsecond, so every request does; if
//! they have changed, the counter of changes says whether the commit was one that matters. A change holds at the very
//! next check. Decided against `PRAGMA data_version`: it goes through a connection's thread, fifty times the price.
//!
//! **PostgreSQL.** A transaction that changes something says so by `NOTIFY`, and every node listens: a change holds on
//! all of them milliseconds after its commit. The listening connection is tried all the time; as soon as it doesn't
//! answer, nothing that was kept is used and every check goes to the database. Where there is a bus, nodes listen to that
//! instead ([`bus`]), as listening needs a connection to the server itself; a transaction says so by `NOTIFY` in any case,
//! so that nodes with and without a bus hear of one another.

mod bus;

use std::fmt;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, Statement};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::bus::Bus;
use super::change::Change;
use super::changes::{self, Changes};
use super::tx::Pending;
use super::{Reason, StoreError};
use crate::domain::Secret;
use bus::ByBus;

/// What nodes listen to.
const CHANNEL: &str = "signet_changes";
/// The longest notification that PostgreSQL takes has 8,000 bytes.
const LONGEST: usize = 7_900;
/// A notification that tells of nothing but itself.
const ECHO: &str = "echo";
/// How often the listening connection, or the bus, is tried.
const PULSE: Duration = Duration::from_millis(250);
/// How long after an answer it is believed to be there: a change that can't be learnt holds after so long at the latest.
const BELIEVED: Duration = Duration::from_millis(900);
/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);
/// A failure so soon after the former one is the same trouble.
const TROUBLE: Duration = Duration::from_secs(5);
/// How long after a failure it is tried again.
const PAUSE: Duration = Duration::from_millis(250);
/// How long a request waits to learn what changed in a file.
const LOOK: Duration = Duration::from_millis(250);
/// Bytes of the head of a write-ahead log's index.
const HEAD: usize = 48;

/// How changes of others are learnt of.
pub(super) enum Following {
    /// By the head of the log's index.
    Sqlite(Sqlite),
    /// By notifications.
    Postgres(Postgres),
    /// By a bus beside PostgreSQL.
    Bus(ByBus),
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Following")
    }
}

/// See [`Following`].
pub(super) struct Sqlite {
    /// Keeps the index where it is, as the last connection to close removes it, and reads the counter of changes.
    keeper: DatabaseConnection,
    index: Option<File>,
    seen: Mutex<Option<[u8; HEAD]>>,
    looking: tokio::sync::Mutex<()>,
}

impl Sqlite {
    /// Follows the database of this path; `keeper` is a connection to it that nobody else uses.
    pub(super) async fn start(keeper: DatabaseConnection, path: &std::path::Path) -> Result<Self, StoreError> {
        // The index is made by the first read.
        keeper.execute_unprepared("PRAGMA schema_version").await?;
        let mut name = path.as_os_str().to_owned();
        name.push("-shm");
        let index = File::open(&name).ok().filter(|_| cfg!(unix));
        if index.is_none() {
            tracing::warn!("the index of the database's log can't be read; every request asks for changes instead");
        }
        Ok(Self { keeper, index, seen: Mutex::default(), looking: tokio::sync::Mutex::default() })
    }

    fn head(&self) -> Option<[u8; HEAD]> {
        let mut head = [0; HEAD];
        #[cfg(unix)]
        std::os::unix::fs::FileExt::read_exact_at(self.index.as_ref()?, &mut head, 0).ok()?;
        Some(head)
    }

    fn is_new(&self, head: Option<[u8; HEAD]>) -> bool {
        head.is_none() || head != *self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn catch_up(&self, changes: &Changes) {
        if self.is_new(self.head()) && timeout(LOOK, self.look(changes)).await.is_err() {
            // Whatever was changed: nothing that was kept counts.
            changes.see_revision(None);
        }
    }

    /// Asks by a connection of its own, which waits for no other read.
    async fn look(&self, changes: &Changes) {
        let _alone = self.looking.lock().await;
        // Read before the counter: a commit between the two is looked at again.
        let head = self.head();
        if !self.is_new(head) {
            return;
        }
        let revision = changes::revision(&self.keeper).await;
        if let Err(error) = &revision {
            tracing::warn!(%error, "changes can't be followed");
        }
        changes.see_revision(revision.as_ref().ok().copied());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = head.filter(|_| revision.is_ok());
    }
}

/// See [`Following`].
pub(super) struct Postgres {
    url: Secret,
    started: AtomicBool,
    stop: CancellationToken,
}

impl Postgres {
    /// Follows the database of this URL, from the first question on.
    pub(super) fn new(url: Secret) -> Self {
        Self { url, started: AtomicBool::new(false), stop: CancellationToken::new() }
    }

    fn start(&self, changes: &Arc<Changes>, db: &DatabaseConnection) {
        if self.started.swap(true, SeqCst) {
            return;
        }
        let listening = listen_for_ever(self.url.clone(), Arc::clone(changes), db.clone());
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(listening).await });
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Following {
    /// By this bus.
    pub(super) fn by(bus: Arc<dyn Bus>) -> Self {
        Self::Bus(ByBus::new(bus))
    }

    /// Tells the other nodes what was committed, where the commit itself doesn't.
    pub(super) fn tell(&self, pending: &Pending) {
        match self {
            Self::Bus(bus) => bus.tell(pending),
            Self::Sqlite(_) | Self::Postgres(_) => {}
        }
    }

    /// Learns what others have changed, as far as that takes a question.
    pub(super) async fn catch_up(&self, changes: &Arc<Changes>, db: &DatabaseConnection) {
        match self {
            Self::Sqlite(sqlite) => sqlite.catch_up(changes).await,
            Self::Postgres(postgres) => postgres.start(changes, db),
            Self::Bus(bus) => bus.start(changes, db),
        }
    }

    /// Ends it: nothing is certain any more.
    pub(super) async fn close(&self, changes: &Changes) {
        match self {
            Self::Sqlite(sqlite) => {
                if let Err(error) = sqlite.keeper.close_by_ref().await {
                    tracing::warn!(%error, "a connection did not close cleanly");
                }
            }
            Self::Postgres(postgres) => postgres.stop.cancel(),
            Self::Bus(bus) => bus.close(),
        }
        changes.close();
    }
}

/// Tells the other nodes, when the transaction is committed.
pub(super) async fn notify(tx: &DatabaseTransaction, changes: &[Change]) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = changes.iter().map(ToString::to_string).collect();
    let text = Some(lines.join("\n")).filter(|text| text.len() <= LONGEST);
    tx.execute_raw(notification(&text.unwrap_or_else(|| Change::Everything.to_string()))).await?;
    Ok(())
}

fn notification(text: &str) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, "SELECT pg_notify($1, $2)", [CHANNEL.into(), text.into()])
}

async fn listen_for_ever(url: Secret, changes: Arc<Changes>, db: DatabaseConnection) {
    let mut trouble = Trouble::default();
    loop {
        let Err(error) = listen(&url, &changes, &db).await;
        trouble.met(&changes, &error).await;
    }
}

/// What keeps changes from being followed. The log is told when it begins, not at each attempt.
#[derive(Default)]
struct Trouble {
    last: Option<Instant>,
}

impl Trouble {
    /// Nothing is certain any more; waits until it is time for the next attempt.
    async fn met(&mut self, changes: &Changes, error: &StoreError) {
        changes.certain_for(Some(Duration::ZERO));
        if self.last.is_none_or(|last| last.elapsed() > TROUBLE) {
            tracing::warn!(%error, "changes can't be followed; until they can, every check goes to the database");
        }
        tokio::time::sleep(PAUSE).await;
        self.last = Some(Instant::now());
    }
}

/// Listens until that fails.
async fn listen(
    url: &Secret,
    changes: &Changes,
    db: &DatabaseConnection,
) -> Result<std::convert::Infallible, StoreError> {
    let late = |_| StoreError::Unavailable(Reason::TimedOut);
    let broken = |error| StoreError::from(sea_orm::DbErr::Conn(sea_orm::RuntimeErr::SqlxError(Arc::new(error))));
    let mut listener = timeout(PATIENCE * 4, PgListener::connect(url.expose())).await.map_err(late)?.map_err(broken)?;
    timeout(PATIENCE, listener.listen(CHANNEL)).await.map_err(late)?.map_err(broken)?;
    // A pooler between us and the server may take the subscription and never deliver.
    timeout(PATIENCE, db.execute_raw(notification(ECHO))).await.map_err(late)??;
    loop {
        let heard = timeout(PATIENCE, listener.try_recv()).await.map_err(late)?.map_err(broken)?;
        if heard.ok_or(Reason::Closed)?.payload() == ECHO {
            break;
        }
    }
    // What changed while nobody listened isn't known.
    changes.publish(&Change::Everything);
    changes.certain_for(Some(BELIEVED));
    let mut answered = Instant::now();
    loop {
        let heard = match timeout(PULSE.saturating_sub(answered.elapsed()), listener.try_recv()).await {
            Ok(heard) => Some(heard.map_err(broken)?.ok_or(Reason::Closed)?),
            Err(_) => None,
        };
        if let Some(heard) = &heard {
            apply(changes, heard.payload());
        }
        if answered.elapsed() >= PULSE {
            let asked = Instant::now();
            timeout(PATIENCE, sea_orm::sqlx::raw_sql("SELECT 1").execute(&mut listener))
                .await
                .map_err(late)?
                .map_err(broken)?;
            // What was said before the answer has come before it.
            while let Some(heard) = listener.next_buffered() {
                apply(changes, heard.payload());
            }
            answered = asked;
            changes.certain_for(Some(BELIEVED.saturating_sub(asked.elapsed())));
        }
    }
}

fn apply(changes: &Changes, payload: &str) {
    if payload != ECHO {
        payload.lines().map(Change::from).for_each(|change| changes.publish(&change));
    }
}
