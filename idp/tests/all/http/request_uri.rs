//! Request objects by reference (RFC 9101 §5.2, OpenID Connect Core §6.2): fetched from where the client registered.

use std::time::Duration;

use serde_json::json;

use super::jose::{encode as base64url, private_key, public};
use super::request_object::{assert_error, client, object, signed};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, Browser, World};

const BAD: &str = "invalid_request_uri";

async fn ask(world: &World, uri: &str) -> Answer {
    Browser::new(world, "").authorize("app", &[("request_uri", uri)]).await
}

#[tokio::test]
async fn a_request_is_fetched_from_a_registered_address_alone() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let uri = site.url("/request?of=app");
        client(&world, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = vec![uri.clone()]).await;
        site.answers("/request?of=app", Reply::request_object(&signed(&key, "app", &json!({}))));
        for (number, uri) in [uri.clone(), format!("{uri}#whatever"), format!("{uri}#")].iter().enumerate() {
            ask(&world, uri).await.assert_leads_to("/login");
            assert_eq!(site.asked("/request?of=app"), number + 1, "each time anew");
        }
        assert!(site.last().contains("accept: application/oauth-authz-req+jwt, application/jwt\r\n"));
        for near in [
            site.url("/request"),
            site.url("/request?of=app&x"),
            site.url("/request?of=App"),
            site.url("//request?of=app"),
            site.url("/x/../request?of=app"),
            uri.replace("127.0.0.1", "localhost"),
            uri.replace("http:", "https:"),
            uri.replace("http:", "HTTP:"),
            "https://evil.example/".to_owned(),
            "urn:ietf:params:oauth:request_uri:x".to_owned(),
            "file:///etc/passwd".to_owned(),
            "x".to_owned(),
        ] {
            assert_error(&ask(&world, &near).await, BAD, &near);
        }
        assert_eq!(site.asked("/request?of=app"), 3);
        // Another client's address isn't this one's.
        let answer = Browser::new(&world, "").authorize("reports", &[("request_uri", &uri)]).await;
        assert_error(&answer, BAD, "another client");
    }
}

/// The fragment is the hash of what is there: what it vouches for is kept, what it doesn't is as good as without.
#[tokio::test]
async fn what_the_hash_in_the_address_vouches_for_is_kept() {
    let key = private_key("p256", "ec");
    let jwt = signed(&key, "app", &json!({}));
    let hash = base64url(openssl::sha::sha256(jwt.as_bytes()));
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let uri = format!("{}#{hash}", site.url("/request"));
        client(&world, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = vec![uri.clone()]).await;
        site.answers("/request", Reply::request_object(&jwt));
        for _ in 0..3 {
            ask(&world, &uri).await.assert_leads_to("/login");
        }
        assert_eq!(site.asked("/request"), 1);
        // Another fragment says that there is something else now (OpenID Connect Core §6.2).
        let other = format!("{}#{}", site.url("/request"), base64url([7; 32]));
        for number in [2, 3] {
            ask(&world, &other).await.assert_leads_to("/login");
            assert_eq!(site.asked("/request"), number, "not kept: the hash isn't its own");
        }
        // Neither does a kept one live for ever.
        world.pass(Duration::from_secs(100));
        assert_error(&ask(&world, &uri).await, "invalid_request_object", "expired");
    }
}

#[tokio::test]
async fn what_is_at_the_address_must_be_a_signed_request_object() {
    let key = private_key("p256", "ec");
    let jwt = signed(&key, "app", &json!({}));
    let typed = |kind: &str, body: &str| Reply::Document(format!("content-type: {kind}\r\n"), body.as_bytes().to_vec());
    let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(object("app", &json!({}))));
    let nested = signed(&key, "app", &json!({ "request_uri": "https://x.example/" }));
    for database in databases().await {
        let site = Elsewhere::start().await;
        let short = Duration::from_millis(100);
        let world = World::with(database.open().await, |config| {
            config.outbound.connect_timeout = short;
            config.outbound.total_timeout = short;
        })
        .await;
        world.furnish().await;
        let tenant = world.tenant().await;
        let redirect = site.url("/good");
        let cases = [
            ("good", Reply::request_object(&jwt), None),
            ("application/jwt", typed("Application/JWT; charset=utf-8", &jwt), None),
            ("a line end", Reply::request_object(&format!("{jwt}\r\n")), None),
            ("a page", typed("text/html", &jwt), Some(BAD)),
            ("no type", Reply::Document(String::new(), jwt.clone().into_bytes()), Some(BAD)),
            ("not UTF-8", Reply::Document("content-type: application/jwt\r\n".to_owned(), vec![0xFF; 9]), Some(BAD)),
            ("unsigned", Reply::request_object(&unsigned), Some("request_uri_not_supported")),
            ("tampered", Reply::request_object(&format!("{}x", &jwt[..jwt.len() - 1])), Some("invalid_request_object")),
            ("empty", Reply::request_object(""), Some("invalid_request_object")),
            ("nested", Reply::request_object(&nested), Some("invalid_request_object")),
            ("redirect", Reply::Redirect(redirect), Some(BAD)),
            ("nothing", Reply::Nothing, Some(BAD)),
            ("drops", Reply::Drops, Some(BAD)),
            ("gigabytes", Reply::Endless(Some(1 << 40)), Some(BAD)),
            ("endless", Reply::Endless(None), Some(BAD)),
            ("no HTTP", Reply::Raw("hello\r\n".to_owned()), Some(BAD)),
        ];
        let path = |name: &str| format!("/{}", name.replace([' ', '/'], "-"));
        let mut uris: Vec<String> = cases.iter().map(|(name, ..)| site.url(&path(name))).collect();
        uris.push(site.url("/gone"));
        client(&world, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = uris).await;
        for (name, reply, error) in &cases {
            site.answers(&path(name), reply.clone());
            let answer = ask(&world, &site.url(&path(name))).await;
            match error {
                None => answer.assert_leads_to("/login"),
                Some(error) => assert_error(&answer, error, name),
            }
        }
        // An address that fails isn't asked again at once, and works as soon as it works.
        for _ in 0..3 {
            assert_error(&ask(&world, &site.url("/gone")).await, BAD, "404");
        }
        assert_eq!(site.asked("/gone"), 1);
        site.answers("/gone", Reply::request_object(&jwt));
        world.pass(Duration::from_secs(3));
        ask(&world, &site.url("/gone")).await.assert_leads_to("/login");
    }
}

/// An address in a private network is refused though it was registered, when the operator has closed that network.
#[tokio::test]
async fn an_address_in_a_private_network_is_not_asked() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let site = Elsewhere::start().await;
        let open = World::furnished(&database).await;
        let tenant = open.tenant().await;
        let uri = site.url("/request");
        client(&open, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = vec![uri.clone()]).await;
        site.answers("/request", Reply::request_object(&signed(&key, "app", &json!({}))));
        let world = open.peer_with(database.open().await, |config| config.outbound.allowed_networks.clear());
        assert_error(&ask(&world, &uri).await, BAD, "closed");
        assert_eq!(site.asked("/request"), 0);
        ask(&open, &uri).await.assert_leads_to("/login");
    }
}
