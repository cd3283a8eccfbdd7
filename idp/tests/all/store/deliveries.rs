//! The queue of messages to others: who may send what, and when.

use futures_util::future::{FutureExt as _, join_all};
use idp::domain::TenantId;
use idp::domain::delivery::{Delivery, DeliveryKind, DeliveryState};
use idp::store::{self, Database, StoreError};
use sea_orm::ConnectionTrait as _;

use super::samples::{NOW, delivery, delivery_id, furnish, later};
use super::write;
use crate::support::databases;
use crate::support::deliveries::queue;

async fn add(database: &Database, tenant: TenantId, messages: &[(u128, &str, Option<&str>)]) {
    let messages: Vec<_> =
        messages.iter().map(|(number, target, subject)| delivery(*number, target, *subject)).collect();
    write!(database, |tx| {
        for message in messages {
            store::deliveries::insert(tx, tenant, message, NOW).await?;
        }
        Ok(())
    })
    .unwrap();
}

async fn due(database: &Database, busy: &[store::deliveries::Target]) -> Vec<Delivery> {
    let due = store::deliveries::due(database.read(), NOW, busy, 100).await.unwrap();
    due.into_iter().map(|(_, delivery)| delivery).collect()
}

fn numbers(due: &[Delivery]) -> Vec<u128> {
    due.iter().map(|delivery| delivery.id.uuid().as_u128()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_fifty_who_claim_a_message_one_gets_it() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        add(&database, tenant, &[(1, "a", None)]).await;
        let message = due(&database, &[]).await.remove(0);
        let claims = (0..50).map(|_| {
            let (database, message) = (database.clone(), message.clone());
            tokio::spawn(async move {
                write!(database, |tx| store::deliveries::claim(tx, tenant, message, later(9)).await).unwrap()
            })
        });
        let claimed: Vec<Delivery> = join_all(claims).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(claimed, [Delivery { attempts: 1, next_attempt_at: later(9), ..message }]);
    }
}

/// Whoever was thought dead and comes back changes nothing of what another does by now.
#[tokio::test]
async fn a_claim_is_over_after_its_time_and_what_its_owner_says_then_does_not_count() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        add(&database, tenant, &[(1, "a", None)]).await;
        let message = due(&database, &[]).await.remove(0);
        let claim = |message: Delivery, until| {
            let database = database.clone();
            async move { write!(database, |tx| store::deliveries::claim(tx, tenant, message, until).await).unwrap() }
        };
        let lost = claim(message, later(9)).await.unwrap();
        assert!(due(&database, &[]).await.is_empty());
        let again = store::deliveries::due(database.read(), later(9), &[], 9).await.unwrap().remove(0).1;
        let mine = claim(again, later(18)).await.unwrap();
        assert_eq!(mine.attempts, 2);

        let (late, now) = (lost.clone(), mine.clone());
        write!(database, |tx| {
            store::deliveries::delivered(tx, tenant, &late, NOW).await?;
            store::deliveries::given_up(tx, tenant, &late, "late", NOW).await
        })
        .unwrap();
        assert_eq!(queue(&database, tenant).await, [mine]);
        write!(database, |tx| store::deliveries::delivered(tx, tenant, &now, NOW).await).unwrap();
        assert_eq!(queue(&database, tenant).await, []);
    }
}

#[tokio::test]
async fn messages_about_one_subject_go_one_after_the_other_and_others_pass_them() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let other = furnish(&database, 2).await;
        let (x, y) = (Some("x"), Some("y"));
        add(&database, tenant, &[(3, "a", x), (2, "a", x), (4, "a", y), (5, "b", x), (6, "a", None)]).await;
        add(&database, other, &[(7, "a", x)]).await;
        let first = due(&database, &[]).await;
        assert_eq!(numbers(&first), [2, 4, 5, 6, 7]);
        let busy = [(tenant, DeliveryKind::BackchannelLogout, "a".to_owned())];
        assert_eq!(numbers(&due(&database, &busy).await), [5, 7]);

        // It waits for the next attempt: so does what comes after it.
        let message = first[0].clone();
        let claimed = write!(database, |tx| {
            let claimed = store::deliveries::claim(tx, tenant, message, later(1)).await?.unwrap();
            store::deliveries::failed(tx, tenant, &claimed, "refused", later(60)).await?;
            Ok(Delivery { next_attempt_at: later(60), ..claimed })
        })
        .unwrap();
        assert_eq!(numbers(&due(&database, &[]).await), [4, 5, 6, 7]);
        write!(database, |tx| store::deliveries::given_up(tx, tenant, &claimed, "refused", NOW).await).unwrap();
        assert_eq!(numbers(&due(&database, &[]).await), [3, 4, 5, 6, 7], "a dead one keeps nobody back");
    }
}

/// Behind a message that fails nothing is looked at until it has gone, however much that is.
#[tokio::test]
async fn what_is_behind_one_that_failed_is_held_until_that_has_gone() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let (x, y) = (Some("x"), Some("y"));
        add(&database, tenant, &[(1, "a", x), (2, "a", x), (3, "a", x), (4, "a", y), (5, "b", x)]).await;
        let step = async |number: u128, fails: bool| {
            let message = due(&database, &[]).await.into_iter().find(|due| due.id.uuid().as_u128() == number).unwrap();
            write!(database, |tx| {
                let claimed = store::deliveries::claim(tx, tenant, message, later(1)).await?.unwrap();
                if fails {
                    store::deliveries::failed(tx, tenant, &claimed, "refused", NOW).await
                } else {
                    store::deliveries::delivered(tx, tenant, &claimed, NOW).await
                }
            })
            .unwrap();
        };
        let held = async || {
            let all = queue(&database, tenant).await;
            let held: Vec<Delivery> = all.into_iter().filter(|message| message.next_attempt().is_none()).collect();
            numbers(&held)
        };
        step(1, true).await;
        assert_eq!(held().await, [2, 3]);
        add(&database, tenant, &[(6, "a", x)]).await;
        assert_eq!(numbers(&due(&database, &[]).await), [1, 4, 5], "nor is what came later sent before it");
        step(1, true).await;
        assert_eq!(held().await, [2, 3, 6]);
        step(1, false).await;
        assert_eq!((held().await, numbers(&due(&database, &[]).await)), (vec![3, 6], vec![2, 4, 5]));
        // Sent by an earlier version, which knows of none that are held.
        let let_go = write!(database, |tx| {
            let sent =
                "DELETE FROM deliveries WHERE target = 'a' AND subject = 'x' AND next_attempt_at < 9000000000000000";
            tx.execute_unprepared(sent).await.unwrap();
            store::deliveries::let_go_all(tx, NOW).await
        });
        assert_eq!(let_go.unwrap(), 1);
        assert_eq!((held().await, numbers(&due(&database, &[]).await)), (vec![6], vec![3, 4, 5]));
    }
}

#[tokio::test]
async fn dead_messages_are_listed_sent_again_and_deleted_after_a_while() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        add(&database, tenant, &[(1, "a", None), (2, "a", None), (3, "a", None)]).await;
        let all = due(&database, &[]).await;
        write!(database, |tx| {
            for message in &all[..2] {
                store::deliveries::given_up(tx, tenant, message, "refused", later(8)).await?;
            }
            Ok(())
        })
        .unwrap();
        let target = (DeliveryKind::BackchannelLogout, "a");
        let list =
            async |after| store::deliveries::list_of_target(database.read(), tenant, target, after, 10).await.unwrap();
        assert_eq!(numbers(&list(None).await), [1, 2, 3]);
        assert_eq!(numbers(&list(Some(delivery_id(1))).await), [2, 3]);
        let states: Vec<_> = list(None).await.iter().map(|delivery| delivery.state).collect();
        assert_eq!(states, [DeliveryState::Dead, DeliveryState::Dead, DeliveryState::Pending]);
        let replayed = write!(database, |tx| {
            let one = Some(delivery_id(1));
            let replayed = store::deliveries::replay_of_target(tx, tenant, target, one, later(5)).await?;
            Ok([replayed, store::deliveries::replay_of_target(tx, tenant, target, one, later(5)).await?])
        });
        assert_eq!(replayed.unwrap(), [1, 0]);
        let again = list(None).await.remove(0);
        assert_eq!((again.attempts, again.next_attempt_at), (0, later(5)));
        assert_eq!(again.last_error.as_deref(), Some("refused"));

        for (before, expected) in [(7, 0), (8, 1)] {
            let deleted = write!(database, |tx| store::deliveries::delete_dead(tx, later(before), 10).await);
            assert_eq!(deleted.unwrap(), expected, "from when it was given up");
        }
        assert_eq!(numbers(&list(None).await), [1, 3], "what waits is never deleted");
    }
}

#[tokio::test]
async fn a_message_wakes_its_sender_at_the_commit_and_only_then() {
    for database in databases().await {
        let database = database.open().await;
        let tenant = furnish(&database, 1).await;
        let rung = || database.changes().deliveries_added().now_or_never().is_some();
        assert!(!rung());
        let undone: Result<(), StoreError> = write!(database, |tx| {
            store::deliveries::insert(tx, tenant, delivery(1, "a", None), NOW).await?;
            Err(StoreError::Missing)
        });
        undone.unwrap_err();
        assert!(!rung());
        assert!(due(&database, &[]).await.is_empty());
        add(&database, tenant, &[(1, "a", None)]).await;
        assert!(rung());
        assert!(!rung());
    }
}
