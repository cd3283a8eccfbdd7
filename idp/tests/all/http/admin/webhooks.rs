//! Webhooks: made at `/v1/admin`, told in order, signed, tried again, and tried again by hand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::time::Duration;

use idp::domain::user::UserStatus;
use idp::service::{deliveries, relay, users};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, SCOPES, service_token};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::World;

fn answers(status: &str) -> Reply {
    Reply::Raw(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n"))
}

/// A webhook that is told of these types.
async fn webhook(api: &Api<'_>, url: &str, types: &[&str]) -> Value {
    let answer = api.post("/webhooks", &json!({ "url": url, "types": types })).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.json()
}

/// Queues and sends what is due; how many messages were sent.
async fn send(world: &World) -> usize {
    relay::to_webhooks(&world.ctx).await.unwrap();
    deliveries::send_due(&world.ctx).await.unwrap()
}

fn path(webhook: &Value) -> String {
    format!("/webhooks/{}", webhook["endpoint_id"].as_str().unwrap())
}

/// A header of a request as it was sent.
fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line =
        request.lines().find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)));
    line.unwrap_or_else(|| panic!("no {name}: {request}")).1
}

/// The signature of Standard Webhooks, made anew.
fn signature(secret: &Value, request: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.as_str().unwrap().strip_prefix("whsec_").unwrap()).unwrap();
    let text = format!("{}.{}.{body}", header(request, "webhook-id"), header(request, "webhook-timestamp"));
    let key = PKey::hmac(&key).unwrap();
    let mut signer = Signer::new(MessageDigest::sha256(), &key).unwrap();
    format!("v1,{}", STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes()).unwrap()))
}

#[tokio::test]
async fn an_event_arrives_signed_and_only_where_it_is_wanted() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let (tenant, site) = (world.tenant().await, Elsewhere::start().await);
        let api = Api::new(&world, &tenant).await;
        send(&world).await;
        for path in ["/all", "/logins"] {
            site.answers(path, answers("204 No Content"));
        }
        let all = webhook(&api, &site.url("/all"), &[]).await;
        webhook(&api, &site.url("/logins"), &["auth:user.login"]).await;
        let shown = api.get(&path(&all)).await.json();
        assert_eq!(shown["secret"], Value::Null, "it is shown once");
        let user = world.user(&tenant, "bob@example.com").await;
        assert_eq!(send(&world).await, 1);
        assert_eq!((site.posted("/all").len(), site.posted("/logins").len()), (1, 0));

        let (body, request) = (site.posted("/all")[0].clone(), site.last());
        let payload: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&payload["type"], &payload["user_id"]), (&"auth:user.registered".into(), &json!(user.id)));
        assert_eq!(header(&request, "webhook-id"), payload["id"].as_str().unwrap());
        assert_eq!(header(&request, "webhook-timestamp"), world.ctx.now().seconds().to_string());
        assert_eq!(header(&request, "content-type"), "application/json");
        assert_eq!(header(&request, "webhook-signature"), signature(&all["secret"], &request, &body));

        // During a rotation both secrets are good, then the new one alone.
        let rotated = api.post(&format!("{}/secret", path(&all)), &json!({ "grace_seconds": 60 })).await.json();
        assert_ne!(rotated["secret"], all["secret"]);
        world.user(&tenant, "kim@example.com").await;
        assert_eq!(send(&world).await, 1);
        let (body, request) = (site.posted("/all")[1].clone(), site.last());
        let both = [&rotated["secret"], &all["secret"]].map(|secret| signature(secret, &request, &body)).join(" ");
        assert_eq!(header(&request, "webhook-signature"), both);
        world.pass(Duration::from_secs(61));
        world.user(&tenant, "lee@example.com").await;
        assert_eq!(send(&world).await, 1);
        let (body, request) = (site.posted("/all")[2].clone(), site.last());
        assert_eq!(header(&request, "webhook-signature"), signature(&rotated["secret"], &request, &body));
    }
}

#[tokio::test]
async fn what_is_about_one_person_comes_in_order_and_nobody_else_waits_for_it() {
    for database in databases().await {
        let world = World::with(database.open().await, |config| {
            config.deliveries.attempts = 2.try_into().unwrap();
        })
        .await;
        world.furnish().await;
        let (tenant, site) = (world.tenant().await, Elsewhere::start().await);
        let api = Api::new(&world, &tenant).await;
        send(&world).await;
        let hook = webhook(&api, &site.url("/hook"), &[]).await;
        site.answers("/hook", answers("500 Broken"));
        for status in [UserStatus::Locked, UserStatus::Disabled, UserStatus::Active] {
            users::set_status(&world.ctx, &tenant, "ada@example.com", status, "test").await.unwrap();
        }
        assert_eq!(send(&world).await, 1, "one after the other");
        site.answers("/hook", answers("200 OK"));
        world.user(&tenant, "bob@example.com").await;
        assert_eq!(send(&world).await, 1, "another's goes");
        let types = |bodies: &[String]| {
            let kind =
                |body: &String| serde_json::from_str::<Value>(body).unwrap()["type"].as_str().unwrap().to_owned();
            bodies.iter().map(kind).collect::<Vec<_>>()
        };
        assert_eq!(types(&site.posted("/hook")), ["auth:user.locked", "auth:user.registered"]);

        // Dead, it holds nobody up; by hand it is tried again.
        site.answers("/hook", answers("500 Broken"));
        world.pass(Duration::from_mins(1));
        assert_eq!(send(&world).await, 2, "the first for the last time, then the second");
        site.answers("/hook", answers("200 OK"));
        world.pass(Duration::from_mins(1));
        assert_eq!(send(&world).await, 2);
        let dead = api.get(&format!("{}/deliveries", path(&hook))).await.json();
        assert_eq!(dead["items"].as_array().unwrap().len(), 1);
        let dead = &dead["items"][0];
        assert_eq!(
            (&dead["type"], &dead["state"], &dead["attempts"]),
            (&"auth:user.locked".into(), &"dead".into(), &2.into())
        );
        assert!(dead["last_error"].as_str().unwrap().contains("500"), "{dead}");

        let again = json!({ "delivery_id": dead["delivery_id"] });
        let replay = format!("{}/replay", path(&hook));
        assert_eq!(api.post(&replay, &again).await.snapshot(), r#"200 {"replayed":1}"#);
        assert_eq!(api.post(&replay, &again).await.status, StatusCode::NOT_FOUND, "it isn't dead any more");
        assert_eq!(api.post(&replay, &json!({})).await.snapshot(), r#"200 {"replayed":0}"#);
        assert_eq!(api.post(&replay, &json!({ "delivery_id": "x" })).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(send(&world).await, 1);
        assert_eq!(types(&site.posted("/hook")).last().unwrap(), "auth:user.locked");
        assert_eq!(api.get(&format!("{}/deliveries", path(&hook))).await.json(), json!({ "items": [] }));
    }
}

#[tokio::test]
async fn two_nodes_queue_an_event_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let peer = world.peer(database.open().await);
        let (tenant, site) = (world.tenant().await, Elsewhere::start().await);
        let api = Api::new(&world, &tenant).await;
        send(&world).await;
        let hook = webhook(&api, &site.url("/hook"), &["auth:user.registered"]).await;
        for number in 0..5 {
            world.user(&tenant, &format!("u{number}@example.com")).await;
        }
        let (one, two) = tokio::join!(relay::to_webhooks(&world.ctx), relay::to_webhooks(&peer.ctx));
        one.unwrap();
        two.unwrap();
        relay::to_webhooks(&peer.ctx).await.unwrap();
        let waiting = api.get(&format!("{}/deliveries", path(&hook))).await.json();
        assert_eq!(waiting["items"].as_array().unwrap().len(), 5);
    }
}

#[tokio::test]
async fn a_webhook_is_changed_switched_off_and_deleted() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let (tenant, site) = (world.tenant().await, Elsewhere::start().await);
        let api = Api::new(&world, &tenant).await;
        send(&world).await;
        site.answers("/hook", answers("200 OK"));
        let hook = webhook(&api, &site.url("/hook"), &[]).await;
        let before = api.get(&path(&hook)).await;
        let etag = before.header("etag").unwrap();
        let changed =
            api.patch_if(&path(&hook), etag, &json!({ "description": "Billing", "status": "disabled" })).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!(changed.json()["description"], "Billing");
        let typed = api.patch(&path(&hook), &json!({ "types": ["auth:user.login"] })).await.json();
        assert_eq!(typed["types"], json!(["auth:user.login"]));
        let usual = json!({ "types": null, "description": null });
        let usual = api.patch(&path(&hook), &usual).await.json();
        assert_eq!(
            (&usual["types"], &usual["description"]),
            (&json!([]), &json!("")),
            "what is null is as in a new one"
        );
        let stale = api.patch_if(&path(&hook), etag, &json!({ "description": "x" })).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
        world.user(&tenant, "bob@example.com").await;
        assert_eq!(send(&world).await, 0, "it is told nothing");
        assert_eq!(api.patch(&path(&hook), &json!({ "status": "active" })).await.status, StatusCode::OK);
        world.user(&tenant, "kim@example.com").await;
        relay::to_webhooks(&world.ctx).await.unwrap();
        assert_eq!(api.delete(&path(&hook)).await.snapshot(), "204 ");
        assert_eq!(deliveries::send_due(&world.ctx).await.unwrap(), 0, "and what waited is gone");
        assert_eq!(api.delete(&path(&hook)).await.status, StatusCode::NOT_FOUND);
        assert_eq!(api.get("/webhooks").await.json(), json!({ "items": [] }));
        let lines = api.get("/audit?kind=webhook.changed").await.json();
        let what: std::collections::BTreeSet<_> =
            lines["items"].as_array().unwrap().iter().map(|line| line["detail"]["what"].as_str().unwrap()).collect();
        assert_eq!(what, ["changed", "created", "deleted"].into());
    }
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_by_name() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for (body, status, text) in [
            (json!({}), 400, "url"),
            (json!({ "url": "https://x.example", "secret": "mine" }), 400, "secret"),
            (json!({ "url": "nonsense" }), 422, "url: the address must be an https URL"),
            (json!({ "url": "http://x.example/hook" }), 201, ""),
            (json!({ "url": "https://192.168.0.1/hook" }), 422, "isn't public"),
            (json!({ "url": "https://user:pw@x.example" }), 422, "without user name"),
            (json!({ "url": "https://x.example", "types": ["auth:user.exploded"] }), 422, "there is no event"),
            (json!({ "url": "https://x.example", "description": "a\nb" }), 422, "in one line"),
        ] {
            let answer = api.post("/webhooks", &body).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
            assert!(answer.body.contains(text), "{body}: {}", answer.body);
        }
        for number in 1..20 {
            webhook(&api, &format!("https://x.example/{number}"), &[]).await;
        }
        let full = api.post("/webhooks", &json!({ "url": "https://x.example" })).await;
        assert_eq!(full.status, StatusCode::CONFLICT, "{}", full.body);
        let first = api.get("/webhooks?limit=1").await.json()["items"][0].clone();
        let long = api.post(&format!("{}/secret", path(&first)), &json!({ "grace_seconds": 2_592_001 })).await;
        assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_tenants_webhooks_are_its_own() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let home = Api::new(&world, &world.tenant().await).await;
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        send(&world).await;
        let hook = webhook(&home, "https://x.example/hook", &[]).await;
        for (method, rest) in [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/secret"),
            ("GET", "/deliveries"),
            ("POST", "/replay"),
        ] {
            let answer = away.call(method, &format!("{}{rest}", path(&hook)), &json!({})).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {rest}: {}", answer.body);
        }
        assert_eq!(away.get("/webhooks").await.json(), json!({ "items": [] }));
        let token = service_token(&world, "", "operator", &SCOPES.join(" ")).await;
        assert_eq!(home.with(&token).get(&path(&hook)).await.status, StatusCode::OK, "it is there still");
        world.user(&acme, "eve@example.com").await;
        relay::to_webhooks(&world.ctx).await.unwrap();
        let waiting = home.get(&format!("{}/deliveries", path(&hook))).await.json();
        assert_eq!(waiting, json!({ "items": [] }), "another tenant's events aren't told");
        assert_eq!(away.get("/audit?kind=webhook.changed").await.json(), json!({ "items": [] }));
    }
}
