//! How many writes a second a database takes, and how large it is before and after 100,000 sessions. Not tests:
//! `cargo test --release --workspace --test all -- --ignored --nocapture measure`.

use std::time::Instant;

use futures_util::future::join_all;
use idp::domain::audit::{AuditKind, Outcome};
use idp::domain::ids::AuditEventId;
use uuid::Uuid;

use super::housekeeping::{fill, remove};
use super::samples::{self, furnish};
use super::write;
use crate::support::databases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn writes_a_second() {
    const CALLERS: u128 = 256;
    const EACH: u128 = 200;
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let begin = Instant::now();
        let callers = (0..CALLERS).map(|caller| {
            let database = database.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    let mut event = samples::event(1, AuditKind::SignIn, Outcome::Success);
                    event.id = AuditEventId::from_uuid(Uuid::from_u128(number * CALLERS + caller));
                    write!(database, |tx| {
                        tx.record(tenant, event.clone());
                        Ok(())
                    })
                    .unwrap();
                }
            })
        });
        for caller in join_all(callers).await {
            caller.unwrap();
        }
        let seconds = begin.elapsed().as_secs_f64();
        let writes = u32::try_from(CALLERS * EACH).unwrap();
        println!("{database:?}: {:.0} writes a second, one row each", f64::from(writes) / seconds);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn size_before_and_after_a_hundred_thousand_sessions() {
    const SESSIONS: u64 = 100_000;
    for database in databases().await {
        let open = database.open().await;
        let tenant = furnish(&open, 1).await;
        let before = database.size().await;
        let begin = Instant::now();
        fill(&open, tenant, SESSIONS).await;
        let filled = begin.elapsed();
        let full = database.size().await;
        let begin = Instant::now();
        remove(&open).await;
        open.shrink().await.unwrap();
        let removed = begin.elapsed();
        let after = database.size().await;
        println!(
            "{open:?}: {before} bytes, {full} with {SESSIONS} sessions, {after} without ({filled:?}, {removed:?})"
        );
    }
}
