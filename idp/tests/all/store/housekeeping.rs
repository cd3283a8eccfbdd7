//! Expired rows go, in batches; others stay.

use std::time::Duration;

use idp::domain::authorization_code::Redeemed;
use idp::domain::sign_in_limit::LimitKind;
use idp::domain::{CodeHash, TenantId, Timestamp};
use idp::store;

use super::samples::{self, NOW, furnish, hash, later};
use super::write;
use crate::support::database::TestDatabase;
use crate::support::databases;

const DAY: u64 = 24 * 3600;

#[tokio::test]
async fn expired_rows_go_in_batches() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            for number in 1..=5 {
                store::authorization_flows::insert(tx, tenant, &samples::flow(number.into())).await?;
                store::authorization_codes::insert(tx, tenant, &samples::code(number)).await?;
                store::sessions::insert(tx, tenant, &samples::session(number.into(), 1), &hash(number)).await?;
                store::grants::insert(tx, tenant, &samples::grant(number.into(), 1, "reports")).await?;
                let client = samples::client_id("reports");
                store::client_assertions::remember(tx, tenant, &client, &hash(number), later(60)).await?;
                let (kind, window) = (LimitKind::Address, Duration::from_mins(1));
                store::sign_in_limits::count_attempt(tx, tenant, kind, &hash(number), NOW, window, 10).await?;
            }
            Ok(())
        })
        .unwrap();
        let swept = |at: Timestamp| {
            let database = database.clone();
            async move {
                write!(database, |tx| {
                    Ok([
                        store::authorization_flows::delete_expired(tx, at, 3).await?,
                        store::authorization_codes::delete_expired(tx, at, 3).await?,
                        store::sessions::delete_expired(tx, at, 3).await?,
                        store::grants::delete_expired(tx, at, 3).await?,
                        store::client_assertions::delete_expired(tx, at, 3).await?,
                        store::sign_in_limits::delete_stale(tx, at - Duration::from_secs(1), 3).await?,
                    ])
                })
                .unwrap()
            }
        };
        assert_eq!(swept(NOW).await, [0; 6]);
        assert_eq!(swept(later(60)).await, [0, 0, 0, 0, 3, 3]);
        assert_eq!(swept(later(3600)).await, [3, 0, 3, 3, 2, 2]);
        assert_eq!(swept(later(3600)).await, [2, 0, 2, 2, 0, 0]);
        assert_eq!(swept(later(60 + DAY)).await, [0, 3, 0, 0, 0, 0]);
        assert_eq!(swept(later(60 + DAY)).await, [0, 2, 0, 0, 0, 0]);
    }
}

#[tokio::test]
async fn a_replay_is_recognised_for_a_day() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| {
            store::authorization_codes::insert(tx, tenant, &samples::code(1)).await?;
            let hash = CodeHash(hash(1));
            store::authorization_codes::redeem(tx, tenant, &hash, NOW).await?;
            store::authorization_codes::delete_expired(tx, later(DAY), 10).await?;
            let replayed = store::authorization_codes::redeem(tx, tenant, &hash, later(DAY)).await?;
            assert!(matches!(replayed, Redeemed::Replayed(_)), "{replayed:?}");
            Ok(())
        })
        .unwrap();
    }
}

#[tokio::test]
async fn a_grant_that_was_taken_back_goes_before_it_expires() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let deleted = write!(database, |tx| {
            store::sessions::insert(tx, tenant, &samples::session(1, 1), &hash(1)).await?;
            for number in 1..=2 {
                store::grants::insert(tx, tenant, &samples::grant(number, 1, "reports")).await?;
            }
            store::grants::revoke(tx, tenant, samples::grant_id(1), NOW).await?;
            store::grants::delete_expired(tx, later(1), 10).await
        });
        assert_eq!(deleted.unwrap(), 1);
        let kept = store::grants::find(database.read(), tenant, samples::grant_id(2)).await.unwrap();
        assert!(kept.is_some());
    }
}

#[tokio::test]
async fn a_sqlite_file_returns_to_its_size() {
    const SESSIONS: u64 = 8_000;
    let database = TestDatabase::sqlite().await;
    let open = database.open().await;
    let tenant = furnish(&open, 1).await;
    let empty = database.size().await;
    fill(&open, tenant, SESSIONS).await;
    let full = database.size().await;
    assert!(full > empty + 4_000_000, "{empty} {full}");
    remove(&open).await;
    assert!(database.size().await >= full, "room of rows that are gone is the file's still");
    open.shrink().await.unwrap();
    let after = database.size().await;
    assert!(after <= empty + 1_500_000, "{empty}, {full}, {after}: a MiB stays for the next rows");
    // And it is as it was.
    fill(&open, tenant, 100).await;
}

/// Adds sessions with a grant each.
pub(super) async fn fill(database: &store::Database, tenant: TenantId, count: u64) {
    for first in (1..=count).step_by(500) {
        write!(database, |tx| {
            for number in first..(first + 500).min(count + 1) {
                let mut session = samples::session(number.into(), 1);
                session.user_agent = Some("Mozilla/5.0 ".repeat(20));
                store::sessions::insert(tx, tenant, &session, &hash(number)).await?;
                store::grants::insert(tx, tenant, &samples::grant(number.into(), 1, "reports")).await?;
            }
            Ok(())
        })
        .unwrap();
    }
}

/// Removes all that `fill` made, as upkeep does.
pub(super) async fn remove(database: &store::Database) {
    loop {
        let removed = write!(database, |tx| {
            Ok(store::sessions::delete_expired(tx, later(3600), 500).await?
                + store::grants::delete_expired(tx, later(3600), 500).await?)
        });
        if removed.unwrap() == 0 {
            return;
        }
    }
}
