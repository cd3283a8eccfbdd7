//! `/introspect` (RFC 7662, RFC 9701): what a token is worth, told to those whom it concerns.

use std::time::Duration;

use idp::domain::client::{ClientAuthMethod, GrantType, SubjectType};
use idp::domain::tenant::Tenant;
use idp::service::sessions::ending::Which;
use idp::service::users;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::claims::tokens_for;
use super::jose::{header, verify};
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, FORM, SECRET, World, basic, encode, payload, request};

const INACTIVE: &str = r#"200 {"active":false}"#;
const CLIENT: &str = r#"401 {"error":"invalid_client","error_description":"the client is unknown, disabled, or did not authenticate with its registered method and credentials"}"#;
const OFFLINE: (&str, &str) = ("scope", "openid profile email offline_access");

/// A provider whose client `reports` may refresh and whose tokens are for the API `api`; `other` is a stranger, and
/// `public` can't keep a secret.
async fn furnished(database: &TestDatabase) -> World {
    let world = World::on(database.open().await).await;
    furnish(&world, &world.tenant().await).await;
    world
}

pub(super) async fn furnish(world: &World, tenant: &Tenant) {
    world.user(tenant, "ada@example.com").await;
    world
        .client(tenant, "reports", |metadata| {
            metadata.grant_types.insert(GrantType::RefreshToken);
            metadata.scope = "openid profile email offline_access".parse().unwrap();
            metadata.audience = Some("api".to_owned());
        })
        .await;
    for (id, audience) in [("api", None), ("by-audience", Some("api")), ("other", None)] {
        world.client(tenant, id, |metadata| metadata.audience = audience.map(str::to_owned)).await;
    }
    world.client(tenant, "public", |metadata| metadata.token_endpoint_auth_method = ClientAuthMethod::None).await;
    world.service(tenant, "robot").await;
}

pub(crate) async fn introspect(world: &World, base: &str, client: &str, token: &str) -> Answer {
    let auth = basic(client, SECRET);
    world.post(&format!("{base}/introspect"), &[("authorization", &auth)], &encode(&[("token", token)])).await
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

pub(super) async fn service_token(world: &World, base: &str) -> String {
    let form = encode(&[("grant_type", "client_credentials")]);
    let answer = world.post(&format!("{base}/token"), &[("authorization", &basic("robot", SECRET))], &form).await;
    text(&answer.json(), "access_token").to_owned()
}

#[tokio::test]
async fn a_token_is_told_of_to_its_client_and_to_its_audience() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let said = payload(text(&tokens, "access_token"));
        let mut expected = said.clone();
        expected["active"] = json!(true);
        expected["token_type"] = json!("Bearer");
        for client in ["reports", "api", "by-audience"] {
            let answer = introspect(&world, "", client, text(&tokens, "access_token")).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.header("content-type"), Some("application/json"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(answer.json(), expected, "{client}");
        }
        let answer = introspect(&world, "", "other", text(&tokens, "access_token")).await;
        assert_eq!(answer.snapshot(), INACTIVE);

        // A refresh token is its client's alone.
        let answer = introspect(&world, "", "reports", text(&tokens, "refresh_token")).await.json();
        let two_weeks = 14 * 24 * 3600;
        let at = said["iat"].as_i64().unwrap();
        let expected = json!({
            "active": true, "iss": said["iss"], "sub": said["sub"], "client_id": "reports", "sid": said["sid"],
            "scope": said["scope"], "exp": at + two_weeks, "tid": said["tid"], "auth_time": said["auth_time"],
        });
        assert_eq!(answer, expected);
        for client in ["api", "by-audience", "other"] {
            assert_eq!(introspect(&world, "", client, text(&tokens, "refresh_token")).await.snapshot(), INACTIVE);
        }
    }
}

#[tokio::test]
async fn a_services_own_token_is_told_of() {
    for database in databases().await {
        let world = furnished(&database).await;
        let token = service_token(&world, "").await;
        let mut expected = payload(&token);
        expected["active"] = json!(true);
        expected["token_type"] = json!("Bearer");
        assert_eq!(introspect(&world, "", "robot", &token).await.json(), expected);
        assert_eq!(introspect(&world, "", "other", &token).await.snapshot(), INACTIVE);
        world.pass(Duration::from_mins(5));
        assert_eq!(introspect(&world, "", "robot", &token).await.snapshot(), INACTIVE, "too old");
    }
}

#[tokio::test]
async fn what_was_taken_away_is_gone_from_the_answer() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let token = text(&tokens, "access_token");
        assert_eq!(introspect(&world, "", "reports", token).await.json()["roles"], json!(["AGENT"]));
        let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap();
        let patch = json!({ "roles": ["clerk"], "email": "new@example.com" });
        users::update(&world.ctx, &tenant, user.id, None, &patch, "test").await.unwrap();
        let answer = introspect(&world, "", "reports", token).await.json();
        assert_eq!((&answer["roles"], &answer["email"]), (&json!(["clerk"]), &json!("new@example.com")));

        let refresh_token = text(&tokens, "refresh_token");
        let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]);
        let next = world.post("/token", &[("authorization", &basic("reports", SECRET))], &form).await.json();
        assert_eq!(introspect(&world, "", "reports", refresh_token).await.snapshot(), INACTIVE, "it was used");
        let current = text(&next, "refresh_token");
        assert_eq!(introspect(&world, "", "reports", current).await.json()["active"], true);

        let sid = payload(token)["sid"].as_str().unwrap().parse().unwrap();
        world.end(tenant.id, Which::One(sid)).await;
        assert_eq!(introspect(&world, "", "reports", token).await.snapshot(), INACTIVE);
        assert!(introspect(&world, "", "reports", current).await.json().get("sid").is_none(), "it lives on");
        world.end(tenant.id, Which::OfUser(user.id)).await;
        assert_eq!(introspect(&world, "", "reports", current).await.snapshot(), INACTIVE);
    }
}

#[tokio::test]
async fn a_pairwise_person_is_told_of_by_the_name_that_the_token_has() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "sector", |metadata| {
                metadata.subject_type = SubjectType::Pairwise;
                metadata.scope = "openid profile".parse().unwrap();
            })
            .await;
        let scope = ("scope", "openid profile");
        let tokens = tokens_for(&world, "", "sector", "ada@example.com", &[scope]).await;
        let token = text(&tokens, "access_token");
        let answer = introspect(&world, "", "sector", token).await.json();
        assert_eq!(answer["sub"], payload(token)["sub"]);
        assert!(answer.get("email").is_none(), "{answer}");
    }
}

#[tokio::test]
async fn a_signed_answer_is_for_its_asker_alone() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        let ask = async |accept: &str, token: &str| {
            let auth = basic("api", SECRET);
            let headers = [("authorization", auth.as_str()), ("accept", accept), ("content-type", FORM)];
            world.send(request("POST", "/introspect", &headers, encode(&[("token", token)]).into_bytes())).await
        };
        for accept in
            ["application/token-introspection+jwt", "text/html, Application/Token-Introspection+JWT;q=0.5, */*"]
        {
            for token in [text(&tokens, "access_token"), "nonsense"] {
                let answer = ask(accept, token).await;
                assert_eq!(answer.header("content-type"), Some("application/token-introspection+jwt"));
                let claims = verify(&answer.body, &world.get("/jwks", &[]).await.json()).unwrap();
                let header = header(&answer.body);
                assert_eq!((&header["typ"], &header["alg"]), (&json!("token-introspection+jwt"), &json!("RS256")));
                let plain = introspect(&world, "", "api", token).await.json();
                let expected = json!({ "iss": "http://127.0.0.1:8080", "aud": "api", "iat": claims["iat"],
                    "token_introspection": plain });
                assert_eq!(claims, expected);
                // It is no access token, whoever finds it.
                let bearer = format!("Bearer {}", answer.body);
                let answer = world.get("/userinfo", &[("authorization", &bearer)]).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            }
        }
        let plain = ask("application/json, */*", "nonsense").await;
        assert_eq!(plain.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn bad_questions_have_their_answers() {
    for database in databases().await {
        let world = furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        furnish(&world, &acme).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let theirs = tokens_for(&world, "/t/acme", "reports", "ada@example.com", &[OFFLINE]).await;
        let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        let tampered = format!("{access}x");
        let made_up = format!("{}AAAA", &refresh[..refresh.len() - 4]);
        // Whatever is no token of ours, or of another kind, or of another tenant, is inactive and no more.
        for token in [
            "nonsense",
            "a.b.c",
            &tampered,
            &made_up,
            text(&tokens, "id_token"),
            text(&theirs, "access_token"),
            text(&theirs, "refresh_token"),
        ] {
            assert_eq!(introspect(&world, "", "reports", token).await.snapshot(), INACTIVE, "{token}");
        }
        let right = basic("reports", SECRET);
        let wrong = basic("reports", "wrong-0123456789abcdef0123456789abcdef");
        let form = encode(&[("token", access)]);
        let twice = format!("{form}&{form}");
        let hints = format!("{form}&token_type_hint=access_token&token_type_hint=refresh_token");
        let public = encode(&[("token", access), ("client_id", "public")]);
        for (authorization, body, expected) in [
            ("", form.as_str(), r#"401 {"error":"invalid_client","error_description":"the request names no client"}"#),
            (&wrong, &form, CLIENT),
            (&*basic("nobody", SECRET), &form, CLIENT),
            (
                "Bearer x",
                &form,
                r#"401 {"error":"invalid_client","error_description":"the Authorization header must be HTTP Basic with client id and secret"}"#,
            ),
            (
                "",
                &public,
                r#"401 {"error":"invalid_client","error_description":"public clients may not introspect tokens"}"#,
            ),
            (&right, "", r#"400 {"error":"invalid_request","error_description":"token is missing"}"#),
            (&right, "token=", r#"400 {"error":"invalid_request","error_description":"token is missing"}"#),
            (&right, &twice, r#"400 {"error":"invalid_request","error_description":"token was sent more than once"}"#),
            (
                &right,
                &hints,
                r#"400 {"error":"invalid_request","error_description":"token_type_hint was sent more than once"}"#,
            ),
        ] {
            let headers = [("authorization", authorization)];
            let headers = if authorization.is_empty() { &[][..] } else { &headers[..] };
            assert_eq!(world.post("/introspect", headers, body).await.snapshot(), expected, "{body}");
        }
        let with_hint = encode(&[("token", access), ("token_type_hint", "refresh_token")]);
        for hint in [with_hint, encode(&[("token", access), ("token_type_hint", "nonsense")])] {
            let answer = world.post("/introspect", &[("authorization", &right)], &hint).await;
            assert_eq!(answer.json()["active"], true, "a hint is a hint");
        }
        let large = format!("token={}", "x".repeat(17_000));
        let answer = world.post("/introspect", &[("authorization", &right)], &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        let headers = [("authorization", right.as_str()), ("content-type", "application/json")];
        let answer = world.send(request("POST", "/introspect", &headers, br#"{"token":"x"}"#.to_vec())).await;
        let expected = r#"400 {"error":"invalid_request","error_description":"the body must be application/x-www-form-urlencoded"}"#;
        assert_eq!(answer.snapshot(), expected);
        let answer = world.get("/introspect", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST")));
        let origin = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
        let answer = world.send(request("OPTIONS", "/introspect", &origin, Vec::new())).await;
        assert_eq!(answer.header("access-control-allow-origin"), None, "no page's script introspects");
    }
}
