//! Scripts of pages elsewhere: which may call the first-party API, and what stands open to all.

use idp::domain::client::{ClientMetadata, ClientStatus};
use idp::domain::client_details::ClientDetails;
use idp::domain::tenant::Tenant;
use idp::service::clients::{self, ClientChangeError};
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::subjects::app;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, PASSWORD, World, request};

const APP: &str = "https://app.example.com";
const LOCAL: &str = "http://127.0.0.1:3000";
/// What scripts may read of an answer.
const EXPOSED: &str = "www-authenticate, retry-after, ratelimit, ratelimit-policy";
/// What is near, and isn't it.
const NEAR: [&str; 20] = [
    "",
    "null",
    "*",
    "http://app.example.com",
    "https://app.example.com/",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://App.example.com",
    "HTTPS://app.example.com",
    "https://app.example.com.",
    "https://app.example.com.evil.example",
    "https://xapp.example.com",
    "https://example.com",
    "https://evil.example/https://app.example.com",
    "https://app.example.com@evil.example",
    "https://app.example.com, https://evil.example",
    "https://app.example.com https://evil.example",
    "http://127.0.0.1:3001",
    "http://localhost:3000",
    "http://[::1]:3000",
];

/// A provider whose app `app` is at [`APP`] and at [`LOCAL`].
async fn furnished(database: &TestDatabase) -> (World, Tenant) {
    let world = World::furnished(database).await;
    let tenant = world.tenant().await;
    let at_origins = |metadata: &mut ClientMetadata| {
        app(metadata);
        metadata.allowed_origins = [APP, LOCAL].map(|origin| origin.parse().unwrap()).into();
    };
    world.client(&tenant, "app", at_origins).await;
    (world, tenant)
}

async fn preflight(world: &World, path: &str, origin: &str, method: &str) -> Answer {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        ("access-control-request-headers", "authorization,content-type"),
    ];
    world.send(request("OPTIONS", path, &headers, Vec::new())).await
}

async fn post(world: &World, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    world.send(request("POST", path, &all, body.to_string().into_bytes())).await
}

/// What an answer says to scripts.
fn leave(answer: &Answer) -> Vec<(&str, &str)> {
    let ours = answer.headers.iter().filter(|(name, _)| name.as_str().starts_with("access-control-"));
    let mut found: Vec<(&str, &str)> = ours.map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    found.sort_unstable();
    found
}

fn assert_open_to(answer: &Answer, origin: &str, what: &str) {
    let expected = [
        ("access-control-allow-credentials", "true"),
        ("access-control-allow-origin", origin),
        ("access-control-expose-headers", EXPOSED),
    ];
    assert_eq!(leave(answer), expected, "{what}: {}", answer.body);
    assert_eq!(answer.header("vary"), Some("origin"), "{what}");
}

fn assert_closed(answer: &Answer, what: &str) {
    assert_eq!(leave(answer), [], "{what}: {} {}", answer.status, answer.body);
    assert_eq!(answer.header("vary"), Some("origin"), "{what}");
}

/// The addresses of the first-party API, and their methods, by the document.
fn addresses() -> Vec<(String, String)> {
    let document: Value = serde_json::from_str(&idp::http::openapi_service::openapi_document().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let closed = ["/v1/auth/m2m/token", "/v1/auth/health", "/v1/auth/metrics"];
        if path.starts_with("/v1/auth/") && !closed.contains(&&**path) {
            let method = operations.as_object().unwrap().keys().next().unwrap().to_uppercase();
            found.push((path.replace("{session_id}", "01980000-0000-7000-8000-000000000000"), method));
        }
    }
    assert!(found.len() >= 12, "{found:?}");
    found
}

#[tokio::test]
async fn a_script_of_a_registered_origin_may_call_every_address_and_no_other_may() {
    for database in databases().await {
        let (world, _) = furnished(&database).await;
        world.other_tenant("acme").await;
        for (path, method) in addresses() {
            for origin in [APP, LOCAL] {
                let answer = preflight(&world, &path, origin, &method).await;
                assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}: {}", answer.body);
                let methods = answer.header("access-control-allow-methods").unwrap();
                assert!(methods.split(", ").any(|found| found == method), "{path}: {methods}");
                let expected = [
                    ("access-control-allow-credentials", "true"),
                    ("access-control-allow-headers", "authorization, content-type"),
                    ("access-control-allow-methods", methods),
                    ("access-control-allow-origin", origin),
                    ("access-control-expose-headers", EXPOSED),
                    ("access-control-max-age", "600"),
                ];
                assert_eq!(leave(&answer), expected, "{path}");
                assert_eq!(answer.header("vary"), Some("origin"));
                // The answer itself, be it a refusal.
                let headers = [("origin", origin), ("content-type", "application/json")];
                let answer = world.send(request(&method, &path, &headers, b"{}".to_vec())).await;
                assert_open_to(&answer, origin, &path);
            }
            for origin in NEAR {
                let answer = preflight(&world, &path, origin, &method).await;
                assert_eq!(
                    answer.snapshot(),
                    r#"403 {"type":"about:blank","title":"Forbidden","status":403,"detail":"Scripts of this origin may not call: no client of this tenant has it among its allowed_origins."}"#,
                    "{path} {origin}"
                );
                assert_closed(&answer, &format!("{path} {origin}"));
                let headers = [("origin", origin), ("content-type", "application/json")];
                let answer = world.send(request(&method, &path, &headers, b"{}".to_vec())).await;
                assert_closed(&answer, &format!("{path} {origin}"));
            }
            // Another tenant's client.
            let answer = preflight(&world, &format!("/t/acme{path}"), APP, &method).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            assert_closed(&answer, &path);
            let twice = [("origin", APP), ("origin", APP), ("access-control-request-method", &*method)];
            let answer = world.send(request("OPTIONS", &path, &twice, Vec::new())).await;
            assert_closed(&answer, "twice");
        }
        // What is no question of a browser's is a method like any other.
        let answer = world.send(request("OPTIONS", "/v1/auth/login", &[("origin", APP)], Vec::new())).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    }
}

#[tokio::test]
async fn what_is_open_to_all_stays_so_and_the_rest_stays_closed() {
    for database in databases().await {
        let (world, _) = furnished(&database).await;
        for origin in [APP, "https://any.example"] {
            for path in ["/token", "/userinfo", "/revoke"] {
                let answer = preflight(&world, path, origin, "POST").await;
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
                assert_eq!(answer.header("access-control-expose-headers"), Some(EXPOSED), "{path}");
                assert_eq!(answer.header("access-control-allow-credentials"), None, "{path}");
            }
            let of_first_party = ["/v1/auth/m2m/token", "/v1/auth/health", "/v1/auth/metrics"];
            let others = ["/introspect", "/v1/admin/users", "/login", "/account", "/logout"];
            for path in of_first_party.into_iter().chain(others) {
                let answer = preflight(&world, path, origin, "POST").await;
                assert_eq!(leave(&answer), [], "{path}");
                let answer = world.get(path, &[("origin", origin)]).await;
                assert_eq!(leave(&answer), [], "{path}");
            }
        }
    }
}

#[tokio::test]
async fn an_origin_may_call_as_long_as_an_active_client_has_it() {
    for database in databases().await {
        let (world, tenant) = furnished(&database).await;
        let may = async || preflight(&world, "/v1/auth/login", APP, "POST").await.status == StatusCode::NO_CONTENT;
        let (ctx, id) = (&world.ctx, "app".parse().unwrap());
        let set = async |origins: &[&str]| {
            let change = |client: &idp::domain::client::Client| {
                let mut details = ClientDetails::from(client);
                details.metadata.allowed_origins = origins.iter().map(|origin| origin.parse().unwrap()).collect();
                Ok::<_, ClientChangeError>(details)
            };
            clients::update(ctx, tenant.id, &id, None, change, "test").await.unwrap();
        };
        assert!(may().await);
        set(&[LOCAL]).await;
        assert!(!may().await, "taken away");
        set(&[APP, LOCAL]).await;
        assert!(may().await, "given again");
        for (status, expected) in [(ClientStatus::Disabled, false), (ClientStatus::Active, true)] {
            clients::set_status(ctx, tenant.id, &id, status, "test").await.unwrap();
            assert_eq!(may().await, expected, "{status:?}");
        }
        let also = |metadata: &mut ClientMetadata| {
            app(metadata);
            metadata.allowed_origins = [APP.parse().unwrap()].into();
        };
        world.client(&tenant, "another", also).await;
        clients::delete(ctx, tenant.id, &id, "test").await.unwrap();
        assert!(may().await, "another client has it as well");
        clients::delete(ctx, tenant.id, &"another".parse().unwrap(), "test").await.unwrap();
        assert!(!may().await);
    }
}

/// The cookie counts from the app's own origins, and from no other's.
#[tokio::test]
async fn a_refresh_token_as_a_cookie_counts_from_the_apps_origins() {
    for database in databases().await {
        let (world, tenant) = furnished(&database).await;
        let elsewhere = |metadata: &mut ClientMetadata| {
            app(metadata);
            metadata.allowed_origins = ["https://other.example.com".parse().unwrap()].into();
        };
        world.client(&tenant, "other", elsewhere).await;
        let sign_in = json!({ "email": "ada@example.com", "password": PASSWORD, "client_id": "app", "cookie": true });
        let answer = post(&world, "/v1/auth/login", &[("origin", APP)], &sign_in).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_open_to(&answer, APP, "the sign-in");
        let mut cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let named = json!({ "client_id": "app" });
        for origin in NEAR.into_iter().chain(["https://other.example.com"]) {
            for path in ["/v1/auth/refresh", "/v1/auth/logout"] {
                let answer = post(&world, path, &[("origin", origin), ("cookie", &cookie)], &named).await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin} {path}: {}", answer.body);
            }
        }
        // The usual app's has another name, and isn't given at these origins.
        let answer = post(&world, "/v1/auth/refresh", &[("origin", APP), ("cookie", &cookie)], &json!({})).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        let usual = json!({ "email": "ada@example.com", "password": PASSWORD, "cookie": true });
        let answer = post(&world, "/v1/auth/login", &[("origin", APP)], &usual).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
        for origin in [APP, LOCAL] {
            let answer = post(&world, "/v1/auth/refresh", &[("origin", origin), ("cookie", &cookie)], &named).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_open_to(&answer, origin, "the refresh");
            answer.header("set-cookie").unwrap().split(';').next().unwrap().clone_into(&mut cookie);
        }
        let answer = post(&world, "/v1/auth/logout", &[("origin", APP), ("cookie", &cookie)], &named).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.body);
    }
}
