//! `/revoke` (RFC 7009): a client gives back a token, and it fails at the very next check, on every node.

use std::time::Duration;

use idp::domain::client::{ClientAuthMethod, GrantType};
use idp::service::upkeep;
use poem::http::StatusCode;
use serde_json::Value;

use super::claims::{tokens_for, userinfo};
use super::introspect::{furnish, introspect, service_token};
use crate::service::count;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, SECRET, World, basic, encode, payload, request};

const CLIENT: &str = r#"401 {"error":"invalid_client","error_description":"the client is unknown, disabled, or did not authenticate with its registered method and credentials"}"#;
const OFFLINE: (&str, &str) = ("scope", "openid profile email offline_access");
const FOREIGN: &str = r#"400 {"error":"invalid_grant","error_description":"the token was issued to another client"}"#;

async fn furnished(database: &TestDatabase) -> World {
    let world = World::on(database.open().await).await;
    furnish(&world, &world.tenant().await).await;
    world
}

async fn revoke(world: &World, base: &str, client: &str, token: &str) -> Answer {
    let auth = basic(client, SECRET);
    world.post(&format!("{base}/revoke"), &[("authorization", &auth)], &encode(&[("token", token)])).await
}

fn text<'a>(tokens: &'a Value, name: &str) -> &'a str {
    tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}"))
}

async fn refresh(world: &World, base: &str, token: &str) -> Answer {
    let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
    world.post(&format!("{base}/token"), &[("authorization", &basic("reports", SECRET))], &form).await
}

async fn works(world: &World, tokens: &Value) -> bool {
    userinfo(world, "", tokens).await.status == StatusCode::OK
}

#[tokio::test]
async fn one_access_token_ends_and_its_siblings_live_on() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let second = refresh(&world, "", text(&first, "refresh_token")).await.json();
        assert!(works(&world, &first).await && works(&world, &second).await, "warm");
        let answer = revoke(&world, "", "reports", text(&first, "access_token")).await;
        assert_eq!(answer.snapshot(), "200 ");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(!works(&world, &first).await, "at the very next check");
        let inactive = introspect(&world, "", "reports", text(&first, "access_token")).await;
        assert_eq!(inactive.body, r#"{"active":false}"#);
        assert!(works(&world, &second).await);
        let third = refresh(&world, "", text(&second, "refresh_token")).await;
        assert_eq!(third.status, StatusCode::OK, "the grant lives on");
        assert_eq!(revoke(&world, "", "reports", text(&first, "access_token")).await.snapshot(), "200 ", "again");
        // Another process, which has never seen it.
        let peer = world.peer(database.open().await);
        assert!(!works(&peer, &first).await);
    }
}

#[tokio::test]
async fn a_token_that_is_warm_on_another_node_is_refused_there() {
    for database in databases().await {
        let world = furnished(&database).await;
        let peer = world.peer(database.open().await);
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        for _ in 0..2 {
            assert!(works(&peer, &tokens).await);
        }
        revoke(&world, "", "reports", text(&tokens, "access_token")).await;
        let mut refused = !works(&peer, &tokens).await;
        // SQLite: at once. PostgreSQL: when the news is there, well within a second.
        for _ in 0..100 {
            if refused {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            refused = !works(&peer, &tokens).await;
        }
        assert!(refused);
    }
}

#[tokio::test]
async fn a_refresh_token_takes_its_grant_with_it() {
    for database in databases().await {
        let world = furnished(&database).await;
        let first = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let second = refresh(&world, "", text(&first, "refresh_token")).await.json();
        let elsewhere = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        // The one before the current one is the same family.
        assert_eq!(revoke(&world, "", "reports", text(&first, "refresh_token")).await.snapshot(), "200 ");
        for tokens in [&first, &second] {
            assert!(!works(&world, tokens).await);
            assert_eq!(refresh(&world, "", text(tokens, "refresh_token")).await.json()["error"], "invalid_grant");
        }
        assert!(works(&world, &elsewhere).await, "another browser's");
        assert_eq!(revoke(&world, "", "reports", text(&second, "refresh_token")).await.snapshot(), "200 ", "again");
    }
}

#[tokio::test]
async fn a_services_own_token_and_a_public_clients_are_given_back() {
    for database in databases().await {
        let world = furnished(&database).await;
        let token = service_token(&world, "").await;
        let other = service_token(&world, "").await;
        revoke(&world, "", "robot", &token).await;
        assert_eq!(introspect(&world, "", "robot", &token).await.body, r#"{"active":false}"#);
        assert_eq!(introspect(&world, "", "robot", &other).await.json()["active"], true);

        let tenant = world.tenant().await;
        world
            .client(&tenant, "spa", |metadata| {
                metadata.token_endpoint_auth_method = ClientAuthMethod::None;
                metadata.grant_types.insert(GrantType::RefreshToken);
                metadata.scope = "openid profile email offline_access".parse().unwrap();
            })
            .await;
        let mut browser = crate::support::world::Browser::new(&world, "");
        let code = browser.code("spa", "ada@example.com").await;
        let form = encode(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", crate::support::world::CALLBACK),
            ("code_verifier", crate::support::world::VERIFIER),
            ("client_id", "spa"),
        ]);
        let tokens = world.post("/token", &[], &form).await.json();
        assert!(works(&world, &tokens).await);
        let form = encode(&[("token", text(&tokens, "access_token")), ("client_id", "spa")]);
        let answer = world.post("/revoke", &[("origin", "https://app.example")], &form).await;
        assert_eq!(answer.snapshot(), "200 ");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "an application in the browser");
        assert!(!works(&world, &tokens).await);
    }
}

#[tokio::test]
async fn rows_of_revoked_tokens_go_a_day_after_the_tokens_would_have_ended() {
    for database in databases().await {
        let world = furnished(&database).await;
        let db = database.raw().await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        assert_eq!(count(&db, "denied_tokens").await, 0, "no token has a row");
        revoke(&world, "", "reports", text(&tokens, "access_token")).await;
        assert_eq!(count(&db, "denied_tokens").await, 1);
        let life = payload(text(&tokens, "access_token"));
        let life = life["exp"].as_u64().unwrap() - life["iat"].as_u64().unwrap();
        world.pass(Duration::from_secs(life + 24 * 3600 - 1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&db, "denied_tokens").await, 1, "clocks may be set back");
        world.pass(Duration::from_secs(1));
        upkeep::clean(&world.ctx).await.unwrap();
        assert_eq!(count(&db, "denied_tokens").await, 0);
        assert_eq!(revoke(&world, "", "reports", text(&tokens, "access_token")).await.snapshot(), "200 ", "too old");
        assert_eq!(count(&db, "denied_tokens").await, 0);
    }
}

#[tokio::test]
async fn bad_requests_have_their_answers_and_revoke_nothing() {
    for database in databases().await {
        let world = furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        furnish(&world, &acme).await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[OFFLINE]).await;
        let (access, refresh_token) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
        for token in [access, refresh_token] {
            assert_eq!(revoke(&world, "", "other", token).await.snapshot(), FOREIGN);
            assert_eq!(revoke(&world, "", "api", token).await.snapshot(), FOREIGN, "seeing it isn't having it");
            assert_eq!(revoke(&world, "/t/acme", "reports", token).await.snapshot(), "200 ", "nobody's there");
        }
        let tampered = format!("{access}x");
        let made_up = format!("{}AAAA", &refresh_token[..refresh_token.len() - 4]);
        for token in ["nonsense", "a.b.c", &tampered, &made_up] {
            assert_eq!(revoke(&world, "", "reports", token).await.snapshot(), "200 ", "{token}: §2.2");
        }
        let id_token = revoke(&world, "", "reports", text(&tokens, "id_token")).await;
        let unsupported = r#"400 {"error":"unsupported_token_type","error_description":"only access tokens and refresh tokens can be revoked"}"#;
        assert_eq!(id_token.snapshot(), unsupported);

        let right = basic("reports", SECRET);
        let form = encode(&[("token", access)]);
        let twice = format!("{form}&{form}");
        let by_name = encode(&[("token", access), ("client_id", "reports")]);
        for (authorization, body, expected) in [
            ("", form.as_str(), r#"401 {"error":"invalid_client","error_description":"the request names no client"}"#),
            (&*basic("reports", "wrong-0123456789abcdef0123456789abcdef"), &form, CLIENT),
            ("", &by_name, CLIENT),
            (&right, "", r#"400 {"error":"invalid_request","error_description":"token is missing"}"#),
            (&right, &twice, r#"400 {"error":"invalid_request","error_description":"token was sent more than once"}"#),
        ] {
            let headers = [("authorization", authorization)];
            let headers = if authorization.is_empty() { &[][..] } else { &headers[..] };
            assert_eq!(world.post("/revoke", headers, body).await.snapshot(), expected, "{body}");
        }
        let large = format!("token={}", "x".repeat(17_000));
        let answer = world.post("/revoke", &[("authorization", &right)], &large).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
        let headers = [("authorization", right.as_str()), ("content-type", "application/json")];
        let answer = world.send(request("POST", "/revoke", &headers, b"{}".to_vec())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        let answer = world.get("/revoke", &[]).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("POST, OPTIONS")));

        assert!(works(&world, &tokens).await, "nothing was revoked");
        assert_eq!(refresh(&world, "", refresh_token).await.status, StatusCode::OK);
        assert_eq!(count(&database.raw().await, "denied_tokens").await, 0);
        let hint = encode(&[("token", access), ("token_type_hint", "refresh_token")]);
        assert_eq!(world.post("/revoke", &[("authorization", &right)], &hint).await.snapshot(), "200 ");
        assert!(!works(&world, &tokens).await, "a hint is a hint");
    }
}
