//! Request objects by value (RFC 9101, OpenID Connect Core §6.1): what counts, and what is refused.

use std::sync::atomic::{AtomicU32, Ordering};

use idp::domain::client::{ClientAuthMethod, ClientMetadata};
use idp::domain::tenant::Tenant;
use josekit::jwk::Jwk;
use serde_json::{Value, json};

use super::client_assertion::now;
use super::code_flow::redeem;
use super::jose::{encode as base64url, private_key, public, sign, sign_hs256};
use crate::support::databases;
use crate::support::elsewhere::{Elsewhere, Reply};
use crate::support::world::{Answer, Browser, CALLBACK, SECRET, World, payload};

pub(super) const ISSUER: &str = "http://127.0.0.1:8080";
const HEADER: &str = r#"{"alg":"ES256","kid":"ec"}"#;
const EMAIL: &str = "ada@example.com";

/// A client of the code flow with these keys.
pub(super) async fn client(
    world: &World,
    tenant: &Tenant,
    id: &str,
    keys: Vec<Value>,
    change: impl FnOnce(&mut ClientMetadata),
) {
    world
        .client(tenant, id, |metadata| {
            metadata.jwks = Some(json!({ "keys": keys }));
            change(metadata);
        })
        .await;
}

/// Claims of a good request object, some of them changed; `null` takes one away.
pub(super) fn object(client: &str, change: &Value) -> String {
    let mut claims = json!({ "iss": client, "aud": ISSUER, "client_id": client, "state": "inside", "exp": now() + 60 });
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims.to_string()
}

pub(super) fn signed(key: &Jwk, client: &str, change: &Value) -> String {
    sign("ES256", key, HEADER, &object(client, change))
}

async fn ask(world: &World, client: &str, jwt: &str) -> Answer {
    Browser::new(world, "").authorize(client, &[("request", jwt)]).await
}

/// Fails unless it goes back to the client with that error.
#[track_caller]
pub(super) fn assert_error(answer: &Answer, code: &str, name: &str) {
    assert!(answer.header("location").is_some_and(|to| to.starts_with(CALLBACK)), "{name}: {}", answer.body);
    let description = answer.returned("error_description").unwrap_or_default();
    assert_eq!(answer.returned("error").as_deref(), Some(code), "{name}: {description}");
    assert_eq!(answer.returned("iss").as_deref(), Some(ISSUER), "{name}");
    assert!(answer.returned("code").is_none(), "{name}");
}

#[tokio::test]
async fn what_is_inside_wins_over_what_stands_beside_it() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        client(&world, &tenant, "app", vec![public(&key, None)], |_| {}).await;
        let change = json!({ "nonce": "inside", "scope": "openid", "claims": { "id_token": { "name": null } },
            "max_age": 1000, "redirect_uri": CALLBACK });
        let mut browser = Browser::new(&world, "");
        let parameters =
            [("request", signed(&key, "app", &change)), ("redirect_uri", "https://evil.example/callback".to_owned())];
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let start = browser.authorize("app", &parameters).await;
        let signed_in = browser.sign_in(&start, EMAIL, crate::support::world::PASSWORD).await;
        let answer = browser.consent(&signed_in, "allow").await;
        answer.assert_code();
        assert_eq!(answer.returned("state").as_deref(), Some("inside"));
        let tokens = redeem(&world, "", "app", &answer.returned("code").unwrap()).await.json();
        let id_token = payload(tokens["id_token"].as_str().unwrap());
        assert_eq!(id_token["nonce"], "inside");
        assert_eq!(id_token["name"], "Ada Lovelace");
        assert_eq!(tokens["scope"].as_str().unwrap_or("openid"), "openid");
    }
}

/// Without the outside's redirect URI, state and challenge: everything is in the object, as RFC 9101 has it.
#[tokio::test]
async fn everything_may_be_inside_and_for_who_registered_it_nothing_else_counts() {
    let key = private_key("p256", "ec");
    let whole = |client: &str| {
        signed(
            &key,
            client,
            &json!({ "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid",
            "code_challenge": crate::support::world::challenge(), "code_challenge_method": "S256" }),
        )
    };
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let keys = || vec![public(&key, None)];
        client(&world, &tenant, "app", keys(), |_| {}).await;
        client(&world, &tenant, "strict", keys(), |metadata| metadata.require_signed_request_object = true).await;
        for id in ["app", "strict"] {
            let path = format!("/authorize?client_id={id}&request={}", whole(id));
            Browser::new(&world, "").get(&path).await.assert_leads_to("/login");
            // The same, posted from another site.
            let form = format!("client_id={id}&request={}", whole(id));
            world.post("/authorize", &[], &form).await.assert_leads_to("/login");
        }
        // What the strict client didn't sign doesn't count: here the challenge and the response type.
        let partly = json!({ "redirect_uri": CALLBACK, "scope": "openid" });
        Browser::new(&world, "")
            .authorize("app", &[("request", &signed(&key, "app", &partly))])
            .await
            .assert_leads_to("/login");
        let answer =
            Browser::new(&world, "").authorize("strict", &[("request", &signed(&key, "strict", &partly))]).await;
        assert_error(&answer, "invalid_request", "no response_type inside");
        assert_eq!(answer.returned("state").as_deref(), Some("inside"));
        let answer = Browser::new(&world, "").authorize("strict", &[]).await;
        assert_error(&answer, "invalid_request", "no request object");
        let nowhere = signed(&key, "strict", &json!({ "response_type": "code" }));
        ask(&world, "strict", &nowhere).await.assert_page(400, "redirect_uri is missing");
    }
}

#[tokio::test]
async fn each_advertised_algorithm_works_and_no_other() {
    let pairs =
        [("RS256", "rsa2048"), ("PS256", "rsa3072"), ("ES256", "p256"), ("ES384", "p384"), ("EdDSA", "ed25519")];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let advertised: Vec<&str> = pairs.iter().map(|(alg, _)| *alg).chain(["HS256"]).collect();
        assert_eq!(metadata["request_object_signing_alg_values_supported"], json!(advertised));
        for (alg, file) in pairs {
            let key = private_key(file, alg);
            let header = json!({ "alg": alg, "kid": alg });
            for (id, only) in [(format!("any-{alg}"), None), (format!("only-{alg}"), Some(alg.parse().unwrap()))] {
                client(&world, &tenant, &id, vec![public(&key, None)], |it| it.request_object_signing_alg = only).await;
                let jwt = sign(alg, &key, &header.to_string(), &object(&id, &json!({})));
                ask(&world, &id, &jwt).await.assert_leads_to("/login");
                let typed = json!({ "alg": alg, "kid": alg, "typ": "oauth-authz-req+jwt" }).to_string();
                ask(&world, &id, &sign(alg, &key, &typed, &object(&id, &json!({})))).await.assert_leads_to("/login");
            }
        }
        let rsa = private_key("rsa2048", "rsa");
        client(&world, &tenant, "rsa", vec![public(&rsa, None)], |it| {
            it.request_object_signing_alg = Some("PS256".parse().unwrap());
        })
        .await;
        for (alg, good) in [("PS256", true), ("RS256", false), ("RS512", false), ("PS512", false)] {
            let header = json!({ "alg": alg, "kid": "rsa" }).to_string();
            let answer = ask(&world, "rsa", &sign(alg, &rsa, &header, &object("rsa", &json!({})))).await;
            if good {
                answer.assert_leads_to("/login");
            } else {
                assert_error(&answer, "invalid_request_object", alg);
            }
        }
        // The secret signs for whoever registered that, and for nobody else.
        world.client(&tenant, "hs", |it| it.request_object_signing_alg = Some("HS256".parse().unwrap())).await;
        client(&world, &tenant, "mixed", vec![public(&rsa, None)], |_| {}).await;
        let by_secret = |id: &str| sign_hs256(SECRET.as_bytes(), r#"{"alg":"HS256"}"#, &object(id, &json!({})));
        ask(&world, "hs", &by_secret("hs")).await.assert_leads_to("/login");
        assert_error(&ask(&world, "mixed", &by_secret("mixed")).await, "invalid_request_object", "HS256 unregistered");
        let wrong = sign_hs256(SECRET.to_uppercase().as_bytes(), r#"{"alg":"HS256"}"#, &object("hs", &json!({})));
        assert_error(&ask(&world, "hs", &wrong).await, "invalid_request_object", "another secret");
        let jwk = public(&rsa, None).to_string();
        let confused = sign_hs256(jwk.as_bytes(), r#"{"alg":"HS256","kid":"rsa"}"#, &object("mixed", &json!({})));
        assert_error(&ask(&world, "mixed", &confused).await, "invalid_request_object", "the public key as a secret");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn a_bad_request_object_gets_its_error_and_changes_nothing() {
    let (key, stranger) = (private_key("p256", "ec"), private_key("ed25519", "ec"));
    let deep = |depth: usize| {
        let nested = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        let claims = object("app", &json!({})).replacen('{', &format!(r#"{{"claims":{nested},"#), 1);
        sign("ES256", &key, HEADER, &claims)
    };
    let whole = signed(&key, "app", &json!({}));
    let (message, signature) = whole.rsplit_once('.').unwrap();
    let mut swapped: Vec<String> = whole.split('.').map(str::to_owned).collect();
    swapped[1] = base64url(object("app", &json!({ "state": "other" })));
    let unsigned = |alg: &str| {
        format!("{}.{}.", base64url(json!({ "alg": alg }).to_string()), base64url(object("app", &json!({}))))
    };
    let header = |header: Value| sign("ES256", &key, &header.to_string(), &object("app", &json!({})));
    let claims = |change: Value| signed(&key, "app", &change);
    let bad = "invalid_request_object";
    let cases = [
        ("none", unsigned("none"), "request_not_supported"),
        ("None", unsigned("None"), "request_not_supported"),
        ("tampered payload", swapped.join("."), bad),
        ("no signature", format!("{message}."), bad),
        ("signature cut", format!("{message}.{}", &signature[..signature.len() - 4]), bad),
        ("unknown kid", header(json!({ "alg": "ES256", "kid": "other" })), bad),
        ("another's key", sign("EdDSA", &stranger, r#"{"alg":"EdDSA","kid":"ec"}"#, &object("app", &json!({}))), bad),
        (
            "a key brought along",
            sign(
                "EdDSA",
                &stranger,
                &json!({ "alg": "EdDSA", "jwk": public(&stranger, None) }).to_string(),
                &object("app", &json!({})),
            ),
            bad,
        ),
        ("crit", header(json!({ "alg": "ES256", "kid": "ec", "crit": ["exp"] })), bad),
        (
            "typ of an assertion",
            header(json!({ "alg": "ES256", "kid": "ec", "typ": "client-authentication+jwt" })),
            bad,
        ),
        ("typ of an access token", header(json!({ "alg": "ES256", "kid": "ec", "typ": "at+jwt" })), bad),
        ("expired", claims(json!({ "exp": now() - 31 })), bad),
        ("not yet", claims(json!({ "nbf": now() + 31 })), bad),
        ("from the future", claims(json!({ "iat": now() + 31 })), bad),
        ("another issuer", claims(json!({ "iss": "other" })), bad),
        ("another audience", claims(json!({ "aud": "https://other.example" })), bad),
        ("another tenant's audience", claims(json!({ "aud": format!("{ISSUER}/t/acme") })), bad),
        ("an assertion", claims(json!({ "sub": "app" })), bad),
        ("another client inside", claims(json!({ "client_id": "other", "iss": null })), bad),
        ("another response type", claims(json!({ "response_type": "token" })), bad),
        ("request inside", claims(json!({ "request": "x" })), bad),
        ("request_uri inside", claims(json!({ "request_uri": "https://x.example/" })), bad),
        ("a list", claims(json!({ "prompt": ["login"] })), bad),
        ("jti without exp", claims(json!({ "jti": "x", "exp": null })), bad),
        ("jti for years", claims(json!({ "jti": "x", "exp": now() + 1_000_000 })), bad),
        ("exp a text", claims(json!({ "exp": "soon" })), bad),
        ("nested a thousand deep", deep(1000), bad),
        ("a claims text", claims(json!({ "claims": "x" })), "invalid_request"),
        ("max_age a fraction", claims(json!({ "max_age": 1.5 })), "invalid_request"),
        ("max_age below zero", claims(json!({ "max_age": -1 })), "invalid_request"),
        ("no such scope", claims(json!({ "scope": "admin" })), "invalid_scope"),
        (
            "member twice",
            sign("ES256", &key, HEADER, &object("app", &json!({})).replacen('{', r#"{"state":"x","#, 1)),
            bad,
        ),
        (
            "member twice, further inside",
            sign(
                "ES256",
                &key,
                HEADER,
                &object("app", &json!({})).replacen('{', r#"{"claims":{"userinfo":{},"userinfo":{}},"#, 1),
            ),
            bad,
        ),
        ("an array", sign("ES256", &key, HEADER, "[]"), bad),
        ("a text", sign("ES256", &key, HEADER, "state=inside"), bad),
        ("encrypted", "a.b.c.d.e".to_owned(), bad),
        ("nothing like it", "x".to_owned(), bad),
        ("endless", claims(json!({ "x": "x".repeat(13_000) })), bad),
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        client(&world, &tenant, "app", vec![public(&key, None)], |_| {}).await;
        client(&world, &acme, "app", vec![public(&stranger, None)], |_| {}).await;
        client(&world, &tenant, "other", vec![public(&private_key("p384", "ec"), None)], |_| {}).await;
        for (name, jwt, error) in &cases {
            assert_error(&ask(&world, "app", jwt).await, error, name);
        }
        assert_error(&ask(&world, "other", &whole).await, bad, "another client's");
        assert_error(&ask(&world, "reports", &whole).await, bad, "a client without keys");
        let foreign = Browser::new(&world, "/t/acme").authorize("app", &[("request", &whole)]).await;
        assert_eq!(foreign.returned("error").as_deref(), Some(bad), "another tenant's client");
        let both = [("request", &*whole), ("request_uri", "https://x.example/")];
        assert_error(&Browser::new(&world, "").authorize("app", &both).await, "invalid_request", "both");
        ask(&world, "app", &whole).await.assert_leads_to("/login");
        ask(&world, "app", &whole).await.assert_leads_to("/login");
    }
}

/// An error is told where the request says, if that is registered; of what is inside, only what the signature vouches
/// for says anything.
#[tokio::test]
async fn an_error_goes_to_a_registered_address_or_onto_a_page() {
    const INSIDE: &str = "https://client.example.com/inside";
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        client(&world, &tenant, "app", vec![public(&key, None)], |metadata| {
            metadata.redirect_uris.push(INSIDE.parse().unwrap());
        })
        .await;
        let bad = signed(&key, "app", &json!({ "redirect_uri": INSIDE, "exp": 1 }));
        let forged = format!("{}x", &bad[..bad.len() - 1]);
        let get =
            async |query: String| Browser::new(&world, "").get(&format!("/authorize?client_id=app&{query}")).await;
        let answer = get(format!("request={bad}")).await;
        assert!(answer.location().starts_with(INSIDE), "{}", answer.location());
        assert_eq!(answer.returned("state").as_deref(), Some("inside"));
        get(format!("request={forged}")).await.assert_page(400, "invalid_request_object");
        let outside = format!("redirect_uri={CALLBACK}&state=outside");
        let answer = get(format!("{outside}&request={forged}")).await;
        assert_error(&answer, "invalid_request_object", "outside");
        assert_eq!(answer.returned("state").as_deref(), Some("outside"));
        get(format!("redirect_uri=https://evil.example/&request={forged}")).await.assert_page(400, "redirect_uri");
        let evil = signed(&key, "app", &json!({ "redirect_uri": "https://evil.example/" }));
        get(format!("{outside}&request={evil}")).await.assert_page(400, "redirect_uri");
        let evil = signed(&key, "app", &json!({ "redirect_uri": "https://evil.example/", "exp": 1 }));
        get(format!("{outside}&request={evil}")).await.assert_page(400, "redirect_uri");
    }
}

/// What the client is told has the characters that RFC 6749 §4.1.2.1 admits, and nothing that stands in the object.
#[tokio::test]
async fn nothing_that_stands_in_a_request_object_is_told() {
    let key = private_key("p256", "ec");
    let plant = "x\"\\\u{2039}é>planted\n";
    let header = |change: Value| {
        let mut header = json!({ "alg": "ES256", "kid": "ec" });
        header.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        sign("ES256", &key, &header.to_string(), &object("app", &json!({})))
    };
    let cannot_be_used = |change: Value| signed(&key, "app", &change);
    let cases = [
        (header(json!({ "alg": plant })), "the request object can't be verified: its alg isn't accepted here"),
        (header(json!({ "kid": plant })), "the request object can't be verified: no known key has its kid"),
        (header(json!({ "typ": plant })), "the request object can't be verified: its typ must be oauth-authz-req+jwt"),
        (
            sign("ES256", &key, HEADER, "[1]"),
            "the request object can't be used: its payload must be a JSON object with no member twice and registered \
             claims of their types (RFC 7519, section 4.1)",
        ),
        (
            cannot_be_used(json!({ plant: [1] })),
            "the request object can't be used: each parameter in it must be a string or a number, or an object where \
             the parameter is JSON",
        ),
        (cannot_be_used(json!({ "iss": plant })), "the request object can't be used: its iss must be the client_id"),
        (
            cannot_be_used(json!({ "aud": plant })),
            "the request object can't be used: the token isn't meant for 'http://127.0.0.1:8080': its aud doesn't \
             name it",
        ),
        (
            cannot_be_used(json!({ "client_id": plant })),
            "the request object can't be used: its client_id must be the client_id that is sent beside it",
        ),
        (
            cannot_be_used(json!({ "prompt": plant })),
            "prompt must be of none, login, consent, select_account and create",
        ),
        (cannot_be_used(json!({ "scope": plant })), "scope has a character that isn't allowed"),
        (cannot_be_used(json!({ "response_mode": plant })), "response_mode must be query or form_post"),
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        client(&world, &tenant, "app", vec![public(&key, None)], |_| {}).await;
        for (jwt, told) in &cases {
            let answer = ask(&world, "app", jwt).await;
            assert_eq!(answer.returned("error_description").as_deref(), Some(*told));
        }
    }
}

#[tokio::test]
async fn a_request_object_with_a_jti_counts_once() {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let key = private_key("p256", "ec");
    let fresh = || json!({ "jti": format!("request-{}", NEXT.fetch_add(1, Ordering::Relaxed)) });
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for id in ["app", "other"] {
            client(&world, &tenant, id, vec![public(&key, None)], |_| {}).await;
        }
        let change = fresh();
        let once = signed(&key, "app", &change);
        ask(&world, "app", &once).await.assert_leads_to("/login");
        assert_error(&ask(&world, "app", &once).await, "invalid_request_object", "again");
        let same = signed(&key, "app", &json!({ "jti": change["jti"], "state": "another" }));
        assert_error(&ask(&world, "app", &same).await, "invalid_request_object", "another with that jti");
        ask(&world, "other", &signed(&key, "other", &change)).await.assert_leads_to("/login");

        let raced = signed(&key, "app", &fresh());
        let answers = futures_util::future::join_all((0..50).map(|_| ask(&world, "app", &raced))).await;
        let taken = answers.iter().filter(|answer| answer.location().starts_with("/login")).count();
        assert_eq!(taken, 1);
        // A bad one uses nothing up.
        let change = fresh();
        let expired = json!({ "jti": change["jti"], "exp": 1 });
        assert_error(&ask(&world, "app", &signed(&key, "app", &expired)).await, "invalid_request_object", "expired");
        ask(&world, "app", &signed(&key, "app", &change)).await.assert_leads_to("/login");
    }
}

/// Neither passes for the other, and neither uses up the other's `jti`.
#[tokio::test]
async fn a_request_object_is_no_assertion_and_an_assertion_no_request_object() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        client(&world, &tenant, "app", vec![public(&key, None)], |metadata| {
            metadata.token_endpoint_auth_method = ClientAuthMethod::PrivateKeyJwt;
            metadata.grant_types.insert(idp::domain::client::GrantType::ClientCredentials);
        })
        .await;
        let request = signed(&key, "app", &json!({ "jti": "one", "iat": now() }));
        super::client_assertion::assert_refused(
            &super::client_assertion::token(&world, "", Some("app"), &request).await,
            "a request object",
        );
        ask(&world, "app", &request).await.assert_leads_to("/login");
        let assertion = sign("ES256", &key, HEADER, &super::client_assertion::claims("app", &json!({ "jti": "one" })));
        assert_error(&ask(&world, "app", &assertion).await, "invalid_request_object", "an assertion");
        let answer = super::client_assertion::token(&world, "", Some("app"), &assertion).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    }
}

/// Keys that the client publishes itself serve here as well.
#[tokio::test]
async fn a_request_object_is_verified_with_the_keys_at_jwks_uri() {
    let key = private_key("p256", "ec");
    for database in databases().await {
        let site = Elsewhere::start().await;
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let uri = site.url("/keys");
        world.client(&tenant, "app", |metadata| metadata.jwks_uri = Some(uri.clone())).await;
        let jwt = signed(&key, "app", &json!({}));
        let answer = ask(&world, "app", &jwt).await;
        assert_error(&answer, "invalid_request_object", "no keys there");
        let description = answer.returned("error_description").unwrap();
        assert!(description.contains("jwks_uri: the address answers with status 404"), "{description}");
        site.answers("/keys", Reply::json(&json!({ "keys": [public(&key, None)] })));
        world.pass(std::time::Duration::from_secs(3));
        ask(&world, "app", &jwt).await.assert_leads_to("/login");
    }
}
