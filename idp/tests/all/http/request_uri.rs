//! Request objects by reference (RFC 9101 §5.2, OpenID Connect Core §6.2): fetched from where the client registered.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use idp::domain::client::{ClientAuthMethod, GrantType};
use poem::http::StatusCode;
use serde_json::json;

use super::client_assertion::{claims, now, token};
use super::jose::{encode as base64url, private_key, public, sign};
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

/// Who hangs at a host keeps nobody waiting but those who ask that host.
#[tokio::test]
async fn a_host_that_hangs_takes_no_turns_from_the_others() {
    let key = private_key("p256", "ec");
    let jwt = signed(&key, "app0", &json!({}));
    for database in databases().await {
        let (slow, quick) = (Elsewhere::start().await, Elsewhere::start().await);
        let world = World::with(database.open().await, |config| {
            config.outbound.connect_timeout = Duration::from_secs(3);
            config.outbound.total_timeout = Duration::from_secs(3);
        })
        .await;
        world.furnish().await;
        let tenant = world.tenant().await;
        // Three clients with 44 addresses each, all of which hang.
        let uri = |number: usize| format!("http://slow.example:{}/{number}", slow.port());
        let good = uri(1000);
        slow.answers("/1000", Reply::request_object(&jwt));
        let mut asking = Vec::new();
        for app in 0..3 {
            let uris: Vec<String> = (0..44).map(|number| uri(app * 44 + number)).collect();
            let client_id = format!("app{app}");
            let registered = uris.iter().chain([&good]).cloned().collect();
            client(&world, &tenant, &client_id, vec![public(&key, None)], |it| it.request_uris = registered).await;
            asking.extend(uris.into_iter().map(|uri| (client_id.clone(), uri)));
        }
        let asked = || (0..132).map(|number| slow.asked(&format!("/{number}"))).sum::<usize>();
        for number in 0..132 {
            slow.answers(&format!("/{number}"), Reply::Nothing);
        }
        quick.answers("/keys", Reply::json(&json!({ "keys": [public(&key, None)] })));
        world
            .client(&tenant, "robot", |metadata| {
                metadata.grant_types = [GrantType::ClientCredentials].into();
                metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
                metadata.redirect_uris = Vec::new();
                metadata.scope = "reports:read".parse().unwrap();
                metadata.jwks_uri = Some(format!("http://quick.example:{}/keys", quick.port()));
            })
            .await;

        let over = AtomicBool::new(false);
        let hanging = async {
            let ask = async |(client_id, uri): &(String, String)| {
                Browser::new(&world, "").authorize(client_id, &[("request_uri", uri)]).await
            };
            let answers = join_all(asking.iter().map(ask)).await;
            over.store(true, Ordering::SeqCst);
            answers
        };
        let meanwhile = async {
            while asked() < 8 {
                tokio::task::yield_now().await;
            }
            let header = json!({ "alg": "ES256", "kid": "ec" }).to_string();
            let assertion = sign("ES256", &key, &header, &claims("robot", &json!({})));
            let answer = token(&world, "", Some("robot"), &assertion).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(quick.asked("/keys"), 1);
            assert!(!over.load(Ordering::SeqCst), "while the others hang");
        };
        let (answers, ()) = tokio::join!(hanging, meanwhile);
        let mut descriptions: Vec<String> = Vec::new();
        for answer in answers {
            assert_error(&answer, BAD, "hangs");
            descriptions.extend(answer.returned("error_description"));
        }
        assert_eq!(asked(), 8, "an eighth of all turns");
        let says = |text: &str| descriptions.iter().filter(|found| found.contains(text)).count();
        assert_eq!((says("takes too long"), says("under way")), (8, 124));
        // Nothing is left over: the host is asked again as soon as it answers.
        let answers = join_all((0..20).map(|_| async {
            Browser::new(&world, "").authorize("app0", &[("request_uri", &good)]).await.assert_leads_to("/login");
        }));
        answers.await;
    }
}

/// Many who ask for the same at a time ask once, and are all told what came of it; each later one asks anew.
#[tokio::test]
async fn an_address_is_asked_once_for_many_requests_at_a_time() {
    let key = private_key("p256", "ec");
    let jwt = signed(&key, "app", &json!({}));
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::with(database.open().await, |config| {
            config.outbound.connect_timeout = Duration::from_millis(500);
            config.outbound.total_timeout = Duration::from_millis(500);
        })
        .await;
        world.furnish().await;
        let tenant = world.tenant().await;
        let uris = vec![site.url("/good"), site.url("/hangs")];
        client(&world, &tenant, "app", vec![public(&key, None)], |it| it.request_uris = uris).await;
        site.answers("/good", Reply::request_object(&jwt));
        site.answers("/hangs", Reply::Nothing);
        let many = async |path: &str| {
            let uri = site.url(path);
            join_all((0..130).map(|_| ask(&world, &uri))).await
        };
        for answer in many("/good").await {
            answer.assert_leads_to("/login");
        }
        let asked = site.asked("/good");
        assert!((1..130).contains(&asked), "{asked}: once for all who came before it was asked");
        ask(&world, &site.url("/good")).await.assert_leads_to("/login");
        assert_eq!(site.asked("/good"), asked + 1, "it may be another one by now");
        // It hangs for longer than a failure is remembered: that time begins when it has failed.
        let slowly = async {
            while site.asked("/hangs") == 0 {
                tokio::task::yield_now().await;
            }
            world.pass(Duration::from_secs(30));
        };
        let (answers, ()) = tokio::join!(many("/hangs"), slowly);
        for answer in answers {
            assert_error(&answer, BAD, "hangs");
        }
        assert_error(&ask(&world, &site.url("/hangs")).await, BAD, "right after");
        assert_eq!(site.asked("/hangs"), 1);
        // Nor do those who hang up make it be asked again.
        world.pass(Duration::from_secs(3));
        let uri = site.url("/hangs");
        for _ in 0..3 {
            let asked = async {
                while site.asked("/hangs") == 1 {
                    tokio::task::yield_now().await;
                }
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            };
            let first = select(Box::pin(ask(&world, &uri)), Box::pin(asked)).await;
            assert!(matches!(first, Either::Right(_)), "it hangs");
        }
        assert_error(&ask(&world, &uri).await, BAD, "hangs");
        assert_eq!(site.asked("/hangs"), 2);
        world.pass(Duration::from_secs(3));
        site.answers("/hangs", Reply::request_object(&signed(&key, "app", &json!({ "exp": now() + 90 }))));
        ask(&world, &site.url("/hangs")).await.assert_leads_to("/login");
    }
}
