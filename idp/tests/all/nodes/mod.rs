//! Several nodes on one PostgreSQL, and what they depend on taken away and given back.

mod every_endpoint;
mod invalidation;
mod killed;
mod outages;
mod refreshed;

use std::sync::Arc;
use std::time::Duration;

use idp::domain::SessionId;
use idp::domain::client::RefreshTokenPolicy;
use idp::service::sessions::ending::Which;
use idp::store::bus::Bus;
use idp::store::{Database, DatabaseSettings};
use poem::http::StatusCode;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use crate::http::claims::{tokens_for, userinfo};
use crate::http::introspect::introspect;
use crate::http::refresh::{OFFLINE, refresh_with, refreshing, text};
use crate::support::world::{World, payload};

/// How long a revocation may take to be seen everywhere.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Two nodes, each with a database connection and, maybe, a place at a bus of its own.
async fn two_nodes(settings: &DatabaseSettings, bus: impl Fn() -> Option<Arc<dyn Bus>>) -> (World, World) {
    let open = async || Database::connect(&DatabaseSettings { bus: bus(), ..settings.clone() }).await.unwrap();
    let one = World::on(open().await).await;
    furnish(&one).await;
    let two = one.peer(open().await);
    (one, two)
}

/// Adds Ada, and `reports`, whose refresh tokens end with the session.
async fn furnish(world: &World) {
    let tenant = world.tenant().await;
    world.user(&tenant, "ada@example.com").await;
    refreshing(world, &tenant, "reports", RefreshTokenPolicy::Session).await;
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
    let tokens = tokens_for(one, "", "reports", "ada@example.com", &[OFFLINE]).await;
    for node in [one, two, one, two] {
        assert_eq!(introspect(node, "", "reports", text(&tokens, "access_token")).await.json()["active"], true);
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
    let took = ended.elapsed();
    // What one check knows the others do.
    for token in ["access_token", "refresh_token"] {
        let inactive = introspect(two, "", "reports", text(tokens, token)).await;
        assert_eq!(inactive.snapshot(), r#"200 {"active":false}"#, "{token}");
    }
    let refreshed = refresh_with(two, "", "reports", &[("refresh_token", text(tokens, "refresh_token"))]).await;
    assert_eq!(refreshed.status, StatusCode::BAD_REQUEST, "{}", refreshed.body);
    took
}

/// Fails unless a revocation is seen by the other node in time, in both directions.
async fn assert_revoked_at_once(one: &World, two: &World) {
    for (here, there) in [(one, two), (two, one)] {
        let tokens = sign_in(here, there).await;
        let took = revoked_after(here, there, &tokens).await;
        assert!(took < AT_ONCE, "seen after {took:?}");
    }
}
