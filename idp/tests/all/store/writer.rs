//! What a write promises: all or nothing for each job, and nobody pays for another's failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use idp::domain::Secret;
use idp::store::{self, Database, DatabaseSettings, Reason, StoreError};
use sea_orm::ConnectionTrait as _;
use tokio::sync::Notify;

use super::samples::{self, furnish, hash};
use super::write;
use crate::support::database::TestDatabase;
use crate::support::databases;

async fn session_exists(database: &Database, number: u64) -> bool {
    let (tenant, secret_hash) = (samples::tenant_id(1), hash(number));
    let found = store::sessions::find_by_secret_hash(database.read(), tenant, &secret_hash, samples::NOW).await;
    found.unwrap().is_some()
}

/// Holds the writer until it is told to go on, so that the jobs after it share one group.
async fn hold(database: &Database) -> (tokio::task::JoinHandle<Result<(), StoreError>>, Arc<Notify>) {
    let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (begun, wait) = (Arc::clone(&started), Arc::clone(&go_on));
    let database = database.clone();
    let held = tokio::spawn(async move {
        write!(database, |_tx| {
            begun.notify_one();
            wait.notified().await;
            Ok(())
        })
    });
    started.notified().await;
    (held, go_on)
}

#[derive(Debug, PartialEq)]
enum JobError {
    Mine(u64),
    Store,
}

impl From<StoreError> for JobError {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_or_panics_undoes_itself_and_no_other() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (held, go_on) = hold(&database).await;
        let jobs: Vec<_> = (0..12_u64)
            .map(|number| {
                let database = database.clone();
                tokio::spawn(async move {
                    database
                        .write::<u64, JobError, _, _>(async move |tx| {
                            let session = samples::session(number.into(), 1);
                            store::sessions::insert(&tx, tenant, &session, &hash(number)).await?;
                            match number % 3 {
                                0 => Ok(number),
                                1 => Err(JobError::Mine(number)),
                                _ => panic!("a job that panics, as this test wants"),
                            }
                        })
                        .await
                })
            })
            .collect();
        // Each is in the queue before the group goes on.
        tokio::time::sleep(Duration::from_millis(50)).await;
        go_on.notify_one();
        held.await.unwrap().unwrap();
        for (number, result) in (0..).zip(join_all(jobs).await) {
            let expected = match number % 3 {
                0 => Ok(number),
                1 => Err(JobError::Mine(number)),
                _ => Err(JobError::Store),
            };
            assert_eq!(result.unwrap(), expected, "{number}");
            assert_eq!(session_exists(&database, number).await, number % 3 == 0, "{number}");
        }
    }
}

/// Jobs of one statement have no savepoint of their own: one among them that fails otherwise takes nothing of theirs along.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_of_one_statement_stays_whatever_becomes_of_its_neighbours() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (held, go_on) = hold(&database).await;
        // Every order of two kinds, and of jobs that fail and that don't.
        let jobs: Vec<_> = (0..32_u64)
            .map(|number| {
                let (database, [one, fails]) = (database.clone(), kinds(number));
                tokio::spawn(async move {
                    let session = samples::session(number.into(), 1);
                    if one {
                        let job = database.write_one(async move |tx| {
                            store::sessions::insert(&tx, tenant, &session, &hash(number)).await
                        });
                        return job.await.is_ok();
                    }
                    let job = database.write::<(), JobError, _, _>(async move |tx| {
                        store::sessions::insert(&tx, tenant, &session, &hash(number)).await?;
                        if fails { Err(JobError::Mine(number)) } else { Ok(()) }
                    });
                    job.await.is_ok()
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        go_on.notify_one();
        held.await.unwrap().unwrap();
        for (number, done) in (0..).zip(join_all(jobs).await) {
            let [one, fails] = kinds(number);
            assert_eq!(done.unwrap(), one || !fails, "{number}");
            assert_eq!(session_exists(&database, number).await, one || !fails, "{number}");
        }
    }
}

/// Whether a job has one statement, and whether it fails: every three of them in a row.
fn kinds(number: u64) -> [bool; 2] {
    [number.is_multiple_of(2), !(number / 2).is_multiple_of(3)].map(|yes| yes != (number >= 16))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_statement_that_fails_takes_its_commit_along_and_later_writes_work() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (held, go_on) = hold(&database).await;
        let jobs: Vec<_> = (0..3_u64)
            .map(|number| {
                let database = database.clone();
                tokio::spawn(async move {
                    let one = database.write_one(async move |tx| {
                        store::sessions::insert(&tx, tenant, &samples::session(number.into(), 1), &hash(number))
                            .await?;
                        if number == 1 { Err(Reason::Closed.into()) } else { Ok(()) }
                    });
                    one.await
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        go_on.notify_one();
        let _with_the_others = held.await.unwrap();
        for (number, result) in (0..).zip(join_all(jobs).await) {
            let result = result.unwrap();
            assert_eq!(session_exists(&database, number).await, result.is_ok(), "{number}: what is answered is true");
            assert!(number != 1 || result.is_err());
        }
        write!(database, |tx| store::sessions::insert(tx, tenant, &samples::session(9, 1), &hash(9)).await).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_runs_to_its_end_though_the_caller_went_away() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, wait) = (Arc::clone(&started), Arc::clone(&go_on));
        let caller = {
            let database = database.clone();
            tokio::spawn(async move {
                write!(database, |tx| {
                    begun.notify_one();
                    wait.notified().await;
                    store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await
                })
            })
        };
        started.notified().await;
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        go_on.notify_one();
        let mut waited = 0;
        while !session_exists(&database, 1).await {
            waited += 1;
            assert!(waited < 100, "the write was lost");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// An answer means that the row is in the file: a second process sees it at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_comes_after_the_commit() {
    for database in databases().await {
        let (mine, theirs) = (database.open().await, database.open().await);
        let tenant = furnish(&mine, 1).await;
        let writes = (0..100).map(|number| {
            let (mine, theirs) = (mine.clone(), theirs.clone());
            tokio::spawn(async move {
                write!(mine, |tx| {
                    store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await
                })
                .unwrap();
                assert!(session_exists(&theirs, number).await);
            })
        });
        for write in join_all(writes).await {
            write.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_do_not_wait_for_a_write() {
    for database in databases().await {
        let database = database.open().await;
        furnish(&database, 1).await;
        let (held, go_on) = hold(&database).await;
        let read = store::users::find_by_id(database.read(), samples::tenant_id(1), samples::user_id(1));
        let Ok(found) = tokio::time::timeout(Duration::from_secs(2), read).await else { panic!("the read waited") };
        assert_eq!(found.unwrap(), Some(samples::user(1)));
        go_on.notify_one();
        held.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_to_one_database() {
    for database in databases().await {
        let nodes = [database.open().await, database.open().await];
        let tenant = furnish(&nodes[0], 1).await;
        let writes = (0..200_u64).map(|number| {
            let node = nodes[usize::from(number % 2 == 1)].clone();
            tokio::spawn(async move {
                write!(node, |tx| {
                    store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await
                })
            })
        });
        for write in join_all(writes).await {
            write.unwrap().unwrap();
        }
        assert!(session_exists(&nodes[0], 199).await);
    }
}

#[tokio::test]
async fn closing_finishes_what_is_queued_and_refuses_the_rest() {
    let database = TestDatabase::sqlite().await;
    let open = database.open().await;
    let tenant = furnish(&open, 1).await;
    let done = Arc::new(AtomicU32::new(0));
    let writes: Vec<_> = (0..50)
        .map(|number: u64| {
            let (open, done) = (open.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                write!(open, |tx| {
                    store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await
                })
                .unwrap();
                done.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    tokio::task::yield_now().await;
    open.close().await;
    join_all(writes).await;
    assert_eq!(done.load(Ordering::SeqCst), 50);
    let late: Result<(), StoreError> = write!(open, |_tx| Ok(()));
    assert!(matches!(late, Err(StoreError::Unavailable(_))), "{late:?}");
    assert!(open.ping().await.is_err());
}

/// Whoever waits is told that it isn't known what became of it, and it isn't: it may be done yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_write_for_longer_than_it_may_take() {
    for database in databases().await {
        let settings = DatabaseSettings { write_timeout: Duration::from_millis(300), ..database.settings() };
        let open = Database::connect(&settings).await.unwrap();
        let tenant = furnish(&open, 1).await;
        let (started, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (begun, wait) = (Arc::clone(&started), Arc::clone(&go_on));
        let held = {
            let open = open.clone();
            tokio::spawn(async move {
                write!(open, |tx| {
                    begun.notify_one();
                    wait.notified().await;
                    store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await
                })
            })
        };
        started.notified().await;
        let behind = {
            let open = open.clone();
            tokio::spawn(async move {
                write!(open, |tx| store::sessions::insert(tx, tenant, &samples::session(2, 1), &hash(2)).await)
            })
        };
        let held = tokio::time::timeout(Duration::from_secs(4), held).await.unwrap().unwrap();
        assert!(matches!(held, Err(StoreError::Unavailable(Reason::TimedOut))), "{held:?}");
        let behind = tokio::time::timeout(Duration::from_secs(4), behind).await.unwrap().unwrap();
        // On PostgreSQL it had nothing to wait for.
        assert_eq!(behind.is_err(), database.is_sqlite(), "{behind:?}");
        go_on.notify_one();
        // On SQLite one after another: both are done by then.
        while !(session_exists(&open, 1).await && session_exists(&open, 2).await) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        write!(open, |tx| store::sessions::insert(tx, tenant, &samples::session(3, 1), &hash(3)).await).unwrap();
    }
}

/// The file may not grow: SQLite fails the statement, and may throw away the whole transaction.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_what_is_answered_is_true_and_later_writes_work() {
    let database = TestDatabase::sqlite().await;
    let open = database.open().await;
    let tenant = furnish(&open, 1).await;
    let (held, go_on) = hold(&open).await;
    let jobs: Vec<_> = (0..10)
        .map(|number: u64| {
            let open = open.clone();
            tokio::spawn(async move {
                write!(open, |tx| {
                    let mut session = samples::session(number.into(), 1);
                    if number == 5 {
                        tx.execute_unprepared("PRAGMA max_page_count = 1").await?;
                        session.user_agent = Some("x".repeat(1 << 20));
                    }
                    store::sessions::insert(tx, tenant, &session, &hash(number)).await
                })
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    go_on.notify_one();
    // It shares the group's fate.
    let _fate = held.await.unwrap();
    let results = join_all(jobs).await;
    assert!(matches!(results[5], Ok(Err(StoreError::Unavailable(_)))), "{:?}", results[5]);
    for (number, result) in (0..).zip(results) {
        assert_eq!(session_exists(&open, number).await, result.unwrap().is_ok(), "{number}");
    }
    // If SQLite kept the transaction, the connection is the same and still has its limit.
    let unlimited: Result<(), StoreError> = write!(open, |tx| {
        tx.execute_unprepared("PRAGMA max_page_count = 1073741823").await?;
        Ok(())
    });
    unlimited.unwrap();
    write!(open, |tx| store::sessions::insert(tx, tenant, &samples::session(99, 1), &hash(99)).await).unwrap();
    assert!(session_exists(&open, 99).await);
}

#[tokio::test]
async fn the_read_connections_of_sqlite_cannot_write() {
    let database = TestDatabase::sqlite().await;
    let open = database.open().await;
    open.ping().await.unwrap();
    let refused = open.read().execute_unprepared("DELETE FROM tenants").await;
    assert!(refused.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_sqlite_file_is_its_owner_s_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signet.db");
    let settings = DatabaseSettings::new(Secret::new(format!("sqlite://{}", path.display())));
    let database = Database::connect(&settings).await.unwrap();
    database.migrate().await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn an_unusable_url_is_refused_without_showing_it() {
    for url in [
        "mysql://root:swordfish@db/signet",
        "postgres:swordfish",
        "swordfish",
        "",
        "sqlite://:memory:",
        "sqlite::memory:",
        "sqlite:///nowhere/swordfish/signet.db",
        "postgres://signet:swordfish@127.0.0.1:1/signet",
    ] {
        let error = Database::connect(&DatabaseSettings::new(Secret::new(url))).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(matches!(error, StoreError::Unavailable(_)), "{shown}");
        assert!(!shown.contains("swordfish"), "{shown}");
    }
}
