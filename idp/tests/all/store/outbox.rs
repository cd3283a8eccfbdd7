//! Events on their way out: none is lost, none has a place that a reader has passed already.

use std::time::Duration;

use futures_util::future::join_all;
use idp::domain::TenantId;
use idp::store::outbox::{Backlog, Consumer};
use idp::store::{self, Database, StoreError};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};

use super::samples::{self, furnish, later, tenant_id};
use super::write;
use crate::support::databases;

async fn tell(database: &Database, tenant: TenantId, number: u128) -> Result<(), StoreError> {
    write!(database, |tx| {
        tx.record(tenant, samples::told(number));
        Ok(())
    })
}

async fn positions(database: &Database, tenant: TenantId) -> Vec<i64> {
    let events = store::outbox::after(database.read(), tenant, 0, 1000).await.unwrap();
    events.iter().map(|event| event.position).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_have_no_gaps_whoever_writes_and_whatever_is_undone() {
    for database in databases().await {
        let nodes = [database.open().await, database.open().await];
        let (one, other) = (furnish(&nodes[0], 1).await, furnish(&nodes[0], 2).await);
        let writes = (0..60_u128).map(|number| {
            let node = nodes[usize::try_from(number % 2).unwrap()].clone();
            async move {
                let refused = write!(node, |tx| {
                    tx.record(one, samples::told(number));
                    tx.record(other, samples::told(number));
                    if number.is_multiple_of(3) { Err(StoreError::Missing) } else { Ok(()) }
                });
                assert_eq!(refused.is_err(), number.is_multiple_of(3), "{refused:?}");
            }
        });
        join_all(writes).await;
        for tenant in [one, other] {
            assert_eq!(positions(&nodes[1], tenant).await, (1..=40).collect::<Vec<_>>());
            assert_eq!(store::outbox::newest(nodes[1].read(), tenant).await.unwrap(), 40);
        }
    }
}

#[tokio::test]
async fn a_transaction_that_commits_late_is_not_overtaken() {
    for database in databases().await {
        let open = database.open().await;
        let tenant = furnish(&open, 1).await;
        tell(&open, tenant, 1).await.unwrap();
        let raw = database.raw().await;
        let late = raw.begin().await.unwrap();
        for statement in [
            "UPDATE ledger_heads SET event_position = 2",
            "INSERT INTO outbox_events SELECT tenant_id, 2, event_id, type, subject, at, payload FROM outbox_events",
        ] {
            late.execute_unprepared(statement).await.unwrap();
        }
        let (node, begun) = (open.clone(), tokio::sync::oneshot::channel());
        let after_it = tokio::spawn(async move {
            write!(node, |tx| {
                begun.0.send(()).unwrap();
                tx.record(tenant, samples::told(3));
                Ok(())
            })
        });
        if !database.is_sqlite() {
            // There the other transaction keeps this one from beginning.
            begun.1.await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(positions(&open, tenant).await, [1], "nothing is seen that comes after what isn't");
        assert!(!after_it.is_finished());

        late.commit().await.unwrap();
        after_it.await.unwrap().unwrap();
        assert_eq!(positions(&open, tenant).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn an_event_comes_back_as_it_was_told() {
    for database in databases().await {
        let open = database.open().await;
        let tenant = furnish(&open, 1).await;
        let told = samples::told(7);
        tell(&open, tenant, 7).await.unwrap();
        let events = store::outbox::after(open.read(), tenant, 0, 10).await.unwrap();
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!((event.tenant, event.position, event.id, event.at), (tenant, 1, told.id, told.at));
        assert_eq!((event.kind.as_str(), event.subject.as_str()), (told.kind.as_str(), told.subject().as_str()));
        let mut payload = told.payload(tenant);
        payload["position"] = 1.into();
        payload["data"]["typed"] = "a\u{fffd}b".into();
        assert_eq!(event.payload, payload, "and NUL, which PostgreSQL doesn't take, is no reason to lose it");
    }
}

#[tokio::test]
async fn an_event_of_no_tenant_is_refused() {
    for database in databases().await {
        let open = database.open().await;
        let refused = tell(&open, tenant_id(9), 1).await;
        assert!(refused.is_err());
        let tenant = furnish(&open, 1).await;
        tell(&open, tenant, 1).await.unwrap();
        assert_eq!(positions(&open, tenant).await, [1], "and the next one isn't held up by it");
    }
}

#[tokio::test]
async fn each_way_of_delivery_has_a_place_of_its_own() {
    for database in databases().await {
        let open = database.open().await;
        let (one, other) = (furnish(&open, 1).await, furnish(&open, 2).await);
        for number in 1..=3 {
            tell(&open, one, number).await.unwrap();
        }
        tell(&open, other, 4).await.unwrap();
        let backlogs = async |consumer| store::outbox::backlogs(open.read(), consumer).await.unwrap();
        let all = [Backlog { tenant: one, taken: 0, newest: 3 }, Backlog { tenant: other, taken: 0, newest: 1 }];
        assert_eq!(backlogs(Consumer::Redis).await, all);

        let take = async |from, to| write!(open, |tx| store::outbox::take(tx, one, Consumer::Redis, from, to).await);
        assert!(take(0, 2).await.unwrap());
        assert!(!take(0, 1).await.unwrap(), "somebody else has been there");
        assert_eq!(backlogs(Consumer::Redis).await, [Backlog { taken: 2, ..all[0] }, all[1]]);
        assert_eq!(backlogs(Consumer::Webhooks).await, all);
        assert!(take(2, 3).await.unwrap());
        assert_eq!(backlogs(Consumer::Redis).await, [all[1]]);
    }
}

#[tokio::test]
async fn events_go_when_they_are_old_and_everybody_has_them() {
    for database in databases().await {
        let open = database.open().await;
        let (one, other) = (furnish(&open, 1).await, furnish(&open, 2).await);
        for number in 1..=3 {
            tell(&open, one, number).await.unwrap();
            tell(&open, other, number).await.unwrap();
        }
        let both = [Consumer::Redis, Consumer::Webhooks];
        let delete = async |before| write!(open, |tx| store::outbox::delete_taken(tx, &both, before, 10).await);
        write!(open, |tx| {
            store::outbox::take(tx, one, Consumer::Redis, 0, 3).await?;
            store::outbox::take(tx, one, Consumer::Webhooks, 0, 2).await
        })
        .unwrap();
        assert_eq!(delete(samples::NOW - Duration::from_secs(1)).await.unwrap(), 0, "too young");
        assert_eq!(delete(later(60)).await.unwrap(), 2);
        assert_eq!((positions(&open, one).await, positions(&open, other).await), (vec![3], vec![1, 2, 3]));
        tell(&open, one, 4).await.unwrap();
        assert_eq!(positions(&open, one).await, [3, 4], "places aren't given twice");
    }
}
