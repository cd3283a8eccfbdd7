//! PostgreSQL and Redis taken away and given back: clear answers, nothing lost, nobody waits without end.

use std::time::Duration;

use idp::domain::{Secret, SessionId};
use idp::service::sessions::ending::Which;
use idp::store::{Database, DatabaseSettings};
use poem::http::StatusCode;
use tokio::time::{Instant, timeout};

use super::{assert_revoked_at_once, furnish, listens};
use crate::http::claims::{tokens_for, userinfo};
use crate::http::code_flow::redeem;
use crate::http::refresh::{OFFLINE, refresh_with, text};
use crate::support::cluster::Own;
use crate::support::databases;
use crate::support::redis::RedisServer;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, payload};

/// What a request may take while its database doesn't answer: the longest of its waits, and room for a slow machine.
pub(super) const DEADLINE: Duration = Duration::from_secs(12);

/// What OAuth endpoints answer then.
pub(super) const UNAVAILABLE: &str = r#"503 {"error":"temporarily_unavailable","error_description":"the service can't answer right now; try again in a moment"}"#;

/// A provider on a PostgreSQL of its own.
pub(super) async fn provider(cluster: &Own) -> World {
    let mut settings = DatabaseSettings::new(Secret::new(cluster.cluster.url("postgres")));
    settings.acquire_timeout = Duration::from_secs(1);
    settings.read_timeout = Duration::from_secs(1);
    let database = Database::connect(&settings).await.unwrap();
    database.migrate().await.unwrap();
    let world = World::on(database).await;
    furnish(&world).await;
    let tenant = world.tenant().await;
    world.service(&tenant, "robot").await;
    world
}

async fn token(world: &World) -> Answer {
    let headers = [("authorization", &*basic("robot", SECRET))];
    timeout(DEADLINE, world.post("/token", &headers, "grant_type=client_credentials")).await.unwrap()
}

/// Each endpoint that needs the database says that it can't answer now, in the form of its family, and when to ask
/// again.
async fn assert_unavailable(world: &World, tokens: &serde_json::Value) {
    let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
    let all = async {
        let began = Instant::now();
        let form = "grant_type=refresh_token&refresh_token=unknown";
        let reports = basic("reports", SECRET);
        let reports = [("authorization", &*reports)];
        let bearer = [("authorization", &*bearer)];
        let html = [("accept", "text/html")];
        let (token, refresh, userinfo, admin, page) = futures_util::join!(
            token(world),
            world.post("/token", &reports, form),
            world.get("/userinfo", &bearer),
            world.get("/v1/admin/users", &bearer),
            world.get("/login?flow=00000000-0000-7000-8000-000000000000", &html),
        );
        for answer in [&token, &refresh, &userinfo, &admin, &page] {
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
            assert!(answer.header("retry-after").is_some(), "{}", answer.body);
        }
        for answer in [&token, &refresh, &userinfo] {
            assert_eq!(answer.snapshot(), UNAVAILABLE);
        }
        assert_eq!(admin.header("content-type"), Some("application/problem+json"));
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        began.elapsed()
    };
    timeout(DEADLINE, all).await.unwrap();
}

/// Waits until a node uses nothing any more that it keeps.
pub(super) async fn uncertain(world: &World) {
    let uncertain = async {
        while world.ctx.database.changes().is_certain() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_millis(1_500), uncertain).await.unwrap();
}

/// Waits until the provider answers again by itself.
pub(super) async fn assert_recovers(world: &World) {
    let recovered = async {
        while token(world).await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_mins(1), recovered).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_that_is_stopped_and_started_again() {
    let cluster = Own::for_one_test();
    let world = provider(&cluster).await;
    listens(&world).await;
    let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
    // Acknowledged, and not used yet.
    let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
    let mut browser = Browser::new(&world, "");
    let (flow, csrf) = browser.sign_in_page("reports").await;
    let sign_in = [("flow", &*flow), ("csrf", &csrf), ("email", "ada@example.com"), ("password", PASSWORD)];

    cluster.stop();
    assert_unavailable(&world, &tokens).await;
    assert_unavailable(&world, &tokens).await;
    // A sign-in that meets it can go on afterwards.
    let refused = timeout(DEADLINE, browser.post("/login", &sign_in)).await.unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);

    cluster.start_again();
    assert_recovers(&world).await;
    assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK, "nothing that was acknowledged is lost");
    assert_eq!(redeem(&world, "", "reports", &code).await.status, StatusCode::OK);
    assert_eq!(redeem(&world, "", "reports", &code).await.status, StatusCode::BAD_REQUEST, "once");
    let signed_in = browser.post("/login", &sign_in).await;
    assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
    listens(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_that_is_frozen_and_goes_on() {
    let cluster = Own::for_one_test();
    let world = provider(&cluster).await;
    listens(&world).await;
    let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
    let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
    assert_eq!(token(&world).await.status, StatusCode::OK);

    let frozen = cluster.freeze();
    uncertain(&world).await;
    // More than there are connections, and again when all of them are taken by what never came back.
    for _ in 0..2 {
        let asked = (0..12).map(|_| assert_unavailable(&world, &tokens));
        futures_util::future::join_all(asked).await;
    }
    let redeemed = timeout(DEADLINE, redeem(&world, "", "reports", &code)).await.unwrap();
    assert_eq!(redeemed.status, StatusCode::SERVICE_UNAVAILABLE);

    drop(frozen);
    assert_recovers(&world).await;
    assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
    assert_eq!(redeem(&world, "", "reports", &code).await.status, StatusCode::OK, "what was refused was not done");
    listens(&world).await;
}

/// Both nodes go on as before when the database has been away, and hear of one another again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_find_one_another_again() {
    let cluster = Own::for_one_test();
    let settings = DatabaseSettings::new(Secret::new(cluster.cluster.url("postgres")));
    let world = provider(&cluster).await;
    let server = RedisServer::start().await;
    for with_redis in [false, true] {
        let bus = || if with_redis { server.redis().bus() } else { None };
        let open = async || Database::connect(&DatabaseSettings { bus: bus(), ..settings.clone() }).await.unwrap();
        let (one, two) = (world.peer(open().await), world.peer(open().await));
        for node in [&one, &two] {
            listens(node).await;
        }
        cluster.stop();
        cluster.start_again();
        let lost = async {
            while [&one, &two].iter().any(|node| node.ctx.database.changes().is_certain()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        // It may have been back before anybody noticed.
        let _unnoticed = timeout(Duration::from_secs(1), lost).await;
        for node in [&one, &two] {
            listens(node).await;
        }
        assert_revoked_at_once(&one, &two).await;
    }
}

/// Redis is no part of any request: with a time-out of a second for each, twenty would take longer than all may.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_waits_for_redis() {
    for database in databases().await {
        let mut server = RedisServer::start().await;
        let settings = DatabaseSettings { bus: server.redis().bus(), ..database.settings() };
        let open = Database::connect(&settings).await.unwrap();
        let world = World::with(open, |config| config.redis.url = Some(Secret::new(server.url()))).await;
        furnish(&world).await;
        listens(&world).await;
        for is_frozen in [true, false] {
            if is_frozen {
                server.freeze();
            } else {
                server.kill();
            }
            let all = async {
                let mut tokens = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
                for _ in 0..20 {
                    let form = [("refresh_token", text(&tokens, "refresh_token"))];
                    let refreshed = refresh_with(&world, "", "reports", &form).await;
                    assert_eq!(refreshed.status, StatusCode::OK, "{}", refreshed.body);
                    tokens = refreshed.json();
                }
                let session = payload(text(&tokens, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
                world.end(world.tenant().await.id, Which::One(SessionId::from_uuid(session))).await;
                assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::UNAUTHORIZED);
                for path in ["/health/ready", "/health", "/v1/auth/health"] {
                    let ready = world.get(path, &[]).await;
                    assert_eq!(ready.status, StatusCode::OK, "it can do its work without: {}", ready.body);
                }
            };
            timeout(Duration::from_secs(15), all).await.unwrap();
            if is_frozen {
                server.thaw();
            }
        }
    }
}

/// Nor does whoever tells it something wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_redis() {
    let mut server = RedisServer::start().await;
    let redis = server.redis();
    let bus = redis.bus().unwrap();
    bus.say("one".to_owned()).await.unwrap();
    let limit = Duration::from_secs(1) + Duration::from_secs(1);
    server.freeze();
    for _ in 0..3 {
        assert!(timeout(limit, bus.say("two".to_owned())).await.unwrap().is_err());
    }
    server.thaw();
    let back = async {
        while bus.say("three".to_owned()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), back).await.unwrap();
    server.kill();
    assert!(timeout(limit, bus.say("four".to_owned())).await.unwrap().is_err());
    // While it is known to be gone nobody even tries.
    let began = Instant::now();
    for _ in 0..100 {
        let _gone = bus.say("five".to_owned()).await;
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.begin().await;
    let back = async {
        while bus.say("six".to_owned()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), back).await.unwrap();
}
