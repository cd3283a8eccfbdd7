//! What is counted of sessions is what was committed, whatever way they began or ended.

use std::time::Duration;

use idp::domain::session::EndReason;
use idp::service::sessions::ending::{self, Ending, Which};
use idp::service::upkeep;
use idp::store::StoreError;
use idp::telemetry::metrics::{Operation, Status};
use serde_json::Value;

use crate::http::claims::tokens_for;
use crate::support::databases;
use crate::support::world::{World, payload};

const EMAIL: &str = "ada@example.com";

/// What is counted of ends: why, and how often.
fn ends(world: &World) -> Vec<(&'static str, u64)> {
    let all = world.ctx.operations.metrics.endings.all().filter(|(_, count)| *count > 0);
    all.map(|(reason, count)| (reason.as_str(), count)).collect()
}

fn sign_outs(world: &World) -> Vec<(Status, u64)> {
    let all = world.ctx.operations.metrics.operations.all();
    all.filter(|(operation, ..)| *operation == Operation::Logout).map(|(_, status, count)| (status, count)).collect()
}

fn began(world: &World) -> u64 {
    world.ctx.operations.metrics.sessions.get()
}

fn session(tokens: &Value) -> Which {
    Which::One(payload(tokens["access_token"].as_str().unwrap())["sid"].as_str().unwrap().parse().unwrap())
}

#[tokio::test]
async fn every_way_in_which_a_session_ends_is_counted_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let (ctx, tenant) = (&world.ctx, world.tenant().await);
        let tokens = tokens_for(&world, "", "reports", EMAIL, &[]).await;
        for _ in 0..2 {
            // The second time there is nothing left to end.
            world.end(tenant.id, session(&tokens)).await;
        }
        assert_eq!((began(&world), ends(&world)), (1, vec![("revoked", 1)]));
        assert_eq!(sign_outs(&world), [(Status::Success, 2), (Status::Failure, 0)]);

        for _ in 0..3 {
            tokens_for(&world, "", "reports", EMAIL, &[]).await;
        }
        let ending = Ending::new(ctx, Which::OfTenant, EndReason::LockDown);
        ending::end(ctx, tenant.id, ending).await.unwrap();
        ending::sweep(ctx).await.unwrap();
        assert_eq!((began(&world), ends(&world)), (4, vec![("revoked", 1), ("lock_down", 3)]));

        // What begins in the same moment is ended with the rest.
        world.pass(Duration::from_secs(1));
        tokens_for(&world, "", "reports", EMAIL, &[]).await;
        world.pass(Duration::from_hours(24 * 400));
        for _ in 0..2 {
            ending::lapse(ctx).await.unwrap();
        }
        upkeep::clean(ctx).await.unwrap();
        let ends = ends(&world);
        assert_eq!(ends[..2], [("revoked", 1), ("lock_down", 3)]);
        assert!(matches!(ends[2..], [("idle" | "expired", 1)]), "{ends:?}");
    }
}

#[tokio::test]
async fn what_is_undone_is_not_counted() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let tokens = tokens_for(&world, "", "reports", EMAIL, &[]).await;
        let (inside, tenant_id, which) = (world.ctx.clone(), tenant.id, session(&tokens));
        let undone: Result<(), StoreError> = world
            .ctx
            .database
            .write(async move |tx| {
                let ending = Ending::new(&inside, which, EndReason::SignedOut);
                assert_eq!(ending::end_in(&inside, &tx, tenant_id, ending).await?.sessions, 1);
                Err(StoreError::Missing)
            })
            .await;
        assert!(matches!(undone, Err(StoreError::Missing)), "{undone:?}");
        assert_eq!((began(&world), ends(&world)), (1, vec![]));

        world.ctx.database.close().await;
        let ending = Ending::new(&world.ctx, session(&tokens), EndReason::SignedOut);
        assert!(ending::end(&world.ctx, tenant.id, ending).await.is_err());
        assert_eq!((began(&world), ends(&world)), (1, vec![]));
        assert_eq!(sign_outs(&world), [(Status::Success, 0), (Status::Failure, 1)]);
    }
}

#[tokio::test]
async fn the_store_says_how_busy_it_is() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let before = world.ctx.database.load();
        let (tell, told) = tokio::sync::oneshot::channel::<()>();
        let (entered, inside) = tokio::sync::oneshot::channel::<()>();
        let writing = tokio::spawn({
            let database = world.ctx.database.clone();
            let job = async move {
                entered.send(()).unwrap();
                told.await.unwrap();
                Ok::<(), StoreError>(())
            };
            async move { database.write(move |_| Box::pin(job)).await }
        });
        inside.await.unwrap();
        assert_eq!(world.ctx.database.load().writes_waiting, before.writes_waiting + 1);
        tell.send(()).unwrap();
        writing.await.unwrap().unwrap();
        let refused = world.ctx.database.write(|_| Box::pin(async { Err::<(), _>(StoreError::Missing) })).await;
        assert!(refused.is_err());
        let after = world.ctx.database.load();
        assert_eq!(after.writes_waiting, before.writes_waiting);
        assert_eq!((after.writes_done, after.writes_failed), (before.writes_done + 1, before.writes_failed + 1));
        assert_eq!(after.commits, before.commits + 1);
    }
}
