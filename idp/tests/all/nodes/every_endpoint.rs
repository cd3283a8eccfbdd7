//! PostgreSQL taken away, asked at every address: 503 in the form of the endpoint's family, when to ask again, and nobody
//! waits without end.

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use idp::route::ErrorStyle;
use poem::http::StatusCode;
use tokio::time::{Duration, timeout};

use super::listens;
use super::outages::{DEADLINE, UNAVAILABLE, assert_recovers, provider, uncertain};
use crate::http::admin::{SCOPES, operator, service_token};
use crate::support::cluster::Own;
use crate::support::routes::{self, Route};
use crate::support::world::{Answer, FORM, SECRET, World, basic, request};

/// How long a stream of events may go on when nobody can say whether it may, and room for a slow machine.
const STREAM_ENDS: Duration = Duration::from_secs(20);

/// What answers without Retry-After: those who look after nodes ask at a pace of their own.
const HEALTH: &str = "/v1/auth/health";

fn speaks_oauth(route: &Route) -> bool {
    idp::route::of(&route.path).error_style == ErrorStyle::OAuth
}

/// A request that would do something if the database were there.
async fn asked(world: &World, route: &Route, token: &str) -> Answer {
    let client = basic("reports", SECRET);
    let bearer = format!("Bearer {token}");
    let by_client = ["/token", "/introspect", "/revoke", "/v1/auth/m2m/token"].contains(&route.path.as_str());
    let mut headers = vec![("authorization", if by_client { &*client } else { &*bearer })];
    headers.push(("accept", if route.is_page() { "text/html" } else { "*/*" }));
    let form = "grant_type=refresh_token&refresh_token=x&token=x&flow=00000000-0000-7000-8000-000000000000&csrf=x";
    let body = match route.method.as_str() {
        "GET" | "DELETE" => Vec::new(),
        _ if route.is_page() || speaks_oauth(route) => {
            headers.push(("content-type", FORM));
            form.as_bytes().to_vec()
        }
        _ => {
            headers.push(("content-type", "application/json"));
            b"{}".to_vec()
        }
    };
    world.send(request(&route.method, &route.at(), &headers, body)).await
}

/// The answers at every address, asked side by side.
async fn everywhere(world: &World, token: &str) -> Vec<(Route, Answer)> {
    let all = routes::all();
    let answers = timeout(DEADLINE, join_all(all.iter().map(|route| asked(world, route, token)))).await;
    all.iter().cloned().zip(answers.unwrap_or_else(|_| panic!("an address doesn't answer in time"))).collect()
}

fn assert_unavailable(route: &Route, answer: &Answer) {
    let name = route.name();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{name}: {}", answer.body);
    if route.path == HEALTH {
        return;
    }
    assert!(answer.header("retry-after").is_some(), "{name}: {}", answer.body);
    if speaks_oauth(route) {
        assert_eq!(answer.snapshot(), UNAVAILABLE, "{name}");
    } else {
        let kind = if route.is_page() { "text/html; charset=utf-8" } else { "application/problem+json" };
        assert_eq!(answer.header("content-type"), Some(kind), "{name}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_says_so_while_postgres_is_frozen_or_stopped() {
    let cluster = Own::for_one_test();
    let world = provider(&cluster).await;
    let scopes = SCOPES.join(" ");
    operator(&world, &world.tenant().await, "operator", &scopes).await;
    for freeze in [true, false] {
        listens(&world).await;
        let token = service_token(&world, "", "operator", &scopes).await;
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", &*bearer), ("accept", "text/event-stream")];
        let follow = || request("GET", "/v1/admin/events", &headers, Vec::new());
        let stream = world.open(follow()).await;
        assert_eq!(stream.status(), StatusCode::OK);
        let mut stream = Box::pin(stream.into_body().into_bytes_stream());
        assert_eq!(stream.next().await.unwrap().unwrap(), "retry: 2000\n\n");

        let frozen = freeze.then(|| cluster.freeze());
        if !freeze {
            cluster.stop();
        }
        // For a moment some is answered by what is kept in memory. The rest finds no database, wherever it looks for it.
        for (route, answer) in everywhere(&world, &token).await {
            if answer.status.is_server_error() {
                assert_unavailable(&route, &answer);
            }
        }
        uncertain(&world).await;
        for (route, answer) in everywhere(&world, &token).await {
            assert_unavailable(&route, &answer);
        }
        let another = timeout(DEADLINE, world.open(follow())).await.unwrap();
        assert_eq!(another.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(another.headers().contains_key("retry-after"));
        let ends = async { while stream.next().await.is_some() {} };
        timeout(STREAM_ENDS, ends)
            .await
            .unwrap_or_else(|_| panic!("a stream goes on though nobody can say that it may"));

        drop(frozen);
        if !freeze {
            cluster.start_again();
        }
        assert_recovers(&world).await;
    }
}
