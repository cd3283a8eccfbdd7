//! Events at `/v1/admin`: as a list, and as a stream.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use idp::domain::TenantId;
use idp::domain::client::{ClientMetadata, ClientStatus};
use idp::service::clients;
use idp::store::{self, StoreError};
use poem::http::StatusCode;
use sea_orm::ConnectionTrait as _;
use serde_json::Value;

use super::Api;
use crate::support::databases;
use crate::support::world::{World, request};

/// What a stream says until it has said so much, or its end.
async fn heard(body: &mut (impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin), messages: usize) -> Vec<String> {
    let read = async {
        let mut text = String::new();
        while text.matches("\n\n").count() < messages {
            let Some(chunk) = body.next().await else { break };
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        text
    };
    let text = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap_or_else(|_| panic!("nothing is said"));
    text.split_terminator("\n\n").map(str::to_owned).collect()
}

/// A stream, opened.
macro_rules! stream {
    ($world:expr, $token:expr, $path:expr, $headers:expr) => {{
        let bearer = format!("Bearer {}", $token);
        let mut headers = vec![("authorization", bearer.as_str()), ("accept", "text/event-stream")];
        headers.extend_from_slice($headers);
        let response = $world.open(request("GET", $path, &headers, Vec::new())).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Box::pin(response.into_body().into_bytes_stream())
    }};
}

#[tokio::test]
async fn they_are_listed_in_parts_the_oldest_first() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let first = api.get("/events?limit=2").await.json();
        let kinds: Vec<_> = first["items"].as_array().unwrap().iter().map(|event| event["type"].clone()).collect();
        assert_eq!(kinds, ["auth:user.registered", "auth:client.created"]);
        assert_eq!(first["next_cursor"], "2");
        let rest = api.get("/events?cursor=2").await.json();
        assert_eq!(rest["items"][0]["position"], 3);
        assert_eq!(rest["next_cursor"], Value::Null);
        assert_eq!(api.get("/events?cursor=3").await.snapshot(), r#"200 {"items":[]}"#);
        assert_eq!(api.get("/events?cursor=x").await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_stream_goes_on_where_its_reader_was_and_then_as_things_happen() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let peer = world.peer(database.open().await);
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let mut body = stream!(world, api.token, "/v1/admin/events", &[("last-event-id", "1")]);
        let begin = heard(&mut body, 3).await;
        assert_eq!(begin[0], "retry: 2000");
        assert!(begin[1].starts_with("id: 2\nevent: auth:client.created\ndata: {"), "{}", begin[1]);
        assert!(begin[2].starts_with("id: 3\n"), "{}", begin[2]);

        world.user(&tenant, "bob@example.com").await;
        // Another node's comes as well.
        peer.user(&tenant, "eve@example.com").await;
        let then = heard(&mut body, 2).await;
        assert!(then[0].starts_with("id: 4\nevent: auth:user.registered\n"), "{}", then[0]);
        let data = then[1].lines().nth(2).unwrap().strip_prefix("data: ").unwrap();
        let payload: Value = serde_json::from_str(data).unwrap();
        assert_eq!((&payload["position"], &payload["type"]), (&5.into(), &"auth:user.registered".into()));

        let mut from_now = stream!(world, api.token, "/v1/admin/events", &[]);
        assert_eq!(heard(&mut from_now, 1).await, ["retry: 2000"]);
        world.user(&tenant, "kim@example.com").await;
        assert!(heard(&mut from_now, 1).await[0].starts_with("id: 6\n"));
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_stops_holding() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let mut body = stream!(world, api.token, "/v1/admin/events", &[]);
        assert_eq!(heard(&mut body, 1).await, ["retry: 2000"]);
        let operator = "operator".parse().unwrap();
        let tenant = world.tenant().await.id;
        clients::set_status(&world.ctx, tenant, &operator, ClientStatus::Disabled, "test").await.unwrap();
        assert_eq!(heard(&mut body, 1).await, [""; 0], "and the end of it isn't told to who may not hear it");
    }
}

/// A refusal that can't be written down is one nevertheless.
#[tokio::test]
async fn a_stream_ends_when_its_scope_is_gone_though_nothing_can_be_written_down() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let mut body = stream!(world, api.token, "/v1/admin/events", &[]);
        assert_eq!(heard(&mut body, 1).await, ["retry: 2000"]);
        let raw = database.raw().await;
        raw.execute_unprepared("ALTER TABLE audit_events RENAME TO hidden_audit_events").await.unwrap();
        let (id, now) = (tenant.id, world.ctx.now());
        let taken: Result<bool, StoreError> = world
            .ctx
            .database
            .write(async move |tx| {
                let operator = "operator".parse().unwrap();
                let before = store::clients::find(&tx, id, &operator, now).await?.unwrap();
                let metadata = ClientMetadata { scope: "admin:users:read".parse().unwrap(), ..before.metadata };
                store::clients::update(&tx, id, &operator, &before.name, &metadata, (before.updated_at, now)).await
            })
            .await;
        assert!(taken.unwrap());
        assert_eq!(heard(&mut body, 1).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_stream_says_nothing_while_nobody_knows_whether_it_may_and_ends_if_that_goes_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let mut body = stream!(world, api.token, "/v1/admin/events", &[]);
        assert_eq!(heard(&mut body, 1).await, ["retry: 2000"]);
        let raw = database.raw().await;
        let unknown = async || {
            raw.execute_unprepared("ALTER TABLE tenants RENAME COLUMN settings TO hidden_settings").await.unwrap();
            world.ctx.tenants.invalidate_all();
        };
        unknown().await;
        world.user(&tenant, "bob@example.com").await;
        // Longer than it waits before it looks by itself.
        assert!(tokio::time::timeout(Duration::from_millis(1500), body.next()).await.is_err());
        raw.execute_unprepared("ALTER TABLE tenants RENAME COLUMN hidden_settings TO settings").await.unwrap();
        assert!(heard(&mut body, 1).await[0].contains("bob@example.com"), "nothing is lost");
        unknown().await;
        world.user(&tenant, "eve@example.com").await;
        assert_eq!(heard(&mut body, 1).await, [""; 0]);
        raw.execute_unprepared("ALTER TABLE tenants RENAME COLUMN hidden_settings TO settings").await.unwrap();
    }
}

#[tokio::test]
async fn there_is_room_for_so_many_streams_half_of_it_for_a_tenant_and_each_gives_its_room_back() {
    for database in databases().await {
        let world =
            World::with(database.open().await, |config| config.events.max_streams = 3.try_into().unwrap()).await;
        world.furnish().await;
        let api = Api::new(&world, &world.tenant().await).await;
        let one = stream!(world, api.token, "/v1/admin/events", &[]);
        let _two = stream!(world, api.token, "/v1/admin/events", &[]);
        let full = async |api: &Api<'_>| {
            let full = api.send("GET", "/events", &[("accept", "text/event-stream")], Vec::new()).await;
            assert_eq!((full.status, full.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, Some("5")));
        };
        full(&api).await;
        let acme = Api::new(&world, &world.other_tenant("acme").await).await;
        let other = stream!(world, acme.token, "/t/acme/v1/admin/events", &[]);
        full(&acme).await;
        drop(other);
        full(&api).await;
        drop(one);
        let mut three = stream!(world, api.token, "/v1/admin/events", &[]);
        world.ctx.event_streams.stop();
        assert_eq!(heard(&mut three, 9).await, ["retry: 2000"], "and a server that ends waits for none");
    }
}

#[tokio::test]
async fn who_was_away_for_too_long_is_told_so() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let raw = database.raw().await;
        raw.execute_unprepared("DELETE FROM outbox_events WHERE position < 3").await.unwrap();
        let mut body = stream!(world, api.token, "/v1/admin/events", &[("last-event-id", "0")]);
        let said = heard(&mut body, 3).await;
        assert_eq!(said[1], "event: signet:missed\ndata: {\"from\":1,\"to\":2}");
        assert!(said[2].starts_with("id: 3\n"));
        // The database was restored from a backup: what follows isn't kept from who was further than that.
        let newest = store::outbox::newest(world.ctx.database.read(), TenantId::DEFAULT).await.unwrap();
        let mut body = stream!(world, api.token, "/v1/admin/events", &[("last-event-id", "5000")]);
        let said = heard(&mut body, 2).await;
        assert_eq!(said[1], format!("event: signet:missed\ndata: {{\"from\":{},\"to\":5000}}", newest + 1));
        world.user(&world.tenant().await, "grace@example.com").await;
        assert!(heard(&mut body, 1).await[0].starts_with(&format!("id: {}\n", newest + 1)));
        let bad =
            api.send("GET", "/events", &[("accept", "text/event-stream"), ("last-event-id", "x")], Vec::new()).await;
        assert_eq!(bad.status, StatusCode::BAD_REQUEST);
    }
}
