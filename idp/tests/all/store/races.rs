//! Many at once: the database decides who was first.

use std::time::Duration;

use futures_util::future::join_all;
use idp::domain::authorization_code::Redeemed;
use idp::domain::client_assertion::Seen;
use idp::domain::sign_in_limit::{Attempt, LimitKind};
use idp::store::{self, StoreError};
use keys::KeyLifecycle;

use super::samples::{self, NOW, furnish, hash, later};
use super::write;
use crate::support::databases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_redeemed_once_by_fifty_at_once() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let code = samples::code(1);
        let row = code.clone();
        write!(database, |tx| store::authorization_codes::insert(tx, tenant, &row).await).unwrap();

        let attempts = (0..50).map(|_| {
            let hash = code.hash;
            let database = database.clone();
            tokio::spawn(async move {
                write!(database, |tx| store::authorization_codes::redeem(tx, tenant, &hash, NOW).await).unwrap()
            })
        });
        let (mut first, mut replayed) = (0, 0);
        for redeemed in join_all(attempts).await {
            match redeemed.unwrap() {
                Redeemed::First(found) => {
                    assert_eq!(*found, code);
                    first += 1;
                }
                Redeemed::Replayed(found) => {
                    assert_eq!(*found, code);
                    replayed += 1;
                }
                Redeemed::Unknown => panic!("the code is there"),
            }
        }
        assert_eq!((first, replayed), (1, 49));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_hundred_attempts_at_once_ten_are_let_through() {
    const WINDOW: Duration = Duration::from_mins(15);
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let count = |at| {
            let database = database.clone();
            async move {
                write!(database, |tx| {
                    let kind = LimitKind::Account;
                    store::sign_in_limits::count_attempt(tx, tenant, kind, &hash(1), at, WINDOW, 10).await
                })
                .unwrap()
            }
        };
        let attempts = join_all((0..200).map(|_| tokio::spawn(count(NOW)))).await;
        let attempts: Vec<Attempt> = attempts.into_iter().map(Result::unwrap).collect();
        let allowed = attempts.iter().filter(|attempt| **attempt == Attempt::Allowed).count();
        let blocked = attempts.iter().filter(|attempt| **attempt == Attempt::Blocked { until: later(900) }).count();
        assert_eq!((allowed, blocked), (10, 190));

        let checked = |at| {
            store::sign_in_limits::check(
                database.read(),
                tenant,
                LimitKind::Account,
                const { &[0; 32] },
                at,
                WINDOW,
                10,
            )
        };
        assert_eq!(checked(NOW).await.unwrap(), Attempt::Allowed, "another account");
        assert_eq!(count(later(899)).await, Attempt::Blocked { until: later(900) }, "attempts don't prolong the block");
        assert_eq!(count(later(900)).await, Attempt::Allowed, "the window is over");
    }
}

#[tokio::test]
async fn a_limit_is_counted_by_kind_and_subject_and_forgotten_on_success() {
    const WINDOW: Duration = Duration::from_mins(1);
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let count = |kind, subject| {
            let database = database.clone();
            async move {
                write!(database, |tx| {
                    store::sign_in_limits::count_attempt(tx, tenant, kind, &hash(subject), NOW, WINDOW, 1).await
                })
                .unwrap()
            }
        };
        let check = |subject: u64| {
            let database = database.clone();
            async move {
                let (db, kind) = (database.read(), LimitKind::Account);
                store::sign_in_limits::check(db, tenant, kind, &hash(subject), NOW, WINDOW, 1).await.unwrap()
            }
        };
        let blocked = Attempt::Blocked { until: later(60) };
        assert_eq!(check(1).await, Attempt::Allowed);
        assert_eq!(count(LimitKind::Account, 1).await, Attempt::Allowed);
        assert_eq!(check(1).await, blocked);
        assert_eq!(count(LimitKind::Account, 1).await, blocked);
        assert_eq!(count(LimitKind::Address, 1).await, Attempt::Allowed);
        assert_eq!(count(LimitKind::Account, 2).await, Attempt::Allowed);

        write!(database, |tx| store::sign_in_limits::reset(tx, tenant, LimitKind::Account, &hash(1)).await).unwrap();
        assert_eq!(count(LimitKind::Account, 1).await, Attempt::Allowed);
        assert_eq!(count(LimitKind::Address, 1).await, blocked, "the reset was for the account only");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_assertion_counts_once() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let attempts = (0..20).map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                let client = samples::client_id("reports");
                write!(database, |tx| {
                    store::client_assertions::remember(tx, tenant, &client, &hash(1), later(60)).await
                })
                .unwrap()
            })
        });
        let seen = join_all(attempts).await;
        assert_eq!(seen.into_iter().filter(|seen| *seen.as_ref().unwrap() == Seen::First).count(), 1);

        let unknown = samples::client_id("unknown");
        let refused: Result<Seen, StoreError> = write!(database, |tx| {
            store::client_assertions::remember(tx, tenant, &unknown, &hash(1), later(60)).await
        });
        assert!(matches!(refused, Err(StoreError::Missing)), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_nodes_that_make_a_first_key_at_once_one_does() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let attempts = (0..10).map(|_| {
            let database = database.clone();
            tokio::spawn(async move {
                let key = samples::key(KeyLifecycle::first(NOW.millis()));
                write!(database, |tx| store::signing_keys::insert_active_if_none(tx, tenant, &key).await).unwrap()
            })
        });
        let made = join_all(attempts).await;
        assert_eq!(made.into_iter().filter(|made| *made.as_ref().unwrap()).count(), 1);
        assert_eq!(store::signing_keys::list_published(database.read(), tenant).await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flow_is_bound_once_and_closed_once() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        write!(database, |tx| store::authorization_flows::insert(tx, tenant, &samples::flow(1)).await).unwrap();
        let bound = join_all((0..10).map(|browser| {
            let database = database.clone();
            tokio::spawn(async move {
                let id = samples::flow_id(1);
                write!(database, |tx| store::authorization_flows::bind_browser(tx, tenant, id, &hash(browser)).await)
                    .unwrap()
            })
        }))
        .await;
        assert_eq!(bound.into_iter().filter(|bound| *bound.as_ref().unwrap()).count(), 1);
        let closed = join_all((0..10).map(|number| {
            let database = database.clone();
            tokio::spawn(async move {
                let id = samples::flow_id(1);
                write!(database, |tx| {
                    if number % 2 == 0 {
                        store::authorization_flows::complete(tx, tenant, id, NOW).await
                    } else {
                        store::authorization_flows::refuse(tx, tenant, id, NOW).await
                    }
                })
                .unwrap()
            })
        }))
        .await;
        assert_eq!(closed.into_iter().filter(|closed| *closed.as_ref().unwrap()).count(), 1);
    }
}
