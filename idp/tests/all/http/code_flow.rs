//! The authorization code flow, from the request to the claims.

use std::time::Duration;

use poem::http::StatusCode;

use crate::support::databases;
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, SECRET, VERIFIER, World, basic, encode, payload};

/// Redeems a code with the right everything.
pub(crate) async fn redeem(world: &World, base: &str, client_id: &str, code: &str) -> Answer {
    let form = encode(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    world.post(&format!("{base}/token"), &[("authorization", &basic(client_id, SECRET))], &form).await
}

#[tokio::test]
async fn a_person_signs_in_consents_and_the_client_gets_verified_tokens() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let user = world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let mut browser = Browser::new(&world, "");

        let start = browser.authorize("reports", &[]).await;
        assert_eq!(start.status, StatusCode::SEE_OTHER);
        assert!(start.location().starts_with("/login?flow="), "{}", start.location());
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        assert_eq!(signed_in.status, StatusCode::SEE_OTHER, "{}", signed_in.body);
        assert!(signed_in.location().starts_with("/consent?flow="), "{}", signed_in.location());
        let allowed = browser.consent(&signed_in, "allow").await;
        assert!(allowed.location().starts_with(CALLBACK), "{}", allowed.location());
        assert_eq!(allowed.returned("state").as_deref(), Some("the state"));
        assert_eq!(allowed.returned("iss").as_deref(), Some("http://127.0.0.1:8080"));

        let tokens = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        assert_eq!(tokens.header("cache-control"), Some("no-store"));
        let tokens = tokens.json();
        assert_eq!(tokens["token_type"], "Bearer");
        assert_eq!(tokens["scope"], "email openid profile");

        let access = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(access["iss"], "http://127.0.0.1:8080");
        assert_eq!(access["sub"], user.id.to_string());
        assert_eq!(access["tid"], "00000000-0000-0000-0000-000000000000");
        assert_eq!(access["roles"], serde_json::json!(["AGENT"]));
        assert_eq!(access["email"], "ada@example.com");
        assert_eq!(access["client_id"], "reports");
        let id = payload(tokens["id_token"].as_str().unwrap());
        assert_eq!(id["aud"], "reports");
        assert_eq!(id["nonce"], "the nonce");
        assert_eq!(id["sid"], access["sid"]);
        assert!(id.get("email").is_none(), "scope claims are at userinfo");

        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(claims.status, StatusCode::OK, "{}", claims.body);
        assert_eq!(
            claims.json(),
            serde_json::json!({
                "sub": user.id.to_string(),
                "name": "Ada Lovelace",
                "updated_at": 1_893_456_000,
                "email": "ada@example.com",
                "email_verified": true,
            })
        );
    }
}

#[tokio::test]
async fn consent_given_once_is_remembered_and_a_session_signs_in_by_itself() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;

        let again = browser.authorize("reports", &[]).await;
        assert!(again.location().starts_with(CALLBACK), "{}", again.location());
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        assert!(silent.returned("code").is_some(), "{}", silent.location());
        world.pass(Duration::from_secs(1));
        let forced = browser.authorize("reports", &[("prompt", "login")]).await;
        assert!(forced.location().starts_with("/login"), "{}", forced.location());
        let asked = browser.authorize("reports", &[("prompt", "consent")]).await;
        assert!(asked.location().starts_with("/consent"), "{}", asked.location());
        world.pass(Duration::from_secs(100));
        let fresh = browser.authorize("reports", &[("max_age", "200")]).await;
        assert!(fresh.returned("code").is_some(), "{}", fresh.location());
        let stale = browser.authorize("reports", &[("max_age", "50")]).await;
        assert!(stale.location().starts_with("/login"), "{}", stale.location());
        // To the second, as the client counts from auth_time: a moment more is too much.
        browser.authorize("reports", &[("max_age", "101")]).await.assert_code();
        world.pass(Duration::from_millis(1));
        browser.authorize("reports", &[("max_age", "101")]).await.assert_leads_to("/login");
        let wider = browser.authorize("reports", &[("scope", "openid")]).await;
        assert!(wider.returned("code").is_some(), "less than was allowed needs no question");
    }
}

/// Who signed in at the page of a request that wants it anew has done so; but not for as long as the page stays open.
#[tokio::test]
async fn a_question_that_is_answered_long_after_the_sign_in_needs_another_one() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for (number, change) in [("max_age", "60"), ("max_age", "0"), ("prompt", "login")].into_iter().enumerate() {
            for (minutes, leads_to) in [(29, CALLBACK), (31, "/login?flow=")] {
                // What one allowed isn't asked again.
                let email = format!("grace{number}.{minutes}@example.com");
                world.user(&tenant, &email).await;
                let mut browser = Browser::new(&world, "");
                let start = browser.authorize("reports", &[change]).await;
                let question = browser.sign_in(&start, &email, PASSWORD).await;
                question.assert_leads_to("/consent?flow=");
                let (flow, csrf) = browser.form(&question).await;
                world.pass(Duration::from_mins(minutes));
                let form = [("flow", &*flow), ("csrf", &*csrf), ("decision", "allow")];
                browser.post("/consent", &form).await.assert_leads_to(leads_to);
            }
        }
    }
}

#[tokio::test]
async fn code_replay_revokes_the_tokens_of_the_first_use() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);

        world.pass(Duration::from_secs(30));
        let replay = redeem(&world, "", "reports", &code).await;
        assert_eq!(
            replay.snapshot(),
            r#"400 {"error":"invalid_grant","error_description":"the code is unknown, has expired, was used before, or belongs to another client"}"#
        );
        let refused = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn fifty_parallel_redemptions_of_one_code_have_one_success() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        let attempts = (0..50).map(|_| redeem(&world, "", "reports", &code));
        let answers = futures_util::future::join_all(attempts).await;
        let successes = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        let refused = answers.iter().filter(|answer| answer.status == StatusCode::BAD_REQUEST).count();
        assert_eq!((successes, refused), (1, 49));
    }
}

#[tokio::test]
async fn a_code_lives_for_a_minute() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        world.pass(Duration::from_mins(1));
        assert_eq!(redeem(&world, "", "reports", &code).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn cancel_and_decline_tell_the_client_access_denied() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        let mut browser = Browser::new(&world, "");

        let start = browser.authorize("reports", &[]).await;
        let (flow, csrf) = browser.form(&start).await;
        let cancelled = browser.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        assert_eq!(cancelled.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(cancelled.returned("state").as_deref(), Some("the state"));
        let again = browser.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        assert_eq!(again.status, StatusCode::GONE, "a flow ends once");

        let start = browser.authorize("reports", &[]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let declined = browser.consent(&signed_in, "deny").await;
        assert_eq!(declined.returned("error").as_deref(), Some("access_denied"));
    }
}
