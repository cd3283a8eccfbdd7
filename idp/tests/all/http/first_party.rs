//! `/v1/auth`: people in the tenant's own apps.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{FutureExt as _, StreamExt as _};
use idp::domain::Secret;
use idp::domain::audit::AuditKind;
use idp::domain::client::{ClientAuthMethod, ClientStatus, ConsentPolicy, GrantType};
use idp::domain::event::OutboxEvent;
use idp::domain::tenant::Tenant;
use idp::service::sessions::ending::Which;
use idp::service::{clients, first_party, relay, sessions, users};
use idp::store;
use idp::store::audit::AuditFilter;
use poem::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::code_flow::redeem;
use super::sessions::{Age, plant};
use super::subjects::app;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::redis::RedisServer;
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, VERIFIER, World, encode, payload, request};

const ORIGIN: &str = "http://127.0.0.1:8081";
const ACME: &str = "/t/acme";

async fn send(world: &World, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Answer {
    let bytes = body.map(|body| serde_json::to_vec(body).unwrap()).unwrap_or_default();
    let mut all = headers.to_vec();
    if body.is_some() {
        all.push(("content-type", "application/json"));
    }
    world.send(request(method, path, &all, bytes)).await
}

async fn post(world: &World, path: &str, body: &Value) -> Answer {
    send(world, "POST", path, &[], Some(body)).await
}

/// A call with an access token.
async fn by(world: &World, token: &str, method: &str, path: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    send(world, method, path, &[("authorization", &bearer)], None).await
}

fn ada() -> Value {
    json!({ "email": "ada@example.com", "password": PASSWORD })
}

/// Signs Ada in: the answer's body.
async fn signed_in(world: &World, base: &str) -> Value {
    let answer = post(world, &format!("{base}/v1/auth/login"), &ada()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.json()
}

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name}: {body}"))
}

async fn open(database: &TestDatabase) -> (World, Tenant) {
    let world = World::furnished(database).await;
    let tenant = world.open_to_sign_ups(&world.tenant().await).await;
    (world, tenant)
}

#[tokio::test]
async fn the_runbook_of_old_goes_through() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        let body = signed_in(&world, "").await;
        assert_eq!(body["token"], body["access_token"]);
        assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(900)));
        assert_eq!(body["user"]["email"], "ada@example.com");
        assert_eq!(body["user"]["role"], "AGENT");
        let claims = payload(text(&body, "access_token"));
        for name in ["iss", "aud", "sub", "tid", "roles", "email", "exp", "iat", "jti", "client_id", "scope", "sid"] {
            assert!(claims.get(name).is_some(), "{name}: {claims}");
        }
        assert_eq!(claims["client_id"], "first-party");
        let me = by(&world, text(&body, "token"), "GET", "/v1/auth/me").await;
        assert_eq!(me.status, StatusCode::OK, "{}", me.body);
        assert_eq!(me.json()["id"], claims["sub"]);
        let next = post(&world, "/v1/auth/refresh", &json!({ "refresh_token": text(&body, "refresh_token") })).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        let next = next.json();
        assert!(next.get("user").is_none() && next["refresh_token"] != body["refresh_token"]);
        assert_eq!(payload(text(&next, "access_token"))["sid"], claims["sid"]);
        let out = by(&world, text(&next, "token"), "POST", "/v1/auth/logout").await;
        assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
        for token in [text(&body, "token"), text(&next, "token")] {
            assert_eq!(by(&world, token, "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        }
        let late = post(&world, "/v1/auth/refresh", &json!({ "refresh_token": text(&next, "refresh_token") })).await;
        assert_eq!(late.status, StatusCode::UNAUTHORIZED, "{}", late.body);
    }
}

#[tokio::test]
async fn an_account_is_made_under_both_names_and_only_where_it_may() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        for (path, email) in [("/v1/auth/register", "grace@example.com"), ("/v1/auth/signup", "joan@example.com")] {
            let body = json!({ "email": email, "name": "Grace Hopper", "password": PASSWORD });
            let made = post(&world, path, &body).await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
            let made = made.json();
            assert_eq!((&made["user"]["email"], &made["user"]["name"]), (&json!(email), &json!("Grace Hopper")));
            assert_eq!(made["user"]["email_verified"], false);
            assert_eq!(by(&world, text(&made, "token"), "GET", "/v1/auth/me").await.status, StatusCode::OK);
            assert_eq!(post(&world, path, &body).await.status, StatusCode::CONFLICT);
        }
        let acme = world.other_tenant("acme").await;
        let body = json!({ "email": "grace@example.com", "password": PASSWORD });
        let closed = post(&world, "/t/acme/v1/auth/register", &body).await;
        assert_eq!(
            closed.snapshot(),
            r#"403 {"type":"about:blank","title":"Forbidden","status":403,"detail":"Nobody can make an account here."}"#
        );
        world.open_to_sign_ups(&acme).await;
        assert_eq!(post(&world, "/t/acme/v1/auth/register", &body).await.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn of_many_sign_ups_at_once_one_is_made_and_of_many_first_sign_ins_each_gets_a_session() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let body = json!({ "email": "grace@example.com", "password": PASSWORD });
        let answers = join_all((0..4).map(|_| post(&world, "/v1/auth/register", &body))).await;
        let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
        let taken = answers.iter().filter(|answer| answer.status == StatusCode::CONFLICT).count();
        assert_eq!((made, taken), (1, 3));
        assert!(clients::find(&world.ctx, tenant.id, &"first-party".parse().unwrap()).await.is_ok());
    }
}

/// What is sent, the status, what the problem says.
type Bad = (&'static str, Value, u16, &'static str);

fn bad_bodies() -> Vec<Bad> {
    let login = "/v1/auth/login";
    let register = "/v1/auth/register";
    let refresh = "/v1/auth/refresh";
    let new = |email: &str, password: &str| json!({ "email": email, "password": password });
    vec![
        (login, json!([]), 400, "The body must be a JSON object."),
        (login, json!({}), 400, "email: is missing, and must be there."),
        (login, json!({ "email": "ada@example.com" }), 400, "password"),
        (login, json!({ "email": 1, "password": "x" }), 400, "mail"),
        (login, json!({ "email": "a\u{0}", "password": "x" }), 400, "NUL"),
        (login, json!({ "email": "ada@example.com", "password": PASSWORD, "remember": true }), 400, "emember"),
        (login, json!({ "email": "ada@example.com", "password": PASSWORD, "client_id": "nobody" }), 400, "client_id"),
        (login, json!({ "email": "ada@example.com", "password": PASSWORD, "client_id": "reports" }), 400, "client_id"),
        (login, new("ada@example.com", "wrong"), 401, "The e-mail address, user name or password isn't right."),
        (login, new("nobody@example.com", PASSWORD), 401, "The e-mail address, user name or password isn't right."),
        (register, new("grace", PASSWORD), 422, "email: an e-mail address looks like name@example.com"),
        (register, new("grace@example.com", "short"), 422, "password: a password has at least 8 characters."),
        (register, new("", ""), 422, "email: an e-mail address is needed; password: a password is needed."),
        (register, new("grace@example.com", "graceexample"), 422, "easy to guess"),
        (register, new("ada@example.com", PASSWORD), 409, "No account can be made with this e-mail address."),
        (refresh, json!({}), 400, "A refresh token is needed, as refresh_token or as a cookie."),
        (refresh, json!({ "refresh_token": "made up" }), 401, "The refresh token is unknown"),
        (refresh, json!({ "refresh_token": "made up", "client_id": "reports" }), 400, "client_id"),
        ("/v1/auth/logout", json!({}), 401, "An access token or a refresh token is needed."),
    ]
}

#[tokio::test]
async fn bad_input_gets_a_problem_and_changes_nothing() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        for (path, body, status, says) in bad_bodies() {
            let answer = post(&world, path, &body).await;
            assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path} {body}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(says), "{path} {body}: {detail}");
            assert!(answer.header("set-cookie").is_none());
        }
        let media_type =
            world.send(request("POST", "/v1/auth/login", &[("content-type", "text/plain")], b"x".to_vec()));
        assert_eq!(media_type.await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        let all = users::list(&world.ctx, &tenant, &users::UserFilter::default(), None, 10).await.unwrap();
        assert_eq!(all.len(), 1, "Ada alone");
        // Without a token, or with one that isn't an app's.
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let theirs = redeem(&world, "", "reports", &code).await.json();
        for (method, path) in [
            ("GET", "/v1/auth/me"),
            ("GET", "/v1/auth/session"),
            ("GET", "/v1/auth/sessions"),
            ("POST", "/v1/auth/activity"),
            ("DELETE", "/v1/auth/sessions/all"),
            ("DELETE", "/v1/auth/sessions/others"),
            ("DELETE", "/v1/auth/sessions/01980000-0000-7000-8000-000000000000"),
        ] {
            let without = send(&world, method, path, &[], None).await;
            assert_eq!(without.status, StatusCode::UNAUTHORIZED, "{path}");
            assert_eq!(without.header("www-authenticate"), Some(r#"Bearer realm="signet""#), "{path}");
            for token in ["made up", text(&theirs, "access_token")] {
                let answer = by(&world, token, method, path).await;
                assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}: {}", answer.body);
                assert!(answer.header("www-authenticate").unwrap().contains("invalid_token"), "{path}");
            }
        }
        let wrong_method = send(&world, "GET", "/v1/auth/login", &[], None).await;
        assert_eq!((wrong_method.status, wrong_method.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, Some("POST")));
    }
}

#[tokio::test]
async fn guessing_is_limited_as_on_the_page() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        for _ in 0..10 {
            let guess = json!({ "email": "ada@example.com", "password": "a guess" });
            assert_eq!(post(&world, "/v1/auth/login", &guess).await.status, StatusCode::UNAUTHORIZED);
        }
        let answer = post(&world, "/v1/auth/login", &ada()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, Some("900")));
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_page(429, "too many attempts");
    }
}

#[tokio::test]
async fn a_session_rests_five_minutes_unless_it_is_used() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        let body = signed_in(&world, "").await;
        let token = text(&body, "token");
        for _ in 0..3 {
            world.pass(Duration::from_mins(4));
            let used = by(&world, token, "POST", "/v1/auth/activity").await;
            assert_eq!(used.status, StatusCode::OK, "{}", used.body);
        }
        assert_eq!(by(&world, token, "GET", "/v1/auth/me").await.status, StatusCode::OK);
        world.pass(Duration::from_mins(5));
        assert_eq!(by(&world, token, "POST", "/v1/auth/activity").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(by(&world, token, "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        let refresh = json!({ "refresh_token": text(&body, "refresh_token") });
        assert_eq!(post(&world, "/v1/auth/refresh", &refresh).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn what_is_used_is_told_and_shown_where_it_is_worth_noting() {
    let redis = RedisServer::start().await;
    for database in databases().await {
        let url = Secret::new(redis.url());
        let world = World::with(database.open().await, |config| config.redis.url = Some(url)).await;
        world.furnish().await;
        let body = signed_in(&world, "").await;
        let (token, node) = (text(&body, "token"), Uuid::from_u128(1));
        let last = async || by(&world, token, "GET", "/v1/auth/session").await.json()["last_activity_at"].clone();
        let began = last().await;
        assert!(relay::to_redis(&world.ctx, node).await.unwrap());
        let mut listener = redis.listener().await;

        for _ in 0..2 {
            world.pass(Duration::from_mins(1));
            for _ in 0..2 {
                assert_eq!(by(&world, token, "POST", "/v1/auth/activity").await.status, StatusCode::OK);
            }
            assert!(relay::to_redis(&world.ctx, node).await.unwrap());
            let mut messages = listener.on_message();
            let message = tokio::time::timeout(Duration::from_secs(20), messages.next()).await.unwrap().unwrap();
            assert_eq!(message.get_channel_name(), "auth:session.activity_updated");
            let told: Value = serde_json::from_str(&message.get_payload::<String>().unwrap()).unwrap();
            let session = by(&world, token, "GET", "/v1/auth/session").await.json();
            assert_eq!(told["session_id"], session["id"]);
            assert!(messages.next().now_or_never().is_none(), "once in a hundredth of the longest rest");
        }
        let (now, before) = (last().await, began.as_str().unwrap());
        assert!(now.as_str().unwrap() > before, "{now} {before}");
    }
}

#[tokio::test]
async fn a_sixth_session_ends_the_first() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        let mut all = Vec::new();
        for _ in 0..6 {
            all.push(signed_in(&world, "").await);
            world.pass(Duration::from_secs(1));
        }
        let status = async |body: &Value| by(&world, text(body, "token"), "GET", "/v1/auth/session").await.status;
        assert_eq!(status(&all[0]).await, StatusCode::UNAUTHORIZED);
        for body in &all[1..] {
            assert_eq!(status(body).await, StatusCode::OK);
        }
        let listed = by(&world, text(&all[5], "token"), "GET", "/v1/auth/sessions").await.json();
        let listed = listed["sessions"].as_array().unwrap().clone();
        assert_eq!(listed.len(), 5);
        assert_eq!(listed.iter().filter(|session| session["current"] == true).count(), 1);
    }
}

#[tokio::test]
async fn of_many_sessions_the_one_that_asks_comes_first_and_then_the_newest() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let body = signed_in(&world, "").await;
        let sid = payload(text(&body, "token"))["sid"].as_str().unwrap().to_owned();
        let id = sid.parse().unwrap();
        let session = sessions::find(&world.ctx, tenant.id, id).await.unwrap().unwrap();
        let older = plant(&world, &tenant, &session, 3, Age::Older).await;
        let newer = plant(&world, &tenant, &session, 204, Age::Newer).await;
        let expected: Vec<String> =
            [id].iter().chain(newer.iter().rev()).chain(&older).map(ToString::to_string).collect();
        let part = async |query: &str| {
            let part = by(&world, text(&body, "token"), "GET", &format!("/v1/auth/sessions{query}")).await.json();
            let items = part["sessions"].as_array().unwrap_or_else(|| panic!("{part}"));
            let ids: Vec<String> = items.iter().map(|item| text(item, "id").to_owned()).collect();
            assert_eq!(items.iter().filter(|item| item["current"] == true).count(), usize::from(ids.contains(&sid)));
            (ids, part["next_cursor"].as_str().map(str::to_owned))
        };
        let (first, next) = part("").await;
        assert_eq!(first, expected[..200]);
        let (rest, end) = part(&format!("?cursor={}", next.unwrap())).await;
        assert_eq!((rest.as_slice(), end), (&expected[200..], None));
        // One at a time none is left out either.
        let (mut read, mut next) = part("?limit=1").await;
        while let (true, Some(cursor)) = (read.len() < 3, next) {
            let (one, after) = part(&format!("?limit=1&cursor={cursor}")).await;
            read.extend(one);
            next = after;
        }
        assert_eq!(read, expected[..3]);
        for wrong in ["limit=0", "limit=201", "limit=x", "cursor=x", "cursor=%00"] {
            let answer = by(&world, text(&body, "token"), "GET", &format!("/v1/auth/sessions?{wrong}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_person_ends_one_of_their_sessions_the_others_or_all_and_nobody_elses() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        world.user(&tenant, "grace@example.com").await;
        let (first, second) = (signed_in(&world, "").await, signed_in(&world, "").await);
        let grace =
            post(&world, "/v1/auth/login", &json!({ "email": "grace@example.com", "password": PASSWORD })).await;
        let grace = grace.json();
        let id = |body: &Value| payload(text(body, "token"))["sid"].as_str().unwrap().to_owned();
        let foreign = by(&world, text(&first, "token"), "DELETE", &format!("/v1/auth/sessions/{}", id(&grace))).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.body);
        assert_eq!(
            by(&world, text(&first, "token"), "DELETE", "/v1/auth/sessions/x").await.status,
            StatusCode::NOT_FOUND
        );
        let path = format!("/v1/auth/sessions/{}", id(&second));
        assert_eq!(by(&world, text(&first, "token"), "DELETE", &path).await.status, StatusCode::NO_CONTENT);
        assert_eq!(by(&world, text(&first, "token"), "DELETE", &path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(by(&world, text(&second, "token"), "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        let third = signed_in(&world, "").await;
        for _ in 0..2 {
            let others = by(&world, text(&first, "token"), "DELETE", "/v1/auth/sessions/others").await;
            assert_eq!((others.status, &*others.body), (StatusCode::NO_CONTENT, ""));
            assert_eq!(others.header("set-cookie"), None, "this one goes on");
            assert_eq!(by(&world, text(&third, "token"), "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(by(&world, text(&first, "token"), "GET", "/v1/auth/me").await.status, StatusCode::OK);
        let third = signed_in(&world, "").await;
        let all = by(&world, text(&first, "token"), "DELETE", "/v1/auth/sessions/all").await;
        assert_eq!(all.status, StatusCode::NO_CONTENT, "{}", all.body);
        for body in [&first, &third] {
            assert_eq!(by(&world, text(body, "token"), "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(by(&world, text(&grace, "token"), "GET", "/v1/auth/me").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_refresh_token_as_a_cookie_counts_from_our_own_origin_alone() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let own = tenant.issuer.origin();
        assert_ne!(own, ORIGIN);
        let mut body = ada();
        body["cookie"] = json!(true);
        let answer = send(&world, "POST", "/v1/auth/login", &[("origin", &own)], Some(&body)).await;
        assert!(answer.json().get("refresh_token").is_none());
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        for part in ["; Max-Age=604800", "; Path=/v1/auth", "; HttpOnly", "; SameSite=Strict"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        let pair = cookie.split(';').next().unwrap().to_owned();
        let origins = ["", "null", ORIGIN, &format!("{own}."), &format!("{own}/"), &own.to_uppercase()];
        for origin in origins {
            let headers = [("cookie", &*pair), ("origin", origin)];
            for path in ["/v1/auth/refresh", "/v1/auth/logout"] {
                let refused = send(&world, "POST", path, &headers, None).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {origin}: {}", refused.body);
            }
        }
        let without = send(&world, "POST", "/v1/auth/refresh", &[("cookie", &pair)], None).await;
        assert_eq!(without.status, StatusCode::FORBIDDEN);
        let next = send(&world, "POST", "/v1/auth/refresh", &[("cookie", &pair), ("origin", &own)], None).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        assert!(next.json().get("refresh_token").is_none());
        let pair = next.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let out = send(&world, "POST", "/v1/auth/logout", &[("cookie", &pair), ("origin", &own)], None).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
        assert!(out.header("set-cookie").unwrap().contains("; Max-Age=0"));
        let late = send(&world, "POST", "/v1/auth/refresh", &[("cookie", &pair), ("origin", &own)], None).await;
        assert_eq!(late.status, StatusCode::UNAUTHORIZED);
        // Who ends the session that they are in has no cookie any more either.
        let body = signed_in(&world, "").await;
        let sid = payload(text(&body, "token"))["sid"].as_str().unwrap().to_owned();
        let ended = by(&world, text(&body, "token"), "DELETE", &format!("/v1/auth/sessions/{sid}")).await;
        assert_eq!(ended.status, StatusCode::NO_CONTENT);
        assert!(ended.header("set-cookie").unwrap().contains("; Max-Age=0"));
    }
}

/// The app's access token has run out meanwhile, and it sends both.
#[tokio::test]
async fn who_signs_out_with_a_token_that_is_over_is_signed_out_by_the_other() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let own = tenant.issuer.origin();
        let over = ("authorization", "Bearer eyJ.over.x");
        for by_cookie in [true, false] {
            let mut body = ada();
            body["cookie"] = json!(by_cookie);
            let answer = send(&world, "POST", "/v1/auth/login", &[("origin", &own)], Some(&body)).await;
            let access_token = text(&answer.json(), "access_token").to_owned();
            let out = if by_cookie {
                let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap();
                let headers = [over, ("cookie", cookie), ("origin", &own)];
                let elsewhere = [over, ("cookie", cookie), ("origin", "https://elsewhere.example")];
                let refused = send(&world, "POST", "/v1/auth/logout", &elsewhere, None).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
                send(&world, "POST", "/v1/auth/logout", &headers, None).await
            } else {
                let token = json!({ "refresh_token": answer.json()["refresh_token"] });
                send(&world, "POST", "/v1/auth/logout", &[over], Some(&token)).await
            };
            assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
            assert!(out.header("set-cookie").unwrap().contains("; Max-Age=0"));
            assert_eq!(by(&world, &access_token, "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        }
        let alone = send(&world, "POST", "/v1/auth/logout", &[over], None).await;
        assert_eq!(alone.status, StatusCode::UNAUTHORIZED, "{}", alone.body);
    }
}

/// What an app got for longer than a session is taken back where the person signs out by it, also when no session is left.
#[tokio::test]
async fn signing_out_takes_back_what_would_outlive_the_session() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "own", |metadata| {
                metadata.grant_types.insert(GrantType::RefreshToken);
                metadata.scope = "openid offline_access".parse().unwrap();
                metadata.token_endpoint_auth_method = ClientAuthMethod::None;
                metadata.consent = ConsentPolicy::Implied;
            })
            .await;
        let token = async |form: &[(&str, &str)]| {
            let form = [&[("client_id", "own")], form].concat();
            world.post("/token", &[], &encode(&form)).await
        };
        let got = async || {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("own", &[("scope", "openid offline_access")]).await;
            let code = browser.sign_in(&start, "ada@example.com", PASSWORD).await.returned("code").unwrap();
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &*code),
                ("redirect_uri", CALLBACK),
                ("code_verifier", VERIFIER),
            ];
            token(&form).await.json()
        };
        let refresh = async |body: &Value| {
            token(&[("grant_type", "refresh_token"), ("refresh_token", text(body, "refresh_token"))]).await
        };
        for by_access_token in [false, true] {
            let (tokens, others) = (got().await, got().await);
            let out = if by_access_token {
                by(&world, text(&tokens, "access_token"), "POST", "/v1/auth/logout").await
            } else {
                let body = json!({ "refresh_token": text(&tokens, "refresh_token"), "client_id": "own" });
                post(&world, "/v1/auth/logout", &body).await
            };
            assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
            assert_eq!(refresh(&tokens).await.status, StatusCode::BAD_REQUEST);
            let (first, others) = (others.clone(), refresh(&others).await);
            assert_eq!(others.status, StatusCode::OK, "another browser's: {}", others.body);
            // Its session ends elsewhere, and then it signs out.
            let others = others.json();
            let sid = payload(text(&first, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
            world.end(tenant.id, Which::One(sid)).await;
            let body = json!({ "refresh_token": text(&others, "refresh_token"), "client_id": "own" });
            assert_eq!(post(&world, "/v1/auth/logout", &body).await.status, StatusCode::NO_CONTENT);
            assert_eq!(refresh(&others).await.status, StatusCode::BAD_REQUEST);
        }
    }
}

/// It would be made anew by the next stranger who asks for it.
#[tokio::test]
async fn the_usual_app_is_switched_off_by_disabling_it() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        signed_in(&world, "").await;
        let id = first_party::USUAL.parse().unwrap();
        let refused = clients::delete(&world.ctx, tenant.id, &id, "test").await.unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the client first-party is made anew when an app asks for it; disable it to switch such apps off"
        );
        signed_in(&world, "").await;
        clients::set_status(&world.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        assert_ne!(post(&world, "/v1/auth/login", &ada()).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn tokens_of_one_app_or_tenant_are_nothing_to_another() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&tenant, "app", app).await;
        let body = signed_in(&world, "").await;
        let token = text(&body, "refresh_token");
        let other_app = post(&world, "/v1/auth/refresh", &json!({ "refresh_token": token, "client_id": "app" })).await;
        assert_eq!(other_app.status, StatusCode::UNAUTHORIZED, "{}", other_app.body);
        signed_in(&world, ACME).await;
        let there = post(&world, "/t/acme/v1/auth/refresh", &json!({ "refresh_token": token })).await;
        assert_eq!(there.status, StatusCode::UNAUTHORIZED, "{}", there.body);
        // Nor do they end anything there.
        let out = post(&world, "/t/acme/v1/auth/logout", &json!({ "refresh_token": token })).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT);
        let out = post(&world, "/v1/auth/logout", &json!({ "refresh_token": token, "client_id": "app" })).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT);
        assert_eq!(
            by(&world, text(&body, "token"), "GET", "/t/acme/v1/auth/me").await.status,
            StatusCode::UNAUTHORIZED
        );
        assert_eq!(by(&world, text(&body, "token"), "GET", "/v1/auth/me").await.status, StatusCode::OK);
        let own = post(&world, "/v1/auth/refresh", &json!({ "refresh_token": token })).await;
        assert_eq!(own.status, StatusCode::OK, "{}", own.body);
        // The app that is named has a session of its own.
        let mut named = ada();
        named["client_id"] = json!("app");
        let named = post(&world, "/v1/auth/login", &named).await.json();
        assert_eq!(payload(text(&named, "token"))["client_id"], "app");
        clients::set_status(&world.ctx, tenant.id, &"app".parse().unwrap(), ClientStatus::Disabled, "test")
            .await
            .unwrap();
        assert_eq!(by(&world, text(&named, "token"), "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn of_two_hundred_parallel_refreshes_there_is_one_successor() {
    for database in databases().await {
        let (world, _) = open(&database).await;
        let first = signed_in(&world, "").await;
        let body = json!({ "refresh_token": text(&first, "refresh_token") });
        let answers = join_all((0..200).map(|_| post(&world, "/v1/auth/refresh", &body))).await;
        let successors: BTreeSet<String> = answers
            .iter()
            .map(|answer| {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
                text(&answer.json(), "refresh_token").to_owned()
            })
            .collect();
        assert_eq!(successors.len(), 1);
        let next = json!({ "refresh_token": successors.first().unwrap() });
        assert_eq!(post(&world, "/v1/auth/refresh", &next).await.status, StatusCode::OK);
    }
}

/// Nobody registered the usual app: of many who need it first, one makes it and all use it.
#[tokio::test]
async fn of_many_first_uses_one_makes_the_usual_app() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let peer = world.peer(database.open().await);
        let sign_in = ada();
        let answers = join_all((0..24).map(|number| {
            let node = if number % 2 == 0 { &world } else { &peer };
            post(node, "/v1/auth/login", &sign_in)
        }))
        .await;
        for answer in &answers {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            assert_eq!(payload(text(&answer.json(), "token"))["client_id"], "first-party");
        }
        let clients = clients::list(&world.ctx, tenant.id, None, 100).await.unwrap();
        assert_eq!(clients.iter().filter(|client| client.id.as_str() == "first-party").count(), 1);
        let filter = AuditFilter { kind: Some(AuditKind::ClientCreated), ..AuditFilter::default() };
        let made = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 100).await.unwrap();
        let made = made.iter().filter(|line| line.client_id.as_ref().is_some_and(|id| id.as_str() == "first-party"));
        assert_eq!(made.count(), 1, "and it is in the audit log once");
    }
}

#[tokio::test]
async fn an_app_is_told_what_it_has_to_know() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let config = send(&world, "GET", "/v1/auth/config", &[], None).await.json();
        assert_eq!(
            config,
            json!({
                "issuer": tenant.issuer.as_str(), "name": tenant.name, "sign_up": true,
                "password_min_length": 8, "password_max_length": 128,
                "access_token_lifetime": 900, "refresh_token_lifetime": 604_800,
                "session_idle_timeout": 300, "session_lifetime": 604_800, "session_limit": 5,
            })
        );
    }
}

/// Signs Ada in to an app with a cookie, in a page of the issuer's own: the cookie, and the access token.
async fn by_cookie(world: &World, own: &str, app: Option<&str>) -> (String, String) {
    let mut body = ada();
    body["cookie"] = json!(true);
    if let Some(app) = app {
        body["client_id"] = json!(app);
    }
    let answer = send(world, "POST", "/v1/auth/login", &[("origin", own)], Some(&body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let cookie = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    (cookie, text(&answer.json(), "token").to_owned())
}

#[tokio::test]
async fn two_apps_in_one_browser_have_a_cookie_each() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        world.client(&tenant, "app", app).await;
        let own = tenant.issuer.origin();
        let (usual, _) = by_cookie(&world, &own, None).await;
        let (named, token) = by_cookie(&world, &own, Some("app")).await;
        assert_ne!(usual.split_once('=').unwrap().0, named.split_once('=').unwrap().0);
        let both = format!("{usual}; {named}");
        let headers = [("cookie", &*both), ("origin", &*own)];
        let next = send(&world, "POST", "/v1/auth/refresh", &headers, Some(&json!({}))).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        assert_eq!(payload(text(&next.json(), "token"))["client_id"], "first-party");
        let out = send(&world, "POST", "/v1/auth/logout", &headers, Some(&json!({}))).await;
        assert_eq!(out.status, StatusCode::NO_CONTENT, "{}", out.body);
        let gone = out.header("set-cookie").unwrap().split_once('=').unwrap().0;
        assert_eq!(gone, usual.split_once('=').unwrap().0, "the other's stays");
        assert_eq!(by(&world, &token, "GET", "/v1/auth/me").await.status, StatusCode::OK);
        let app = json!({ "client_id": "app" });
        let next = send(&world, "POST", "/v1/auth/refresh", &headers, Some(&app)).await;
        assert_eq!(next.status, StatusCode::OK, "{}", next.body);
        // One app's cookie is nothing to another, and by access token each takes away its own.
        let only = [("cookie", &*usual), ("origin", &*own)];
        let other = send(&world, "POST", "/v1/auth/refresh", &only, Some(&app)).await;
        assert_eq!(other.status, StatusCode::BAD_REQUEST, "{}", other.body);
        let out = by(&world, text(&next.json(), "token"), "POST", "/v1/auth/logout").await;
        assert_eq!(out.header("set-cookie").unwrap().split_once('=').unwrap().0, named.split_once('=').unwrap().0);
    }
}

/// Else a page of the same site could leave a session of its own in somebody's browser.
#[tokio::test]
async fn a_cookie_is_given_to_the_issuers_origin_and_the_apps_alone() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let at = |origin: &'static str| {
            move |metadata: &mut idp::domain::client::ClientMetadata| {
                app(metadata);
                metadata.allowed_origins = [origin.parse().unwrap()].into();
            }
        };
        world.client(&tenant, "app", at("https://app.example.com")).await;
        world.client(&tenant, "other", at("https://other.example.com")).await;
        let login = json!({ "email": "ada@example.com", "password": PASSWORD, "client_id": "app", "cookie": true });
        let new = json!({ "email": "eve@example.com", "password": PASSWORD, "client_id": "app", "cookie": true });
        for (path, body) in [("/v1/auth/login", &login), ("/v1/auth/register", &new), ("/v1/auth/signup", &new)] {
            for origin in [None, Some("null"), Some("https://other.example.com"), Some("https://app.example.com.")] {
                let headers: Vec<_> = origin.map(|origin| ("origin", origin)).into_iter().collect();
                let refused = send(&world, "POST", path, &headers, Some(body)).await;
                assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path} {origin:?}: {}", refused.body);
                assert!(refused.header("set-cookie").is_none(), "{path} {origin:?}");
            }
        }
        let all = users::list(&world.ctx, &tenant, &users::UserFilter::default(), None, 10).await.unwrap();
        assert_eq!(all.len(), 1, "Ada alone");
        for (path, body) in [("/v1/auth/login", &login), ("/v1/auth/register", &new)] {
            let headers = [("origin", "https://app.example.com")];
            let taken = send(&world, "POST", path, &headers, Some(body)).await;
            assert!(taken.status.is_success() && taken.header("set-cookie").is_some(), "{path}: {}", taken.body);
        }
    }
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_and_it_is_told() {
    for database in databases().await {
        let (world, tenant) = open(&database).await;
        let first = signed_in(&world, "").await;
        let body = json!({ "refresh_token": text(&first, "refresh_token") });
        let next = post(&world, "/v1/auth/refresh", &body).await.json();
        world.pass(Duration::from_secs(31));
        let before = store::outbox::newest(world.ctx.database.read(), tenant.id).await.unwrap();
        assert_eq!(post(&world, "/v1/auth/refresh", &body).await.status, StatusCode::UNAUTHORIZED);
        let sid = payload(text(&next, "token"))["sid"].clone();
        assert_eq!(by(&world, text(&next, "token"), "GET", "/v1/auth/me").await.status, StatusCode::UNAUTHORIZED);
        let told: Vec<OutboxEvent> =
            store::outbox::after(world.ctx.database.read(), tenant.id, before, 10).await.unwrap();
        let [ended] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!(ended.kind.as_str(), "auth:session.terminated");
        assert_eq!((&ended.payload["session_id"], &ended.payload["data"]["reason"]), (&sid, &json!("token_reused")));
        assert_eq!((&ended.payload["actor"], &ended.payload["address"]), (&json!("signet"), &json!("127.0.0.1")));
        let filter = AuditFilter { kind: Some(AuditKind::SessionEnded), ..AuditFilter::default() };
        let lines = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 10).await.unwrap();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line.detail["sid"], &line.detail["reason"]), (&sid, &json!("token_reused")));
        assert_eq!((line.actor.as_deref(), line.address.as_deref()), (Some("signet"), Some("127.0.0.1")));
        // It is none of the five any more, and told once.
        let other = signed_in(&world, "").await;
        let listed = by(&world, text(&other, "token"), "GET", "/v1/auth/sessions").await.json();
        assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "{listed}");
        assert_eq!(listed["sessions"][0]["amr"], json!(["pwd"]));
        assert_eq!(post(&world, "/v1/auth/refresh", &body).await.status, StatusCode::UNAUTHORIZED);
        let lines = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 10).await.unwrap();
        assert_eq!(lines.len(), 1);
    }
}
