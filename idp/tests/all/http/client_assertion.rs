//! `private_key_jwt` and `client_secret_jwt` (RFC 7523, OpenID Connect Core §9): what is believed, and what isn't.

use std::sync::atomic::{AtomicU32, Ordering};

use idp::domain::client::{ClientAuthMethod, ClientStatus, GrantType};
use idp::domain::tenant::Tenant;
use idp::service::clients;
use josekit::jwk::Jwk;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::code_flow::redeem;
use super::jose::{encode as base64url, header, private_key, public, sign, sign_hs256};
use crate::support::databases;
use crate::support::world::{Answer, Browser, SECRET, START, World, basic, encode};

const ISSUER: &str = "http://127.0.0.1:8080";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const REFUSED: &str = r#"401 {"error":"invalid_client","error_description":"the client is unknown, disabled, or did not authenticate with its registered method and credentials"}"#;

pub(super) fn now() -> i64 {
    START / 1000
}

/// A `jti` that no other assertion has.
fn fresh() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("assertion-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Good claims of a client, some of them changed; `null` takes one away.
pub(super) fn claims(client: &str, change: &Value) -> String {
    let mut claims = json!({
        "iss": client, "sub": client, "aud": ISSUER, "iat": now(), "exp": now() + 60, "jti": fresh(),
    });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

/// A service that authenticates with any of these keys.
async fn service(world: &World, tenant: &Tenant, id: &str, keys: Vec<Value>) {
    world
        .client(tenant, id, |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
            metadata.redirect_uris = Vec::new();
            metadata.scope = "reports:read".parse().unwrap();
            metadata.jwks = Some(json!({ "keys": keys }));
        })
        .await;
}

pub(super) async fn token(world: &World, base: &str, client_id: Option<&str>, assertion: &str) -> Answer {
    let mut form =
        vec![("grant_type", "client_credentials"), ("client_assertion_type", TYPE), ("client_assertion", assertion)];
    form.extend(client_id.map(|id| ("client_id", id)));
    world.post(&format!("{base}/token"), &[], &encode(&form)).await
}

#[track_caller]
pub(super) fn assert_refused(answer: &Answer, name: &str) {
    assert_eq!(answer.snapshot(), REFUSED, "{name}");
    assert!(answer.header("www-authenticate").is_some(), "{name}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
}

#[tokio::test]
async fn a_client_proves_itself_with_each_advertised_algorithm() {
    let algorithms =
        [("RS256", "rsa2048"), ("PS256", "rsa3072"), ("ES256", "p256"), ("ES384", "p384"), ("EdDSA", "ed25519")];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let advertised: Vec<&str> = algorithms.iter().map(|(alg, _)| *alg).chain(["HS256"]).collect();
        assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(advertised));
        for (alg, file) in algorithms {
            let id = format!("robot-{alg}");
            let key = private_key(file, alg);
            service(&world, &tenant, &id, vec![public(&key, Some(alg))]).await;
            let assertion = |header: Value, change: Value| sign(alg, &key, &header.to_string(), &claims(&id, &change));
            let named = json!({ "alg": alg, "kid": alg });
            let good = [
                ("aud is the issuer", assertion(named.clone(), json!({}))),
                ("aud is the token endpoint", assertion(named.clone(), json!({ "aud": format!("{ISSUER}/token") }))),
                ("aud is one of several", assertion(named.clone(), json!({ "aud": ["https://x.example", ISSUER] }))),
                ("typ JWT", assertion(json!({ "alg": alg, "kid": alg, "typ": "JWT" }), json!({}))),
                (
                    "its own typ",
                    assertion(json!({ "alg": alg, "kid": alg, "typ": "client-authentication+jwt" }), json!({})),
                ),
                ("no kid", assertion(json!({ "alg": alg }), json!({}))),
                ("no iat", assertion(named.clone(), json!({ "iat": null }))),
                ("a clock that is late", assertion(named.clone(), json!({ "iat": now() - 80, "exp": now() - 29 }))),
                ("a clock that is early", assertion(named.clone(), json!({ "iat": now() + 30, "nbf": now() + 30 }))),
                ("as long as may be", assertion(named.clone(), json!({ "exp": now() + 600 }))),
            ];
            for (name, assertion) in &good {
                let answer = token(&world, "", Some(&id), assertion).await;
                assert_eq!(answer.status, StatusCode::OK, "{alg}, {name}: {}", answer.body);
                assert_eq!(answer.json()["scope"], "reports:read");
            }
            let unnamed = token(&world, "", None, &assertion(named, json!({}))).await;
            assert_eq!(unnamed.status, StatusCode::OK, "{alg} without client_id: {}", unnamed.body);
        }
    }
}

/// Assertions that are wrong in their claims only.
fn wrong_claims() -> Vec<(&'static str, Value)> {
    let acme = format!("{ISSUER}/t/acme");
    vec![
        ("expired", json!({ "exp": now() - 30 })),
        ("expired long ago", json!({ "exp": 1 })),
        ("no exp", json!({ "exp": null })),
        ("exp too far", json!({ "exp": now() + 631 })),
        ("exp in milliseconds", json!({ "exp": (now() + 60) * 1000 })),
        ("exp a text", json!({ "exp": (now() + 60).to_string() })),
        ("exp negative", json!({ "exp": -1 })),
        ("nbf ahead", json!({ "nbf": now() + 31 })),
        ("iat ahead", json!({ "iat": now() + 31 })),
        ("aud wrong", json!({ "aud": "https://evil.example" })),
        ("aud with a slash", json!({ "aud": format!("{ISSUER}/") })),
        ("aud another endpoint", json!({ "aud": format!("{ISSUER}/userinfo") })),
        ("aud the beginning of ours", json!({ "aud": "http://127.0.0.1:808" })),
        ("aud another tenant", json!({ "aud": acme })),
        ("aud another tenant's endpoint", json!({ "aud": format!("{acme}/token") })),
        ("aud empty", json!({ "aud": [] })),
        ("aud a number", json!({ "aud": 1 })),
        ("no aud", json!({ "aud": null })),
        ("iss another", json!({ "iss": "other" })),
        ("iss ours", json!({ "iss": ISSUER })),
        ("no iss", json!({ "iss": null })),
        ("sub another", json!({ "sub": "other" })),
        ("sub in capitals", json!({ "sub": "ROBOT", "iss": "ROBOT" })),
        ("iss and sub another", json!({ "iss": "other", "sub": "other" })),
        ("no sub", json!({ "sub": null })),
        ("no jti", json!({ "jti": null })),
        ("jti empty", json!({ "jti": "" })),
        ("jti a number", json!({ "jti": 7 })),
        ("jti endless", json!({ "jti": "x".repeat(257) })),
    ]
}

/// Assertions that are wrong in their header, key or signature; the claims are good.
fn wrong_signatures(rsa: &Jwk, ec: &Jwk) -> Vec<(&'static str, String)> {
    let good = || claims("robot", &json!({}));
    let with = |alg: &str, key: &Jwk, header: Value| sign(alg, key, &header.to_string(), &good());
    let unsigned = |header: Value| format!("{}.{}.", base64url(header.to_string()), base64url(good()));
    let public_jwk = public(rsa, Some("RS256")).to_string();
    let pem = std::fs::read(format!("{}/../keys/tests/data/rsa2048.pem", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let pem = openssl::pkey::PKey::private_key_from_pem(&pem).unwrap().public_key_to_pem().unwrap();
    let hs256 = json!({ "alg": "HS256", "kid": "rsa" }).to_string();
    let stranger = private_key("rsa3072", "rsa");
    let strangers = public(&stranger, Some("RS256"));
    let whole = with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa" }));
    let (signed, signature) = whole.rsplit_once('.').unwrap();
    let (first, rest) = signature.split_at(1);
    let altered = format!("{signed}.{}{rest}", if first == "A" { "B" } else { "A" });
    let mut parts = whole.split('.').map(str::to_owned).collect::<Vec<_>>();
    parts[1] = base64url(claims("robot", &json!({})));
    vec![
        ("none", unsigned(json!({ "alg": "none" }))),
        ("None", unsigned(json!({ "alg": "None", "kid": "rsa" }))),
        ("none with a signature", with("RS256", rsa, json!({ "alg": "none", "kid": "rsa" }))),
        ("no alg", with("RS256", rsa, json!({ "kid": "rsa" }))),
        ("HS256 with the public PEM", sign_hs256(&pem, &hs256, &good())),
        ("HS256 with the public JWK", sign_hs256(public_jwk.as_bytes(), &hs256, &good())),
        ("HS256 with a secret", sign_hs256(SECRET.as_bytes(), &hs256, &good())),
        ("RS512", with("RS512", rsa, json!({ "alg": "RS512", "kid": "rsa" }))),
        ("PS512", with("PS512", rsa, json!({ "alg": "PS512", "kid": "rsa" }))),
        ("PS256 with a key for RS256", with("PS256", rsa, json!({ "alg": "PS256", "kid": "rsa" }))),
        ("another alg than signed with", with("RS512", rsa, json!({ "alg": "RS256", "kid": "rsa" }))),
        ("the other key's name", with("ES256", ec, json!({ "alg": "ES256", "kid": "rsa" }))),
        ("unknown kid", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa2" }))),
        ("wrong key", with("RS256", &stranger, json!({ "alg": "RS256", "kid": "rsa" }))),
        ("wrong key, unnamed", with("RS256", &stranger, json!({ "alg": "RS256" }))),
        ("key brought along", with("RS256", &stranger, json!({ "alg": "RS256", "kid": "rsa", "jwk": strangers }))),
        ("jku", with("RS256", &stranger, json!({ "alg": "RS256", "kid": "rsa", "jku": "https://evil.example/jwks" }))),
        ("crit", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": 1 }))),
        ("b64 false", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa", "crit": ["b64"], "b64": false }))),
        ("typ of an access token", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa", "typ": "at+jwt" }))),
        ("typ of a logout token", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa", "typ": "logout+jwt" }))),
        ("typ of a request", with("RS256", rsa, json!({ "alg": "RS256", "kid": "rsa", "typ": "oauth-authz-req+jwt" }))),
        ("signature altered", altered),
        ("signature cut off", whole[..whole.len() - 8].to_owned()),
        ("no signature", format!("{signed}.")),
        ("padded", format!("{whole}==")),
        ("payload exchanged", parts.join(".")),
        ("two algs", sign("RS256", rsa, r#"{"alg":"none","kid":"rsa","alg":"RS256"}"#, &good())),
        ("payload an array", sign("RS256", rsa, r#"{"alg":"RS256","kid":"rsa"}"#, "[]")),
        ("payload a text", sign("RS256", rsa, r#"{"alg":"RS256","kid":"rsa"}"#, "robot")),
        ("two subs", {
            let doubled = good().replacen('{', r#"{"sub":"other","#, 1);
            sign("RS256", rsa, r#"{"alg":"RS256","kid":"rsa"}"#, &doubled)
        }),
        ("one part", "assertion".to_owned()),
        ("two parts", "a.b".to_owned()),
        ("three parts of nothing", "..".to_owned()),
        ("not base64url", "!.!.!".to_owned()),
        ("four parts", format!("{whole}.x")),
        ("five parts", "a.b.c.d.e".to_owned()),
        ("nested", base64url(&whole)),
    ]
}

#[tokio::test]
async fn a_bad_assertion_gets_no_token() {
    let (rsa, ec) = (private_key("rsa2048", "rsa"), private_key("p256", "ec"));
    let good_header = json!({ "alg": "RS256", "kid": "rsa" }).to_string();
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        let keys = || vec![public(&rsa, Some("RS256")), public(&ec, None)];
        service(&world, &tenant, "robot", keys()).await;
        service(&world, &acme, "robot", keys()).await;
        service(&world, &tenant, "other", vec![public(&private_key("ed25519", "rsa"), None)]).await;
        let good = || sign("RS256", &rsa, &good_header, &claims("robot", &json!({})));
        assert_eq!(token(&world, "", Some("robot"), &good()).await.status, StatusCode::OK);

        for (name, change) in &wrong_claims() {
            for client_id in [Some("robot"), None] {
                let assertion = sign("RS256", &rsa, &good_header, &claims("robot", change));
                assert_refused(&token(&world, "", client_id, &assertion).await, &format!("{name}, {client_id:?}"));
            }
        }
        for (name, assertion) in &wrong_signatures(&rsa, &ec) {
            for client_id in [Some("robot"), None] {
                assert_refused(&token(&world, "", client_id, assertion).await, &format!("{name}, {client_id:?}"));
            }
        }
        assert_refused(&token(&world, "", Some("other"), &good()).await, "presented for another client");
        assert_refused(&token(&world, "", Some("nobody"), &good()).await, "presented for nobody");
        assert_refused(&token(&world, "/t/acme", Some("robot"), &good()).await, "presented to another tenant");

        let long = sign("RS256", &rsa, &good_header, &claims("robot", &json!({ "more": "x".repeat(20_000) })));
        let answer = token(&world, "", Some("robot"), &long).await;
        let too_large = r#"413 {"error":"invalid_request","error_description":"the body is larger than 16 KiB"}"#;
        assert_eq!(answer.snapshot(), too_large);

        // None of it did the client any harm, until it is switched off.
        assert_eq!(token(&world, "", Some("robot"), &good()).await.status, StatusCode::OK);
        let id = "robot".parse().unwrap();
        clients::set_status(&world.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        assert_refused(&token(&world, "", Some("robot"), &good()).await, "disabled");
    }
}

#[tokio::test]
async fn an_assertion_counts_once() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        for id in ["robot", "other"] {
            service(&world, &tenant, id, vec![public(&key, Some("ES256"))]).await;
        }
        let header = r#"{"alg":"ES256","kid":"ec"}"#;
        let with_jti = |id: &str, jti: &str| sign("ES256", &key, header, &claims(id, &json!({ "jti": jti })));

        let first = with_jti("robot", "one");
        assert_eq!(token(&world, "", None, &first).await.status, StatusCode::OK);
        assert_refused(&token(&world, "", None, &first).await, "the same again");
        assert_refused(&token(&world, "", None, &with_jti("robot", "one")).await, "another with the same jti");
        // A jti is its client's: nobody else can use it up.
        assert_eq!(token(&world, "", None, &with_jti("other", "one")).await.status, StatusCode::OK);
        // Until the assertion has expired, cleaning up doesn't make it good again.
        world.pass(std::time::Duration::from_secs(89));
        idp::service::upkeep::clean(&world.ctx).await.unwrap();
        assert_refused(&token(&world, "", None, &first).await, "later");
        world.pass(std::time::Duration::from_secs(1));
        idp::service::upkeep::clean(&world.ctx).await.unwrap();
        assert_refused(&token(&world, "", None, &first).await, "when it has expired");
    }
}

#[tokio::test]
async fn fifty_parallel_uses_of_one_assertion_have_one_success() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", vec![public(&key, Some("ES256"))]).await;
        let assertion = sign("ES256", &key, r#"{"alg":"ES256","kid":"ec"}"#, &claims("robot", &json!({})));
        let attempts = (0..50).map(|_| token(&world, "", None, &assertion));
        let answers = futures_util::future::join_all(attempts).await;
        let successes = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        let refused = answers.iter().filter(|answer| answer.snapshot() == REFUSED).count();
        assert_eq!((successes, refused), (1, 49));
    }
}

/// A token that we issued, signed with a key that the client registered as its own: even so it is no assertion.
#[tokio::test]
async fn our_own_tokens_are_no_assertions() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let jwks = world.get("/jwks", &[]).await.json();
        let ours = jwks["keys"].as_array().unwrap().clone();
        service(&world, &tenant, "robot", ours.clone()).await;
        world.service(&tenant, "plain").await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let basic = basic("plain", SECRET);
        let own = world.post("/token", &[("authorization", &basic)], "grant_type=client_credentials").await.json();
        for name in ["access_token", "id_token"] {
            let presented = tokens[name].as_str().unwrap();
            for client_id in [Some("robot"), Some("reports"), None] {
                assert_refused(&token(&world, "", client_id, presented).await, name);
            }
        }
        let presented = own["access_token"].as_str().unwrap();
        assert_eq!(header(presented)["typ"], "at+jwt");
        for client_id in [Some("robot"), Some("plain"), None] {
            assert_refused(&token(&world, "", client_id, presented).await, "service token");
        }
    }
}

#[tokio::test]
async fn an_assertion_is_for_clients_that_registered_it_and_for_them_alone() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "plain").await;
        service(&world, &tenant, "robot", vec![public(&key, Some("ES256"))]).await;
        let header = r#"{"alg":"ES256","kid":"ec"}"#;
        let of_plain = sign("ES256", &key, header, &claims("plain", &json!({})));
        assert_refused(&token(&world, "", None, &of_plain).await, "a client with a secret");
        let by_secret = sign_hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &claims("plain", &json!({})));
        assert_refused(&token(&world, "", None, &by_secret).await, "client_secret_jwt");
        let form = "grant_type=client_credentials";
        let answer = world.post("/token", &[("authorization", &basic("robot", SECRET))], form).await;
        assert_refused(&answer, "a secret for a client with keys");
        let answer = world.post("/token", &[], &format!("{form}&client_id=robot")).await;
        assert_refused(&answer, "only the name of a client with keys");
        // Both at once, or half of it.
        let good = sign("ES256", &key, header, &claims("robot", &json!({})));
        let both = encode(&[
            ("grant_type", "client_credentials"),
            ("client_assertion_type", TYPE),
            ("client_assertion", &good),
        ]);
        let answer = world.post("/token", &[("authorization", &basic("robot", SECRET))], &both).await;
        assert_eq!(answer.json()["error"], "invalid_request");
        let doubled = format!("{both}&{}", encode(&[("client_assertion", &good)]));
        assert_eq!(world.post("/token", &[], &doubled).await.json()["error"], "invalid_request");
        let untyped = encode(&[("grant_type", "client_credentials"), ("client_assertion", &good)]);
        assert_eq!(world.post("/token", &[], &untyped).await.json()["error"], "invalid_request");
        let only_type = encode(&[("grant_type", "client_credentials"), ("client_assertion_type", TYPE)]);
        assert_eq!(world.post("/token", &[], &only_type).await.json()["error"], "invalid_request");
        assert_eq!(world.post("/token", &[], &both).await.status, StatusCode::OK, "none of that used it up");
        assert_refused(&world.post("/v1/auth/m2m/token", &[], &both).await, "it is used up at every address");
        let next = sign("ES256", &key, header, &claims("robot", &json!({})));
        let next = encode(&[("client_assertion_type", TYPE), ("client_assertion", &next)]);
        assert_eq!(world.post("/v1/auth/m2m/token", &[], &next).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn two_authorization_headers_are_refused() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "plain").await;
        let (right, wrong) = (basic("plain", SECRET), basic("plain", "wrong"));
        for headers in [[&right, &wrong], [&wrong, &right], [&right, &right]] {
            let headers = headers.map(|value| ("authorization", value.as_str()));
            let answer = world.post("/token", &headers, "grant_type=client_credentials").await;
            let expected =
                r#"400 {"error":"invalid_request","error_description":"there is more than one Authorization header"}"#;
            assert_eq!(answer.snapshot(), expected);
        }
    }
}
