//! Nodes that are processes of their own, and are killed while they relay events.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::time::{sleep, timeout};

use crate::service::relay::{assert_in_order, ids, streamed, tell};
use crate::support::database::TestDatabase;
use crate::support::redis::RedisServer;
use crate::support::world::World;

/// A running `signet serve`.
struct Node(Child);

impl Node {
    /// With the issuer and the keys of a [`World`] on the same database.
    fn start(database: &TestDatabase, redis: &RedisServer) -> Self {
        let process = Command::new(env!("CARGO_BIN_EXE_signet"))
            .arg("serve")
            .env_clear()
            .env("SIGNET_ISSUER", "http://127.0.0.1:8080")
            .env("SIGNET_LISTEN__ADDRESS", "127.0.0.1:0")
            .env("SIGNET_DATABASE__URL", database.settings().url.expose())
            .env("SIGNET_KEY_ENCRYPTION_KEY", STANDARD.encode([7; 32]))
            .env("SIGNET_REDIS__URL", redis.url())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(process.unwrap())
    }

    fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

/// As by `kill -9`.
impl Drop for Node {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

/// Waits until the stream has so many entries.
async fn arrived(redis: &RedisServer, count: usize) {
    let mut client = redis.client().await;
    let enough = async {
        while redis::cmd("XLEN").arg("auth:events").query_async::<usize>(&mut client).await.unwrap() < count {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(Duration::from_mins(1), enough).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ten_thousand_events_none_is_missing_though_relaying_nodes_are_killed_and_redis_as_well() {
    const ALL: u128 = 10_000;
    let mut redis = RedisServer::start().await;
    let database = TestDatabase::postgres().await;
    let world = World::on(database.open().await).await;
    let mut first = Node::start(&database, &redis);
    let mut second = Node::start(&database, &redis);

    // Each is killed in the middle of it; whichever had the claim, another goes on when that is over.
    let killed = async {
        arrived(&redis, 400).await;
        assert!(first.is_running());
        drop(first);
    };
    tokio::join!(tell(&world, 0..3_000), killed);
    let mut third = Node::start(&database, &redis);
    let killed = async {
        arrived(&redis, 3_400).await;
        assert!(second.is_running());
        drop(second);
    };
    tokio::join!(tell(&world, 3_000..6_000), killed);
    let _fourth = Node::start(&database, &redis);

    redis.kill();
    tell(&world, 6_000..8_000).await;
    let begin = async {
        redis.begin().await;
        redis
    };
    let (redis, ()) = tokio::join!(begin, tell(&world, 8_000..ALL));
    let all = usize::try_from(ALL).unwrap();
    let complete = async {
        loop {
            let found = streamed(&redis).await;
            if ids(&found).len() == all {
                return found;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let found = timeout(Duration::from_mins(1), complete).await.unwrap();
    assert_in_order(&found);
    assert!(third.is_running());
    println!("{} of {all} events came twice", found.len() - all);
}
