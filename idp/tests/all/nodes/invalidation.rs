//! What is revoked on one node is refused on the other within a second, whatever becomes of the wire between them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use idp::store::bus::{Bus, BusError};

use super::{assert_revoked_at_once, listens, revoked_after, sign_in, two_nodes};
use crate::support::database::TestDatabase;
use crate::support::redis::RedisServer;

fn on(server: &RedisServer) -> Option<Arc<dyn Bus>> {
    server.redis().bus()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_the_database_alone() {
    let database = TestDatabase::postgres().await;
    let (one, two) = two_nodes(&database.settings(), || None).await;
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_redis_also_stopped_frozen_and_back() {
    let database = TestDatabase::postgres().await;
    let mut server = RedisServer::start().await;
    let (one, two) = two_nodes(&database.settings(), || on(&server)).await;
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;

    // In the very moment that it goes, and while it is gone.
    let tokens = sign_in(&one, &two).await;
    server.kill();
    let took = revoked_after(&one, &two, &tokens).await;
    assert!(took < super::AT_ONCE, "stopped: seen after {took:?}");
    assert_revoked_at_once(&one, &two).await;

    server.begin().await;
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;

    let tokens = sign_in(&one, &two).await;
    server.freeze();
    let took = revoked_after(&one, &two, &tokens).await;
    assert!(took < super::AT_ONCE, "frozen: seen after {took:?}");
    assert_revoked_at_once(&one, &two).await;
    server.thaw();
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;
}

/// Carries echoes and loses everything else.
#[derive(Debug)]
struct Lossy(Arc<dyn Bus>);

impl Bus for Lossy {
    fn say(&self, message: String) -> BoxFuture<'_, Result<(), BusError>> {
        if message.contains(" echo ") { self.0.say(message) } else { Box::pin(std::future::ready(Ok(()))) }
    }

    fn listen(&self) -> BoxFuture<'_, Result<BoxStream<'static, Vec<u8>>, BusError>> {
        self.0.listen()
    }
}

/// Nobody relies on having heard: the counter in the database tells that something was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_the_bus_loses_is_missed() {
    let database = TestDatabase::postgres().await;
    let server = RedisServer::start().await;
    let (one, two) =
        two_nodes(&database.settings(), || on(&server).map(|bus| Arc::new(Lossy(bus)) as Arc<dyn Bus>)).await;
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;
    // And it goes on: what is kept is used again.
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;
}

/// While the configuration is being changed, some nodes have a bus and others none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_with_and_without_a_bus_hear_of_one_another() {
    let database = TestDatabase::postgres().await;
    let server = RedisServer::start().await;
    let first = std::sync::atomic::AtomicBool::new(true);
    let bus = || if first.swap(false, std::sync::atomic::Ordering::SeqCst) { on(&server) } else { None };
    let (one, two) = two_nodes(&database.settings(), bus).await;
    listens(&one).await;
    listens(&two).await;
    assert_revoked_at_once(&one, &two).await;
}
