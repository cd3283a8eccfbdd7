//! What operators see: health, metrics, and the port that they are on.

use std::collections::BTreeSet;
use std::sync::Arc;

use idp::config::{Listen, Management};
use idp::domain::Secret;
use idp::http::management;
use idp::http::routes::routes;
use idp::http::server::{Observed, Server};
use idp::service::operations::measures;
use poem::{Endpoint as _, Request};
use serde_json::json;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::redis::RedisServer;
use crate::support::world::{Browser, World};

/// Status, content type and body of an answer at the management's port.
async fn managed(world: &World, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = Request::builder().uri_str(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = management::port(world.ctx.clone()).get_response(request.finish()).await;
    let kind = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    (answer.status().as_u16(), kind, answer.take_body().into_string().await.unwrap())
}

async fn health(world: &World) -> (u16, serde_json::Value) {
    let (status, _, body) = managed(world, "/health/ready", &[]).await;
    let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
    for (_, check) in body["checks"].as_object_mut().unwrap() {
        assert!(check["duration_ms"].as_u64().unwrap() < 3_000, "{check}");
        *check = check["status"].clone();
    }
    (status, body)
}

#[tokio::test]
async fn health_names_every_dependency_to_the_management_and_none_to_strangers() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        world.ctx.operations.note_background_work();
        let ok = json!({
            "database_read": "ok", "database_write": "ok", "migrations": "ok", "signing_keys": "ok", "background_work": "ok",
        });
        assert_eq!(health(&world).await, (200, json!({ "status": "ok", "stopping": false, "checks": ok })));
        for path in ["/health", "/health/live", "/health/ready", "/v1/auth/health", "/t/acme/v1/auth/health"] {
            let answer = world.get(path, &[]).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (200, r#"{"status":"ok"}"#), "{path}");
        }
    }
}

#[tokio::test]
async fn a_node_that_is_about_to_end_lives_and_is_not_ready() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        assert_eq!(world.get("/health/ready", &[]).await.status, 200);
        world.ctx.operations.stop();
        let answer = world.get("/health/ready", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, r#"{"status":"unavailable"}"#));
        for path in ["/health", "/v1/auth/health", "/t/acme/v1/auth/health"] {
            let answer = world.get(path, &[]).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, r#"{"status":"unavailable"}"#), "{path}");
        }
        assert_eq!(world.get("/health/live", &[]).await.status, 200);
        let (status, body) = health(&world).await;
        assert_eq!((status, &body["stopping"], &body["status"]), (503, &json!(true), &json!("unavailable")));
    }
}

#[tokio::test]
async fn without_its_database_a_node_is_not_ready() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.ctx.database.close().await;
        let (status, body) = health(&world).await;
        assert_eq!(status, 503, "{body}");
        for check in ["database_read", "database_write", "migrations"] {
            assert_eq!(body["checks"][check], "unavailable", "{body}");
        }
        for path in ["/health/ready", "/v1/auth/health"] {
            let answer = world.get(path, &[]).await;
            assert_eq!((answer.status.as_u16(), answer.body.as_str()), (503, r#"{"status":"unavailable"}"#), "{path}");
        }
        assert_eq!(world.get("/t/acme/v1/auth/health", &[]).await.status, 503);
        // Metrics are there all the same, without what the database would have to say.
        let (status, _, page) = managed(&world, "/metrics", &[]).await;
        assert_eq!(status, 200);
        assert!(page.contains("\nsignet_ready 0\n") && !page.contains("\nauth_active_sessions "), "{page}");
    }
}

#[tokio::test]
async fn without_redis_or_background_work_a_node_is_degraded_and_ready() {
    let redis = RedisServer::start().await;
    for (url, found) in [(redis.url(), "ok"), ("redis://127.0.0.1:1/0".to_owned(), "degraded")] {
        let [database, ..] = &databases().await[..] else { panic!("no database") };
        let world = World::with(database.open().await, |config| config.redis.url = Some(Secret::new(url))).await;
        let (status, body) = health(&world).await;
        assert_eq!((status, &body["status"]), (200, &json!("degraded")), "{body}");
        assert_eq!((&body["checks"]["redis"], &body["checks"]["background_work"]), (&json!(found), &json!("degraded")));
        assert_eq!(world.get("/health/ready", &[]).await.status, 200);
    }
}

#[tokio::test]
async fn keys_that_cannot_be_opened_make_a_node_not_ready() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let raw = database.raw().await;
        let blank = "UPDATE signing_keys SET sealed_private = ''";
        sea_orm::ConnectionTrait::execute_unprepared(&raw, blank).await.unwrap();
        let (status, body) = health(&world).await;
        assert_eq!((status, &body["checks"]["signing_keys"]), (503, &json!("unavailable")), "{body}");
    }
}

/// The value of a sample.
fn sample(page: &str, name: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {page}")).parse().unwrap()
}

#[tokio::test]
async fn what_happens_is_counted_under_the_names_that_dashboards_know() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let access = tokens["access_token"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            let bearer = format!("Bearer {access}");
            assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, 200);
        }
        assert_eq!(world.get("/userinfo", &[("authorization", "Bearer nonsense")]).await.status, 401);
        let mut other = Browser::new(&world, "");
        let page = other.authorize("reports", &[]).await;
        other.sign_in(&page, "ada@example.com", "wrong password").await;

        // Nobody's question makes the database be counted.
        let (_, _, page) = managed(&world, "/metrics", &[]).await;
        assert!(
            !page.contains("\nauth_active_sessions ") && page.contains("\nsignet_database_writes_waiting "),
            "{page}"
        );
        measures::refresh(&world.ctx).await;
        let (status, kind, page) = managed(&world, "/metrics", &[]).await;
        assert_eq!((status, kind.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
        for (name, value) in [
            (r#"auth_operations_total{operation="login",status="success"}"#, 1.0),
            (r#"auth_operations_total{operation="login",status="failure"}"#, 1.0),
            (r#"auth_operations_total{operation="authorization_code",status="success"}"#, 1.0),
            (r#"auth_operations_total{operation="refresh",status="success"}"#, 0.0),
            (r#"auth_tokens_generated_total{type="access"}"#, 1.0),
            (r#"auth_tokens_generated_total{type="id"}"#, 1.0),
            ("auth_session_creations_total", 1.0),
            ("auth_active_sessions", 1.0),
            (r#"auth_session_endings_total{reason="signed_out"}"#, 0.0),
            ("signet_database_writes_waiting", 0.0),
            (r#"auth_token_validations_total{result="valid"}"#, 2.0),
            (r#"auth_token_validations_total{result="invalid"}"#, 1.0),
            ("auth_token_validation_duration_seconds_count", 3.0),
            ("signet_password_permits", 2.0),
            ("signet_password_queue", 0.0),
            (r#"signet_deliveries{state="dead"}"#, 0.0),
            ("signet_ready", 1.0),
        ] {
            assert!((sample(&page, name) - value).abs() < 1e-9, "{name} isn't {value}: {page}");
        }
        assert!(sample(&page, "auth_password_hash_duration_seconds_count") >= 2.0);
        assert!((sample(&page, "auth_cache_hit_rate") - 1.0 / 3.0).abs() < 1e-9, "{page}");
        assert!(sample(&page, r#"signet_database_writes_total{status="success"}"#) >= 5.0);
        assert!(sample(&page, "signet_database_commits_total") >= 5.0);
        assert!((0.0..60.0).contains(&sample(&page, "signet_figures_age_seconds")));
        assert!(sample(&page, "process_resident_memory_bytes") > 1e6);
        for secret in [access.as_str(), code.as_str(), "ada@example.com", "wrong password"] {
            assert!(!page.contains(secret), "{secret}");
        }
        let (_, kind, page) =
            managed(&world, "/metrics", &[("accept", "application/openmetrics-text;version=1.0.0")]).await;
        assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(page.ends_with("# EOF\n") && page.contains("# TYPE auth_operations counter\n"), "{page}");
    }
}

#[tokio::test]
async fn the_public_port_has_no_metrics() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        for path in ["/metrics", "/t/acme/metrics", "/metrics/", "/v1/admin/metrics"] {
            assert_eq!(world.get(path, &[("authorization", "Bearer x")]).await.status, 404, "{path}");
        }
        for path in ["/", "/token", "/t/acme/metrics", "/metrics/x"] {
            assert_eq!(managed(&world, path, &[]).await.0, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn where_there_is_a_token_only_who_has_it_sees_more_than_strangers() {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let token = "planted-token-of-the-management";
    let world = World::with(database.open().await, |config| {
        config.management = Management { address: None, token: Some(Secret::new(token)) };
    })
    .await;
    let right = format!("Bearer {token}");
    for wrong in ["", "Bearer ", "Bearer planted-token-of-the-managemenT", "Basic x", token, "bearer"] {
        let (status, _, body) = managed(&world, "/metrics", &[("authorization", wrong)]).await;
        assert_eq!((status, body.as_str()), (401, r#"{"status":"unauthorized"}"#), "{wrong}");
        let (status, _, body) = managed(&world, "/health/ready", &[("authorization", wrong)]).await;
        assert_eq!((status, body.as_str()), (200, r#"{"status":"ok"}"#), "{wrong}");
    }
    let (status, _, body) = managed(&world, "/metrics", &[("authorization", &right)]).await;
    assert!(status == 200 && !body.contains("planted"));
    let (_, _, body) = managed(&world, "/health", &[("authorization", &right)]).await;
    assert!(body.contains("database_write") && !body.contains("planted"), "{body}");
}

/// The address of old: on the public port, and there for the management's token alone.
#[tokio::test]
async fn metrics_are_below_the_first_party_api_for_who_has_the_managements_token() {
    const TOKEN: &str = "planted-token-of-the-management";
    const NEAR: [Option<&str>; 8] = [
        None,
        Some(""),
        Some("Bearer "),
        Some("Bearer planted-token-of-the-managemenT"),
        Some("Bearer planted-token-of-the-management "),
        Some("Basic planted-token-of-the-management"),
        Some(TOKEN),
        Some("bearer"),
    ];
    let configured =
        [(None, None), (None, Some(TOKEN)), (Some("127.0.0.1:1"), None), (Some("127.0.0.1:1"), Some(TOKEN))];
    for (address, token) in configured {
        for database in databases().await {
            let world = World::with(database.open().await, |config| {
                config.management = Management {
                    address: address.map(|address| address.parse().unwrap()),
                    token: token.map(Secret::new),
                };
            })
            .await;
            world.other_tenant("acme").await;
            let absent = world.get("/v1/auth/nothing", &[]).await;
            let right = format!("Bearer {TOKEN}");
            for path in ["/v1/auth/metrics", "/t/acme/v1/auth/metrics"] {
                for presented in NEAR {
                    let headers: Vec<_> = presented.map(|value| ("authorization", value)).into_iter().collect();
                    let answer = world.get(path, &headers).await;
                    assert_eq!((answer.status, &answer.body), (absent.status, &absent.body), "{presented:?}");
                    for name in ["content-type", "cache-control", "www-authenticate", "x-content-type-options"] {
                        assert_eq!(answer.header(name), absent.header(name), "{name}");
                    }
                }
                let answer = world.get(path, &[("authorization", &right)]).await;
                if address.is_some() && token.is_some() {
                    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
                    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
                    assert_eq!(answer.header("cache-control"), Some("no-store"));
                    assert!(
                        answer.body.contains("\nsignet_ready 1\n") && !answer.body.contains("planted"),
                        "{}",
                        answer.body
                    );
                } else {
                    assert_eq!((answer.status.as_u16(), &answer.body), (404, &absent.body), "{address:?} {token:?}");
                }
            }
            let answer = world.get("/v1/auth/metrics", &[("accept", "text/html")]).await;
            answer.assert_page(404, "This page doesn’t exist");
        }
    }
}

/// Every name of a sample with its labels.
fn series(page: &str) -> BTreeSet<String> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test]
async fn nothing_that_is_sent_becomes_a_label() {
    let [database, ..] = &databases().await[..] else { panic!("no database") };
    let world = World::on(database.open().await).await;
    let config = Listen { address: "127.0.0.1:0".parse().unwrap(), ..Listen::default() };
    let metrics = Arc::clone(&world.ctx.operations.metrics);
    let server = Server::bind(&config).unwrap().observed(Observed { metrics: Some(metrics), ..Observed::default() });
    let base = format!("http://{}", server.local_addr().unwrap());
    let serving =
        tokio::spawn(server.serve(routes(world.ctx.clone()), std::future::pending(), std::time::Duration::ZERO));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let send = async |method: &str, path: &str| {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        client.request(method, format!("{base}{path}")).send().await.unwrap().status().as_u16()
    };
    for method in ["GET", "POST", "PLANTED"] {
        for path in ["/nothing", "/t/nobody/token", "/v1/admin/users/1", "/token"] {
            send(method, path).await;
        }
    }
    let (_, _, before) = managed(&world, "/metrics", &[]).await;
    for number in 0..50 {
        assert_eq!(send("GET", &format!("/planted-{number}")).await, 404);
        send("POST", &format!("/t/planted-{number}/token")).await;
        send("GET", &format!("/v1/admin/users/planted-{number}%22%7D%0A")).await;
        send(&format!("PLANTED{number}"), "/token").await;
    }
    let (_, _, after) = managed(&world, "/metrics", &[]).await;
    assert_eq!(series(&before), series(&after));
    assert!(!after.to_lowercase().contains("planted"), "{after}");
    let unmatched = r#"signet_http_requests_total{route="unmatched",method="GET",status="4xx"}"#;
    assert!((sample(&after, unmatched) - 51.0).abs() < 1e-9, "{after}");
    assert!(sample(&after, r#"signet_http_request_duration_seconds_count{route="/token"}"#) > 100.0);
    assert!(sample(&after, "signet_http_requests_active").abs() < 1e-9);
    serving.abort();
}
