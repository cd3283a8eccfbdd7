//! Several nodes on one PostgreSQL, and what they depend on taken away and given back.

mod invalidation;
mod outages;

use std::sync::Arc;
use std::time::Duration;

use idp::domain::SessionId;
use idp::service::sessions::ending::Which;
use idp::store::bus::Bus;
use idp::store::{Database, DatabaseSettings};
use poem::http::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::http::claims::{tokens_for, userinfo};
use crate::support::world::{World, payload};

/// How long a revocation may take to be seen everywhere.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Two nodes, each with a database connection and, maybe, a place at a bus of its own.
async fn two_nodes(settings: &DatabaseSettings, bus: impl Fn() -> Option<Arc<dyn Bus>>) -> (World, World) {
    let open = async || Database::connect(&DatabaseSettings { bus: bus(), ..settings.clone() }).await.unwrap();
    let one = World::on(open().await).await;
    one.furnish().await;
    let two = one.peer(open().await);
    (one, two)
}

/// Waits until a node hears of what others change, so that it uses what it keeps.
async fn listens(node: &World) {
    let database = &node.ctx.database;
    let certain = async {
        while !database.changes().is_certain() {
            database.catch_up().await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), certain).await.unwrap();
}

/// Signs somebody in at one node; the tokens are warm at both.
async fn sign_in(one: &World, two: &World) -> Value {
    let tokens = tokens_for(one, "", "reports", "ada@example.com", &[]).await;
    for node in [one, two, one, two] {
        assert_eq!(userinfo(node, "", &tokens).await.status, StatusCode::OK);
    }
    tokens
}

/// Ends the session of these tokens at one node, and says how long the other one goes on taking them.
async fn revoked_after(one: &World, two: &World, tokens: &Value) -> Duration {
    let claims = payload(tokens["access_token"].as_str().unwrap());
    let session = SessionId::from_uuid(claims["sid"].as_str().unwrap().parse().unwrap());
    one.end(one.tenant().await.id, Which::One(session)).await;
    let ended = Instant::now();
    assert_eq!(userinfo(one, "", tokens).await.status, StatusCode::UNAUTHORIZED, "at once where it was done");
    let refused = async {
        while userinfo(two, "", tokens).await.status != StatusCode::UNAUTHORIZED {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), refused).await.unwrap();
    ended.elapsed()
}

/// Fails unless a revocation is seen by the other node in time, in both directions.
async fn assert_revoked_at_once(one: &World, two: &World) {
    for (here, there) in [(one, two), (two, one)] {
        let tokens = sign_in(here, there).await;
        let took = revoked_after(here, there, &tokens).await;
        assert!(took < AT_ONCE, "seen after {took:?}");
    }
}
