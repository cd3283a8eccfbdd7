//! Events to Redis: all of them, in order, whatever goes away in between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use idp::config::Config;
use idp::domain::event::{Event, EventType, OutboxEvent};
use idp::domain::ids::EventId;
use idp::domain::{Secret, TenantId, UserId};
use idp::service::relay;
use idp::store::outbox::{self, Consumer};
use idp::store::{self, StoreError};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::redis::RedisServer;
use crate::support::world::World;

const TENANT: TenantId = TenantId::DEFAULT;

async fn connected(database: &TestDatabase, redis: &RedisServer) -> World {
    let url = Secret::new(redis.url());
    World::with(database.open().await, |config: &mut Config| config.redis.url = Some(url)).await
}

/// Tells so many events about one of ten people each, in transactions of ten.
pub(crate) async fn tell(world: &World, numbers: std::ops::Range<u128>) {
    for ten in numbers.clone().step_by(10) {
        let (at, to) = (world.ctx.now(), (ten + 10).min(numbers.end));
        let told: Result<(), StoreError> = world
            .ctx
            .database
            .write(async move |tx| {
                for number in ten..to {
                    let event = Event {
                        id: EventId::from_uuid(Uuid::from_u128(number)),
                        at,
                        kind: EventType::SessionActivityUpdated,
                        user_id: Some(UserId::from_uuid(Uuid::from_u128(number % 10))),
                        session_id: None,
                        client_id: None,
                        actor: None,
                        address: None,
                        user_agent: None,
                        data: serde_json::Map::new(),
                    };
                    tx.record(TENANT, event.clone());
                }
                Ok(())
            })
            .await;
        told.unwrap();
    }
}

/// What the stream has, in its order.
pub(crate) async fn streamed(redis: &RedisServer) -> Vec<Value> {
    let mut client = redis.client().await;
    let entries: Vec<(String, Vec<String>)> =
        redis::cmd("XRANGE").arg(&["auth:events", "-", "+"]).query_async(&mut client).await.unwrap();
    let payload = |fields: &[String]| {
        assert_eq!((fields[0].as_str(), fields[2].as_str()), ("type", "payload"));
        let payload: Value = serde_json::from_str(&fields[3]).unwrap();
        assert_eq!(payload["type"], fields[1].as_str());
        payload
    };
    entries.iter().map(|(_, fields)| payload(fields)).collect()
}

pub(crate) fn ids(payloads: &[Value]) -> BTreeSet<String> {
    payloads.iter().map(|payload| payload["id"].as_str().unwrap().to_owned()).collect()
}

/// Fails unless what is about one person came in order, but for what came again.
pub(crate) fn assert_in_order(payloads: &[Value]) {
    let mut last: BTreeMap<&str, i64> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for payload in payloads.iter().filter(|payload| seen.insert(payload["id"].as_str())) {
        let (user, position) = (payload["user_id"].as_str().unwrap(), payload["position"].as_i64().unwrap());
        let before = last.insert(user, position);
        assert!(before.is_none_or(|before| before < position), "{before:?} {payload}");
    }
}

#[tokio::test]
async fn an_event_comes_by_the_channel_of_its_name_and_is_kept_in_the_stream() {
    let redis = RedisServer::start().await;
    for database in databases().await {
        let world = connected(&database, &redis).await;
        let tenant = world.tenant().await;
        let mut listener = redis.listener().await;
        let user = world.user(&tenant, "ada@example.com").await;
        let node = Uuid::from_u128(1);
        assert!(relay::to_redis(&world.ctx, node).await.unwrap());
        assert!(relay::to_redis(&world.ctx, node).await.unwrap());

        let message = listener.on_message().next().await.unwrap();
        assert_eq!(message.get_channel_name(), "auth:user.registered");
        let payload: Value = serde_json::from_str(&message.get_payload::<String>().unwrap()).unwrap();
        assert_eq!(payload["user_id"], serde_json::json!(user.id));
        assert_eq!(payload["data"]["email"], "ada@example.com");
        assert_eq!(payload["position"], 1);
        assert_eq!(streamed(&redis).await.last(), Some(&payload));
        assert!(listener.on_message().next().now_or_never().is_none(), "once");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_none_is_missing_though_redis_goes_away_and_comes_back() {
    const ALL: u128 = 10_000;
    let mut redis = RedisServer::start().await;
    let database = TestDatabase::postgres().await;
    let world = connected(&database, &redis).await;
    let peer = world.peer(database.open().await);
    let stop = CancellationToken::new();
    let relays: Vec<_> = [&world, &peer]
        .map(|node| {
            let (ctx, stop) = (node.ctx.clone(), stop.clone());
            tokio::spawn(async move { relay::run(&ctx, &stop).await })
        })
        .into();
    let part = ALL / 5;
    tokio::join!(tell(&world, 0..part), tell(&peer, part..2 * part));
    redis.kill();
    tokio::join!(tell(&world, 2 * part..3 * part), tell(&peer, 3 * part..4 * part));
    let begin = async {
        redis.begin().await;
        redis
    };
    let (redis, ()) = tokio::join!(begin, tell(&world, 4 * part..ALL));

    let all = usize::try_from(ALL).unwrap();
    let arrived = async {
        loop {
            let found = streamed(&redis).await;
            if ids(&found).len() == all {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let found =
        tokio::time::timeout(Duration::from_mins(1), arrived).await.unwrap_or_else(|_| panic!("some are missing"));
    assert_in_order(&found);
    println!("{} of {all} events came twice", found.len() - all);
    stop.cancel();
    for relay in relays {
        relay.await.unwrap();
    }
}

#[tokio::test]
async fn while_redis_is_gone_events_wait() {
    let mut redis = RedisServer::start().await;
    for database in databases().await {
        let world = connected(&database, &redis).await;
        let node = Uuid::from_u128(1);
        redis.kill();
        tell(&world, 0..30).await;
        for _ in 0..2 {
            assert!(!relay::to_redis(&world.ctx, node).await.unwrap());
        }
        relay::to_webhooks(&world.ctx).await.unwrap();
        world.pass(Duration::from_hours(24 * 30));
        relay::clean(&world.ctx).await.unwrap();
        let kept = outbox::after(world.ctx.database.read(), TENANT, 0, 100).await.unwrap();
        assert_eq!(kept.len(), 30, "however old they are");

        redis.begin().await;
        let before = streamed(&redis).await.len();
        // It isn't tried again in the very moment that it is back.
        let back = async {
            while !relay::to_redis(&world.ctx, node).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), back).await.unwrap();
        let found = streamed(&redis).await.split_off(before);
        assert_eq!(found.len(), 30);
        assert_in_order(&found);
        relay::clean(&world.ctx).await.unwrap();
        assert_eq!(outbox::after(world.ctx.database.read(), TENANT, 0, 100).await.unwrap(), []);
    }
}

/// What it has no right to do, or no memory for, it does none of, and then once.
#[tokio::test]
async fn a_redis_that_refuses_hears_each_event_once_when_it_takes_them() {
    const RIGHTS: [&str; 8] =
        ["~auth:events", "&auth:*", "&signet:changes", "+publish", "+subscribe", "+ping", "+multi", "+exec"];
    let redis = RedisServer::start().await;
    let mut told = 0;
    for database in databases().await {
        let url = Secret::new(redis.url_of_user(&RIGHTS).await);
        let world = World::with(database.open().await, |config: &mut Config| config.redis.url = Some(url)).await;
        let (node, mut listener) = (Uuid::from_u128(1), redis.listener().await);
        tell(&world, 0..30).await;
        for _ in 0..3 {
            assert!(!relay::to_redis(&world.ctx, node).await.unwrap(), "it may not XADD");
        }
        redis.url_of_user(&[&RIGHTS[..], &["+xadd"]].concat()).await;
        let mut admin = redis.client().await;
        for (limit, takes) in [("1", false), ("0", true)] {
            let command = ["SET", "maxmemory", limit];
            redis::cmd("CONFIG").arg(&command).query_async::<()>(&mut admin).await.unwrap();
            assert_eq!(relay::to_redis(&world.ctx, node).await.unwrap(), takes, "maxmemory {limit}");
        }
        assert!(relay::to_redis(&world.ctx, node).await.unwrap());
        let streamed = streamed(&redis).await.split_off(told);
        told += streamed.len();
        let mut heard: Vec<Value> = Vec::new();
        for _ in 0..30 {
            let message = listener.on_message().next().await.unwrap();
            heard.push(serde_json::from_str(&message.get_payload::<String>().unwrap()).unwrap());
        }
        assert_eq!((streamed.len(), ids(&streamed).len()), (30, 30));
        assert_eq!(heard, streamed, "in the channel as in the stream");
        assert!(listener.on_message().next().now_or_never().is_none(), "once");
    }
}

#[tokio::test]
async fn a_node_that_is_killed_loses_nothing_and_holds_nobody_up_for_long() {
    let redis = RedisServer::start().await;
    for database in databases().await {
        let world = connected(&database, &redis).await;
        let peer = world.peer(database.open().await);
        tell(&world, 0..20).await;
        // One node claims, publishes, and is gone before it can say so.
        let (dead, alive) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let claim = async |term| {
            let now = world.ctx.now();
            let claimed: Result<Option<i64>, StoreError> = world
                .ctx
                .database
                .write(async move |tx| outbox::claim(&tx, TENANT, Consumer::Redis, dead, now, term).await)
                .await;
            assert_eq!(claimed.unwrap(), Some(0));
        };
        claim(Duration::from_mins(1)).await;
        let before = streamed(&redis).await.len();
        let events: Vec<OutboxEvent> = outbox::after(world.ctx.database.read(), TENANT, 0, 7).await.unwrap();
        world.ctx.redis.publish(&events).await.unwrap();

        assert!(relay::to_redis(&peer.ctx, alive).await.unwrap());
        assert_eq!(streamed(&redis).await.len(), before + 7, "two don't tell at the same time");
        // Its time is over, by the clock of the database.
        claim(Duration::ZERO).await;
        assert!(relay::to_redis(&peer.ctx, alive).await.unwrap());
        let found = streamed(&redis).await.split_off(before);
        assert_eq!((found.len(), ids(&found).len()), (27, 20), "what was told is told again, with the same ids");
        assert_in_order(&found);
    }
}

#[tokio::test]
async fn without_redis_and_webhooks_events_go_when_they_are_old() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        tell(&world, 0..10).await;
        relay::to_webhooks(&world.ctx).await.unwrap();
        relay::clean(&world.ctx).await.unwrap();
        let kept = || async { outbox::after(world.ctx.database.read(), TENANT, 0, 100).await.unwrap().len() };
        assert_eq!(kept().await, 10);
        world.pass(world.ctx.config.events.retention + Duration::from_secs(1));
        tell(&world, 10..12).await;
        relay::clean(&world.ctx).await.unwrap();
        assert_eq!(kept().await, 2);
        assert_eq!(store::outbox::newest(world.ctx.database.read(), TENANT).await.unwrap(), 12);
    }
}
