//! `jwks_uri`: keys that a client publishes itself (OpenID Connect Registration §2, Core §10.1.1).

use std::time::Duration;

use futures_util::future::{Either, select};
use idp::domain::client::{ClientAuthMethod, ClientMetadata, GrantType};
use idp::domain::tenant::Tenant;
use josekit::jwk::Jwk;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::client_assertion::{assert_refused, claims, now, token};
use super::jose::{encode, private_key, public, sign};
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, World};

/// A service whose keys are at that address.
async fn service(world: &World, tenant: &Tenant, id: &str, jwks_uri: &str, change: impl FnOnce(&mut ClientMetadata)) {
    world
        .client(tenant, id, |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
            metadata.redirect_uris = Vec::new();
            metadata.scope = "reports:read".parse().unwrap();
            metadata.jwks_uri = Some(jwks_uri.to_owned());
            change(metadata);
        })
        .await;
}

fn jwks(keys: &[&Jwk]) -> Reply {
    let keys: Vec<Value> = keys.iter().map(|key| public(key, None)).collect();
    Reply::json(&json!({ "keys": keys }))
}

/// An assertion that is good for ten minutes after some time has passed.
fn signed(key: &Jwk, id: &str, after: Duration) -> String {
    let header = json!({ "alg": "ES256", "kid": key.key_id() }).to_string();
    let exp = now() + i64::try_from(after.as_secs()).unwrap() + 300;
    sign("ES256", key, &header, &claims(id, &json!({ "exp": exp })))
}

async fn ask(world: &World, key: &Jwk, after: Duration) -> Answer {
    token(world, "", Some("robot"), &signed(key, "robot", after)).await
}

const AT_ONCE: Duration = Duration::ZERO;

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_their_time_is_over() {
    let key = private_key("p256", "one");
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", jwks(&[&key]));
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", &site.url("/keys"), |_| {}).await;
        assert_eq!(site.asked("/keys"), 0, "not at registration: keys may come later");
        let requests = (0..20).map(|_| ask(&world, &key, AT_ONCE));
        for answer in futures_util::future::join_all(requests).await {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
        assert_eq!(site.asked("/keys"), 1, "once for all of them");
        let mut passed = Duration::ZERO;
        for (lines, age) in [
            ("", 600),
            ("cache-control: max-age=300\r\n", 300),
            ("cache-control: no-store\r\n", 60),
            ("cache-control: max-age=86400\r\n", 3600),
        ] {
            let Reply::Document(_, body) = jwks(&[&key]) else { unreachable!() };
            site.answers("/keys", Reply::Document(lines.to_owned(), body));
            world.pass(Duration::from_hours(1));
            passed += Duration::from_hours(1);
            assert_eq!(ask(&world, &key, passed).await.status, StatusCode::OK);
            let before = site.asked("/keys");
            world.pass(Duration::from_secs(age - 1));
            passed += Duration::from_secs(age - 1);
            assert_eq!(ask(&world, &key, passed).await.status, StatusCode::OK);
            assert_eq!(site.asked("/keys"), before, "{lines}");
            world.pass(Duration::from_secs(1));
            passed += Duration::from_secs(1);
            assert_eq!(ask(&world, &key, passed).await.status, StatusCode::OK);
            assert_eq!(site.asked("/keys"), before + 1, "{lines}");
        }
    }
}

/// A client changes its keys by publishing others: the next token that names one of them is good at once.
#[tokio::test]
async fn an_unknown_kid_has_the_keys_read_again_but_not_all_the_time() {
    let (one, two) = (private_key("p256", "one"), private_key("p256", "two"));
    let unnamed = private_key("p256", "nobody");
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", jwks(&[&one]));
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", &site.url("/keys"), |_| {}).await;
        assert_eq!(ask(&world, &one, AT_ONCE).await.status, StatusCode::OK);
        site.answers("/keys", jwks(&[&two]));
        assert_refused(&ask(&world, &two, AT_ONCE).await, "they were read this moment");
        assert_eq!(site.asked("/keys"), 1);
        world.pass(Duration::from_secs(3));
        assert_eq!(ask(&world, &two, AT_ONCE).await.status, StatusCode::OK);
        assert_eq!(site.asked("/keys"), 2);
        assert_refused(&ask(&world, &one, AT_ONCE).await, "the former key");
        // Whoever sends nonsense doesn't make us ask each time.
        world.pass(Duration::from_secs(3));
        let requests = (0..20).map(|_| ask(&world, &unnamed, AT_ONCE));
        for answer in futures_util::future::join_all(requests).await {
            assert_refused(&answer, "nobody's key");
        }
        assert_eq!(site.asked("/keys"), 3);
        assert_eq!(ask(&world, &two, AT_ONCE).await.status, StatusCode::OK);
    }
}

/// What can't be fetched refuses the request at hand. What was fetched before stays good for its time.
#[tokio::test]
async fn a_failure_refuses_and_is_over_when_it_is_over() {
    let (one, two) = (private_key("p256", "one"), private_key("p256", "two"));
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", &site.url("/keys"), |_| {}).await;
        for _ in 0..5 {
            assert_refused(&ask(&world, &one, AT_ONCE).await, "404");
        }
        assert_eq!(site.asked("/keys"), 1, "an address that fails isn't hammered");
        site.answers("/keys", jwks(&[&one]));
        world.pass(Duration::from_secs(3));
        assert_eq!(ask(&world, &one, AT_ONCE).await.status, StatusCode::OK);

        site.answers("/keys", Reply::Raw("HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n".to_owned()));
        world.pass(Duration::from_secs(3));
        assert_refused(&ask(&world, &two, AT_ONCE).await, "an unknown kid while the address fails");
        assert_eq!(site.asked("/keys"), 3);
        assert_eq!(ask(&world, &one, AT_ONCE).await.status, StatusCode::OK, "the others aren't lost by that");
        world.pass(Duration::from_mins(10));
        assert_refused(&ask(&world, &one, Duration::from_mins(10)).await, "their time is over");
    }
}

/// The keys of `robot` are at an address that never answers, for which nobody waits long.
async fn with_keys_that_hang(database: &TestDatabase) -> (World, Elsewhere) {
    let site = Elsewhere::start().await;
    site.answers("/keys", Reply::Nothing);
    let world = World::with(database.open().await, |config| {
        config.outbound.connect_timeout = Duration::from_millis(500);
        config.outbound.total_timeout = Duration::from_millis(500);
    })
    .await;
    service(&world, &world.tenant().await, "robot", &site.url("/keys"), |_| {}).await;
    (world, site)
}

/// Many wait for an address that hangs, for longer than a failure is remembered: none of them asks again.
#[tokio::test]
async fn who_waited_for_an_address_that_hangs_does_not_ask_it_again() {
    let key = private_key("p256", "one");
    for database in databases().await {
        let (world, site) = with_keys_that_hang(&database).await;
        let requests = futures_util::future::join_all((0..20).map(|_| ask(&world, &key, AT_ONCE)));
        let slowly = async {
            while site.asked("/keys") == 0 {
                tokio::task::yield_now().await;
            }
            world.pass(Duration::from_secs(30));
        };
        let (answers, ()) = tokio::join!(requests, slowly);
        for answer in answers {
            assert_refused(&answer, "hangs");
        }
        assert_eq!(site.asked("/keys"), 1);
    }
}

/// Those who hang up before it has failed don't make it be asked again either.
#[tokio::test]
async fn an_address_that_hangs_is_asked_once_for_those_who_hang_up() {
    let key = private_key("p256", "one");
    for database in databases().await {
        let (world, site) = with_keys_that_hang(&database).await;
        for _ in 0..5 {
            let asked = async {
                while site.asked("/keys") == 0 {
                    tokio::task::yield_now().await;
                }
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
            };
            let first = select(Box::pin(ask(&world, &key, AT_ONCE)), Box::pin(asked)).await;
            assert!(matches!(first, Either::Right(_)), "it hangs");
        }
        assert_refused(&ask(&world, &key, AT_ONCE).await, "hangs");
        assert_eq!(site.asked("/keys"), 1);
    }
}

#[tokio::test]
async fn an_address_that_misbehaves_gives_no_keys() {
    let key = private_key("p256", "one");
    let private: Value = serde_json::to_value(key.as_ref()).unwrap();
    for database in databases().await {
        let site = Elsewhere::start().await;
        let short = Duration::from_millis(100);
        let world = World::with(database.open().await, |config| {
            config.outbound.connect_timeout = short;
            config.outbound.total_timeout = short;
        })
        .await;
        let tenant = world.tenant().await;
        site.answers("/there", jwks(&[&key]));
        let redirect = site.url("/there");
        let many: Vec<Value> = (0..101).map(|_| public(&key, None)).collect();
        let replies = [
            ("redirect", Reply::Redirect(redirect)),
            ("nothing", Reply::Nothing),
            ("drops", Reply::Drops),
            ("gigabytes", Reply::Endless(Some(1 << 40))),
            ("endless", Reply::Endless(None)),
            ("empty", Reply::Raw(String::new())),
            ("no JSON", Reply::Document(String::new(), b"<html>".to_vec())),
            ("deep", Reply::Document(String::new(), format!("{{\"keys\":{}", "[".repeat(50_000)).into_bytes())),
            ("an array", Reply::json(&json!([public(&key, None)]))),
            ("no keys", Reply::json(&json!({ "keys": {} }))),
            ("too many keys", Reply::json(&json!({ "keys": many }))),
            ("a private key", Reply::json(&json!({ "keys": [private] }))),
            ("a shared secret", Reply::json(&json!({ "keys": [{ "kty": "oct", "kid": "one", "k": "AAAA" }] }))),
        ];
        for (number, (name, reply)) in replies.into_iter().enumerate() {
            let (path, id) = (format!("/{number}"), format!("robot{number}"));
            site.answers(&path, reply);
            service(&world, &tenant, &id, &site.url(&path), |_| {}).await;
            assert_refused(&token(&world, "", Some(&id), &signed(&key, &id, AT_ONCE)).await, name);
        }
        assert_eq!(site.asked("/there"), 0);
    }
}

/// Keys that are too short or of the wrong kind aren't used; the others beside them are.
#[tokio::test]
async fn a_key_that_is_too_weak_is_left_out() {
    let (weak, good) = (private_key("rsa1024", "weak"), private_key("p256", "good"));
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", jwks(&[&weak, &good]));
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", &site.url("/keys"), |_| {}).await;
        // The library that signs in these tests won't do it with such a key.
        let message = format!("{}.{}", encode(r#"{"alg":"RS256","kid":"weak"}"#), encode(claims("robot", &json!({}))));
        let path = format!("{}/../keys/tests/data/rsa1024.pem", env!("CARGO_MANIFEST_DIR"));
        let pair = PKey::private_key_from_pem(&std::fs::read(path).unwrap()).unwrap();
        let mut signer = Signer::new(MessageDigest::sha256(), &pair).unwrap();
        let by_weak = format!("{message}.{}", encode(signer.sign_oneshot_to_vec(message.as_bytes()).unwrap()));
        assert_refused(&token(&world, "", Some("robot"), &by_weak).await, "1,024 bits");
        assert_eq!(ask(&world, &good, AT_ONCE).await.status, StatusCode::OK);
    }
}

/// An address that leads into the machine's own network isn't asked, whoever registered it and whenever.
#[tokio::test]
async fn an_address_in_a_private_network_is_refused_at_registration_and_at_use() {
    use idp::service::client_documents::DocumentError;
    use idp::service::clients::{self, ClientChangeError, NewClient};
    use idp::service::outbound::OutboundError;
    let key = private_key("p256", "one");
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", jwks(&[&key]));
        let url = site.url("/keys");
        let open = World::on(database.open().await).await;
        let tenant = open.tenant().await;
        service(&open, &tenant, "robot", &url, |_| {}).await;
        // The same database, once the operator has closed the network.
        let world = open.peer_with(database.open().await, |config| config.outbound.allowed_networks.clear());
        assert_refused(&ask(&world, &key, AT_ONCE).await, "registered before");
        assert_eq!(site.asked("/keys"), 0);
        for (uri, error) in [
            (url.as_str(), OutboundError::PlainHttp),
            ("https://127.0.0.1/keys", OutboundError::NotPublic),
            ("https://169.254.169.254/keys", OutboundError::NotPublic),
            ("https://[::1]/keys", OutboundError::NotPublic),
            ("https://[::ffff:10.0.0.1]/keys", OutboundError::NotPublic),
        ] {
            let mut metadata = ClientMetadata::new([GrantType::ClientCredentials], ClientAuthMethod::PrivateKeyJwt);
            metadata.jwks_uri = Some(uri.to_owned());
            let new = NewClient { id: None, name: "Robot".to_owned(), metadata, secret: None };
            let refused = clients::create(&world.ctx, tenant.id, new, "test").await.unwrap_err();
            let expected = DocumentError::Unfetched { field: "jwks_uri", error };
            assert_eq!(refused, ClientChangeError::Document(expected), "{uri}");
        }
    }
}

#[tokio::test]
async fn a_client_is_held_to_the_one_algorithm_that_it_registered() {
    let rsa = private_key("rsa2048", "rsa");
    for database in databases().await {
        let site = Elsewhere::start().await;
        site.answers("/keys", jwks(&[&rsa]));
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let alg = |alg: &str| Some(alg.parse().unwrap());
        service(&world, &tenant, "ps", &site.url("/keys"), |it| it.token_endpoint_auth_signing_alg = alg("PS256"))
            .await;
        service(&world, &tenant, "any", &site.url("/keys"), |_| {}).await;
        for (id, alg, good) in
            [("ps", "PS256", true), ("ps", "RS256", false), ("any", "PS256", true), ("any", "RS256", true)]
        {
            let header = json!({ "alg": alg, "kid": "rsa" }).to_string();
            let answer = token(&world, "", Some(id), &sign(alg, &rsa, &header, &claims(id, &json!({})))).await;
            assert_eq!(answer.status == StatusCode::OK, good, "{id} {alg}: {}", answer.body);
        }
    }
}
