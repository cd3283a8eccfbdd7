//! `/userinfo` (OpenID Connect Core §5.3, RFC 6750): who gets claims, and which.

use std::time::Duration;

use idp::domain::client::{ClientMetadata, ClientStatus};
use idp::domain::tenant::Tenant;
use idp::domain::user::{Address, Profile, User, UserStatus};
use idp::domain::{GrantId, Secret};
use idp::service::clients;
use idp::service::sessions::ending::Which;
use idp::service::users::{self, NewUser};
use idp::store;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::code_flow::redeem;
use super::jose::{encode as base64url, header, private_key, sign, sign_hs256};
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode, payload, request};

const FORM: &str = "application/x-www-form-urlencoded";
const MISSING: &str =
    r#"401 {"error":"invalid_token","error_description":"an access token is needed: Authorization: Bearer TOKEN"}"#;
const INVALID: &str =
    r#"401 {"error":"invalid_token","error_description":"the access token is invalid, expired or revoked"}"#;
const INVALID_CHALLENGE: &str = r#"Bearer realm="signet", error="invalid_token", error_description="the access token is invalid, expired or revoked""#;
const TWO_WAYS: &str =
    r#"400 {"error":"invalid_request","error_description":"the access token was sent in more than one way; use one"}"#;
const TWO_HEADERS: &str =
    r#"400 {"error":"invalid_request","error_description":"there is more than one Authorization header"}"#;
const TWO_PARAMETERS: &str =
    r#"400 {"error":"invalid_request","error_description":"access_token was sent more than once"}"#;

/// Tokens for `ada@example.com` at the client `reports`.
async fn tokens(world: &World, base: &str) -> Value {
    let code = Browser::new(world, base).code("reports", "ada@example.com").await;
    redeem(world, base, "reports", &code).await.json()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn ask(world: &World, token: &str) -> Answer {
    world.get("/userinfo", &[("authorization", &format!("Bearer {token}"))]).await
}

#[track_caller]
fn assert_invalid(answer: &Answer, name: &str) {
    assert_eq!(answer.snapshot(), INVALID, "{name}");
    assert_eq!(answer.header("www-authenticate"), Some(INVALID_CHALLENGE), "{name}");
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
    assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
}

/// One way to send a token: method, headers, form.
type Way<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, String);

#[tokio::test]
async fn each_way_to_send_a_token_has_its_answer() {
    let form_type = ("content-type", FORM);
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tokens = tokens(&world, "").await;
        let token = text(&tokens["access_token"]);
        let bearer = format!("Bearer {token}");
        let header = ("authorization", bearer.as_str());
        let small = format!("bEARER {token}");
        let two_tokens = format!("Bearer {token} {token}");
        let listed = format!("Bearer {token}, Bearer {token}");
        let glued = format!("Bearer{token}");
        let client = basic("reports", SECRET);
        let form = encode(&[("access_token", token)]);
        let query = format!("/userinfo?{form}");
        let good: Vec<Way<'_>> = vec![
            ("header", "GET", "/userinfo", vec![header], String::new()),
            ("scheme in other letters", "GET", "/userinfo", vec![("authorization", &small)], String::new()),
            ("POST, header", "POST", "/userinfo", vec![header], String::new()),
            ("POST, header, empty form", "POST", "/userinfo", vec![header, form_type], String::new()),
            ("POST, header, another parameter", "POST", "/userinfo", vec![header, form_type], "x=1".into()),
            ("POST, form", "POST", "/userinfo", vec![form_type], form.clone()),
            ("a query beside the header", "GET", "/userinfo?access_token=x", vec![header], String::new()),
        ];
        for (name, method, path, headers, body) in good {
            let answer = world.send(request(method, path, &headers, body.into_bytes())).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/json"), "{name}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            assert!(answer.header("www-authenticate").is_none(), "{name}");
        }
        let plain = r#"Bearer realm="signet""#;
        let described = |answer: &str| {
            let description = answer.rsplit('"').nth(1).unwrap();
            format!(r#"Bearer realm="signet", error="invalid_request", error_description="{description}""#)
        };
        let bad: Vec<(Way<'_>, &str, String)> = vec![
            (("nothing", "GET", "/userinfo", vec![], String::new()), MISSING, plain.into()),
            (("nothing by POST", "POST", "/userinfo", vec![], String::new()), MISSING, plain.into()),
            (("empty form", "POST", "/userinfo", vec![form_type], String::new()), MISSING, plain.into()),
            (("empty token", "POST", "/userinfo", vec![form_type], "access_token=".into()), MISSING, plain.into()),
            (("query", "GET", &query, vec![], String::new()), MISSING, plain.into()),
            (("query by POST", "POST", &query, vec![form_type], String::new()), MISSING, plain.into()),
            (("form by GET", "GET", "/userinfo", vec![form_type], form.clone()), MISSING, plain.into()),
            (("empty header", "GET", "/userinfo", vec![("authorization", "")], String::new()), MISSING, plain.into()),
            (
                ("scheme only", "GET", "/userinfo", vec![("authorization", "Bearer")], String::new()),
                MISSING,
                plain.into(),
            ),
            (
                ("nothing after", "GET", "/userinfo", vec![("authorization", "Bearer  ")], String::new()),
                MISSING,
                plain.into(),
            ),
            (("no scheme", "GET", "/userinfo", vec![("authorization", token)], String::new()), MISSING, plain.into()),
            (("glued", "GET", "/userinfo", vec![("authorization", &glued)], String::new()), MISSING, plain.into()),
            (("Basic", "GET", "/userinfo", vec![("authorization", &client)], String::new()), MISSING, plain.into()),
            (
                ("not a token", "GET", "/userinfo", vec![("authorization", "Bearer x")], String::new()),
                INVALID,
                INVALID_CHALLENGE.into(),
            ),
            (
                ("two tokens", "GET", "/userinfo", vec![("authorization", &two_tokens)], String::new()),
                INVALID,
                INVALID_CHALLENGE.into(),
            ),
            (
                ("a list", "GET", "/userinfo", vec![("authorization", &listed)], String::new()),
                INVALID,
                INVALID_CHALLENGE.into(),
            ),
            (
                ("two headers", "GET", "/userinfo", vec![header, header], String::new()),
                TWO_HEADERS,
                described(TWO_HEADERS),
            ),
            (("both", "POST", "/userinfo", vec![header, form_type], form.clone()), TWO_WAYS, described(TWO_WAYS)),
            (
                ("doubled in the form", "POST", "/userinfo", vec![form_type], format!("{form}&{form}")),
                TWO_PARAMETERS,
                described(TWO_PARAMETERS),
            ),
        ];
        for ((name, method, path, headers, body), expected, challenge) in bad {
            let answer = world.send(request(method, path, &headers, body.into_bytes())).await;
            assert_eq!(answer.snapshot(), expected, "{name}");
            assert_eq!(answer.header("www-authenticate"), Some(&*challenge), "{name}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_form_and_other_methods_are_refused() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tokens = tokens(&world, "").await;
        let token = text(&tokens["access_token"]);
        let bearer = format!("Bearer {token}");
        for (name, expected, content_type, body) in [
            ("JSON", 400, "application/json", json!({ "access_token": token }).to_string()),
            ("wrongly encoded", 400, FORM, "access_token=%zz".to_owned()),
            ("huge", 413, FORM, format!("access_token={}", "x".repeat(20_000))),
        ] {
            let sent = request("POST", "/userinfo", &[("content-type", content_type)], body.into_bytes());
            let answer = world.send(sent).await;
            assert_eq!(answer.status.as_u16(), expected, "{name}");
            assert_eq!(answer.json()["error"], "invalid_request", "{name}");
            let challenge = answer.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with(r#"Bearer realm="signet", error="invalid_request""#), "{name}: {challenge}");
        }
        for method in ["PUT", "DELETE", "PATCH"] {
            let headers = [("authorization", bearer.as_str())];
            let answer = world.send(request(method, "/userinfo", &headers, Vec::new())).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
        }
    }
}

#[tokio::test]
async fn a_token_that_was_changed_or_is_of_another_kind_gets_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "reports", |_| {}).await;
        world.service(&tenant, "robot").await;
        let own_tokens = tokens(&world, "").await;
        let foreign_tokens = tokens(&world, "/t/acme").await;
        let (good, id_token) = (text(&own_tokens["access_token"]), text(&own_tokens["id_token"]));
        let service = [("authorization", &*basic("robot", SECRET))];
        let service = world.post("/token", &service, "grant_type=client_credentials&scope=reports%3Aread").await.json();

        let (signed, signature) = good.rsplit_once('.').unwrap();
        let parts: Vec<&str> = good.split('.').collect();
        let (header_text, claims) = (header(good), payload(good));
        let changed = |name: &str, value: Value| {
            let mut claims = claims.clone();
            claims[name] = value;
            claims.to_string()
        };
        let in_header = |name: &str, value: Value| {
            let mut header = header_text.clone();
            header[name] = value;
            header.to_string()
        };
        let jwks = world.get("/jwks", &[]).await.body;
        let jwk = serde_json::from_str::<Value>(&jwks).unwrap()["keys"][0].to_string();
        // What our own key, stolen, would sign: even so a token is bound to its tenant, kind and time.
        let own = private_key("rsa2048", text(&header_text["kid"]));
        let stranger = private_key("rsa4096", text(&header_text["kid"]));
        let typed = header_text.to_string();
        let forged = [
            ("claims changed", format!("{}.{}.{signature}", parts[0], base64url(changed("sub", json!("x"))))),
            ("signature cut off", good[..good.len() - 6].to_owned()),
            ("no signature", format!("{signed}.")),
            ("none", format!("{}.{}.", base64url(in_header("alg", json!("none"))), parts[1])),
            ("none, signed", format!("{}.{}.{signature}", base64url(in_header("alg", json!("none"))), parts[1])),
            (
                "HS256 with the JWKS",
                sign_hs256(jwks.as_bytes(), &in_header("alg", json!("HS256")), &claims.to_string()),
            ),
            ("HS256 with the JWK", sign_hs256(jwk.as_bytes(), &in_header("alg", json!("HS256")), &claims.to_string())),
            (
                "PS256 with the key for RS256",
                sign("PS256", &own, &in_header("alg", json!("PS256")), &claims.to_string()),
            ),
            ("RS512", sign("RS512", &own, &in_header("alg", json!("RS512")), &claims.to_string())),
            ("another key of that name", sign("RS256", &stranger, &typed, &claims.to_string())),
            ("another key's name", sign("RS256", &own, &in_header("kid", json!("x")), &claims.to_string())),
            ("typ JWT", sign("RS256", &own, &in_header("typ", json!("JWT")), &claims.to_string())),
            ("no typ", sign("RS256", &own, &in_header("typ", Value::Null), &claims.to_string())),
            ("crit", sign("RS256", &own, &in_header("crit", json!(["exp"])), &claims.to_string())),
            (
                "iss of another tenant",
                sign("RS256", &own, &typed, &changed("iss", json!("http://127.0.0.1:8080/t/acme"))),
            ),
            ("another's sub", sign("RS256", &own, &typed, &changed("sub", json!("x")))),
            ("no exp", sign("RS256", &own, &typed, &changed("exp", Value::Null))),
            ("a jti of nothing", sign("RS256", &own, &typed, &changed("jti", json!(base64url([7; 24]))))),
            ("a short jti", sign("RS256", &own, &typed, &changed("jti", json!("x")))),
            ("a number for a jti", sign("RS256", &own, &typed, &changed("jti", json!(7)))),
            ("claims that are none", sign("RS256", &own, &typed, "[]")),
        ];
        for (name, token) in &forged {
            assert_invalid(&ask(&world, token).await, name);
        }
        assert_invalid(&ask(&world, id_token).await, "ID token");
        assert_invalid(&ask(&world, text(&service["access_token"])).await, "service token");
        assert_invalid(&ask(&world, text(&foreign_tokens["access_token"])).await, "another tenant's");
        let here = format!("Bearer {good}");
        assert_invalid(&world.get("/t/acme/userinfo", &[("authorization", &here)]).await, "in another tenant");
        assert_eq!(ask(&world, good).await.status, StatusCode::OK);
    }
}

/// The grant that a token belongs to.
fn grant_of(token: &str) -> GrantId {
    idp::service::issue::grant_of_jti(text(&payload(token)["jti"])).unwrap()
}

#[tokio::test]
async fn a_token_ends_with_its_time_grant_session_user_client_and_tenant() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let ctx = &world.ctx;
        let (tenant_id, now) = (tenant.id, ctx.now());

        let revoked = tokens(&world, "").await;
        let revoked = text(&revoked["access_token"]);
        let grant = grant_of(revoked);
        let revoke = ctx.database.write(async move |tx| store::grants::revoke(&tx, tenant_id, grant, now).await);
        assert!(revoke.await.unwrap());
        assert_invalid(&ask(&world, revoked).await, "revoked grant");

        let ended = tokens(&world, "").await;
        let ended = text(&ended["access_token"]);
        let session = text(&payload(ended)["sid"]).parse::<uuid::Uuid>().unwrap();
        let session = idp::domain::SessionId::from_uuid(session);
        assert_eq!(world.end(tenant_id, Which::One(session)).await.sessions, 1);
        assert_invalid(&ask(&world, ended).await, "ended session");

        let good = tokens(&world, "").await;
        let good = text(&good["access_token"]);
        let client = "reports".parse().unwrap();
        clients::set_status(ctx, tenant_id, &client, ClientStatus::Disabled, "test").await.unwrap();
        assert_invalid(&ask(&world, good).await, "disabled client");
        clients::set_status(ctx, tenant_id, &client, ClientStatus::Active, "test").await.unwrap();
        assert_invalid(&ask(&world, good).await, "what was given before the client was disabled is over");
        world.pass(Duration::from_millis(1));
        let good = tokens(&world, "").await;
        let good = text(&good["access_token"]);
        assert_eq!(ask(&world, good).await.status, StatusCode::OK);

        for status in [UserStatus::Disabled, UserStatus::Locked] {
            let tokens = tokens(&world, "").await;
            let token = text(&tokens["access_token"]);
            users::set_status(ctx, &tenant, "ada@example.com", status, "test").await.unwrap();
            assert_invalid(&ask(&world, token).await, "disabled or locked user");
            users::set_status(ctx, &tenant, "ada@example.com", UserStatus::Active, "test").await.unwrap();
            assert_invalid(&ask(&world, token).await, "a user who is back signs in again");
        }
        assert_invalid(&ask(&world, good).await, "the user was switched off meanwhile");

        let fresh = tokens(&world, "").await;
        let fresh = text(&fresh["access_token"]);
        users::set_password(ctx, &tenant, "ada@example.com", Secret::new("another good horse battery"), "test")
            .await
            .unwrap();
        assert_invalid(&ask(&world, fresh).await, "a new password");
        users::set_password(ctx, &tenant, "ada@example.com", Secret::new(PASSWORD), "test").await.unwrap();

        let last = tokens(&world, "").await;
        let last = text(&last["access_token"]);
        world.pass(ctx.config.tokens.access_token_lifetime.saturating_sub(Duration::from_secs(1)));
        assert_eq!(ask(&world, last).await.status, StatusCode::OK);
        world.pass(Duration::from_secs(1));
        assert_invalid(&ask(&world, last).await, "expired");
    }
}

#[tokio::test]
async fn a_token_without_openid_is_not_enough() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[("scope", "profile")]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let allowed = browser.consent(&signed_in, "allow").await;
        let tokens = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await.json();
        assert!(tokens.get("id_token").is_none(), "OAuth alone has no ID token");
        let answer = ask(&world, text(&tokens["access_token"])).await;
        let expected =
            r#"403 {"error":"insufficient_scope","error_description":"the access token must have the scope openid"}"#;
        assert_eq!(answer.snapshot(), expected);
        let challenge = r#"Bearer realm="signet", error="insufficient_scope", error_description="the access token must have the scope openid""#;
        assert_eq!(answer.header("www-authenticate"), Some(challenge));
    }
}

/// A user who has every standard claim.
pub(crate) async fn person_with_everything(world: &World, tenant: &Tenant) -> User {
    let profile = Profile {
        name: Some("Ada King".to_owned()),
        given_name: Some("Ada".to_owned()),
        family_name: Some("King".to_owned()),
        middle_name: Some("Augusta".to_owned()),
        nickname: Some("Countess".to_owned()),
        profile: Some("https://example.com/ada".to_owned()),
        picture: Some("https://example.com/ada.png".to_owned()),
        website: Some("https://ada.example.com".to_owned()),
        gender: Some("female".to_owned()),
        birthdate: Some("1815-12-10".to_owned()),
        zoneinfo: Some("Europe/London".to_owned()),
        locale: Some("en-GB".to_owned()),
        phone_number: Some("+442071234567".to_owned()),
        phone_number_verified: Some(true),
        address: Some(Address {
            formatted: Some("12 St James's Square\nLondon".to_owned()),
            street_address: Some("12 St James's Square".to_owned()),
            locality: Some("London".to_owned()),
            region: Some("Greater London".to_owned()),
            postal_code: Some("SW1Y 4LB".to_owned()),
            country: Some("United Kingdom".to_owned()),
        }),
    };
    let new = NewUser {
        email: Some("everything@example.com".parse().unwrap()),
        email_verified: true,
        username: Some("ada".parse().unwrap()),
        roles: ["AGENT".to_owned()].into(),
        profile,
        password: Some(Secret::new(PASSWORD)),
    };
    users::create(&world.ctx, tenant, new, "test").await.unwrap()
}

/// A client that may have every standard scope.
pub(crate) fn every_scope(metadata: &mut ClientMetadata) {
    metadata.scope = "openid profile email address phone".parse().unwrap();
}

/// The claims at userinfo for a sign-in with that scope.
pub(crate) async fn claims(world: &World, client: &str, login: &str, scope: &str) -> Value {
    let mut browser = Browser::new(world, "");
    let start = browser.authorize(client, &[("scope", scope)]).await;
    let signed_in = browser.sign_in(&start, login, PASSWORD).await;
    let allowed = if signed_in.location().starts_with("/consent") {
        browser.consent(&signed_in, "allow").await
    } else {
        signed_in
    };
    let tokens = redeem(world, "", client, &allowed.returned("code").unwrap()).await.json();
    let answer = ask(world, text(&tokens["access_token"])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn claims_come_by_scope() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", every_scope).await;
        let sub = person_with_everything(&world, &tenant).await.id.to_string();
        let profile = json!({
            "name": "Ada King", "given_name": "Ada", "family_name": "King", "middle_name": "Augusta",
            "nickname": "Countess", "preferred_username": "ada", "profile": "https://example.com/ada",
            "picture": "https://example.com/ada.png", "website": "https://ada.example.com", "gender": "female",
            "birthdate": "1815-12-10", "zoneinfo": "Europe/London", "locale": "en-GB", "updated_at": 1_893_456_000,
        });
        let email = json!({ "email": "everything@example.com", "email_verified": true });
        let address = json!({ "address": {
            "formatted": "12 St James's Square\nLondon", "street_address": "12 St James's Square",
            "locality": "London", "region": "Greater London", "postal_code": "SW1Y 4LB", "country": "United Kingdom",
        }});
        let phone = json!({ "phone_number": "+442071234567", "phone_number_verified": true });
        let cases = [
            ("openid", vec![]),
            ("openid profile", vec![&profile]),
            ("openid email", vec![&email]),
            ("openid address", vec![&address]),
            ("openid phone", vec![&phone]),
            ("openid profile email address phone", vec![&profile, &email, &address, &phone]),
        ];
        for (scope, parts) in cases {
            let mut expected = json!({ "sub": sub });
            for part in parts {
                expected.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
            }
            assert_eq!(claims(&world, "reports", "ada", scope).await, expected, "{scope}");
        }
    }
}

#[tokio::test]
async fn absent_claims_are_left_out() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", every_scope).await;
        let new = |username: &str, profile: Profile| NewUser {
            email: None,
            email_verified: true,
            username: Some(username.parse().unwrap()),
            roles: [].into(),
            profile,
            password: Some(Secret::new(PASSWORD)),
        };
        let partly = Profile {
            phone_number: Some("+442071234567".to_owned()),
            address: Some(Address { country: Some("France".to_owned()), ..Address::default() }),
            ..Profile::default()
        };
        let empty =
            Profile { address: Some(Address::default()), phone_number_verified: Some(true), ..Profile::default() };
        let scope = "openid profile email address phone";
        for (username, profile, more) in [
            ("nobody", Profile::default(), json!({})),
            (
                "partly",
                partly,
                json!({
                    "phone_number": "+442071234567", "phone_number_verified": false, "address": { "country": "France" },
                }),
            ),
            ("empty", empty, json!({})),
        ] {
            let user = users::create(&world.ctx, &tenant, new(username, profile), "test").await.unwrap();
            let mut expected = json!({
                "sub": user.id.to_string(), "preferred_username": username, "updated_at": 1_893_456_000,
            });
            expected.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(claims(&world, "reports", username, scope).await, expected, "{username}");
        }
    }
}
