//! Whom a request names: `id_token_hint`, the `sub` of `claims`, `login_hint` (OpenID Connect Core §3.1.2.1, §5.5.1).

use std::time::Duration;

use idp::service::browser::Form;
use idp::service::users::{self, UserFilter};
use keys::Algorithm;
use poem::http::StatusCode;
use serde_json::json;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Browser, CALLBACK, PASSWORD, World, payload};

async fn id_token(world: &World, browser: &mut Browser<'_>, client: &str, email: &str) -> String {
    let code = browser.code(client, email).await;
    redeem(world, "", client, &code).await.json()["id_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_hint_names_the_one_person_that_the_answer_may_be_about() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let (mut adas, mut graces) = (Browser::new(&world, ""), Browser::new(&world, ""));
        let ada = id_token(&world, &mut adas, "reports", "ada@example.com").await;
        let grace = id_token(&world, &mut graces, "reports", "grace@example.com").await;
        let sub = |token: &str| payload(token)["sub"].as_str().unwrap().to_owned();
        // Expired ID tokens name people as well as others.
        for age in [Duration::ZERO, Duration::from_hours(2)] {
            world.pass(age);
            let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, sub(&ada));
            for hint in [("id_token_hint", &*ada), ("claims", &*claims)] {
                adas.authorize("reports", &[("prompt", "none"), hint]).await.assert_code();
                adas.authorize("reports", &[hint]).await.assert_code();
                let silent = graces.authorize("reports", &[("prompt", "none"), hint]).await;
                assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
                // Grace's page asks; when Grace signs in all the same, the client isn't given her.
                let start = graces.authorize("reports", &[hint]).await;
                start.assert_leads_to("/login?flow=");
                let stranger = graces.sign_in(&start, "grace@example.com", PASSWORD).await;
                stranger.assert_leads_to(CALLBACK);
                assert_eq!(stranger.returned("error").as_deref(), Some("login_required"));
                // A stranger to the browser may come forward, if it is the one.
                let start = graces.authorize("reports", &[hint]).await;
                let mut guest = Browser::new(&world, "");
                guest.cookies = graces.cookies.clone();
                guest.sign_in(&start, "ada@example.com", PASSWORD).await.assert_code();
            }
        }
        let both = format!(r#"{{"id_token":{{"sub":{{"value":"{}"}}}}}}"#, sub(&grace));
        let answer = adas.authorize("reports", &[("id_token_hint", &ada), ("claims", &both)]).await;
        assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"), "two people");
        assert_ne!(sub(&ada), sub(&grace));
    }
}

/// Both are signed for the client by the same keys, and have the same type.
#[tokio::test]
async fn signed_claims_of_userinfo_are_no_hint() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "signed", |metadata| metadata.userinfo_signed_response_alg = Some(Algorithm::Rs256))
            .await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("signed", "ada@example.com").await;
        let tokens = redeem(&world, "", "signed", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let claims = world.get("/userinfo", &[("authorization", &bearer)]).await.body;
        assert_eq!(payload(&claims)["aud"], "signed");
        let own = tokens["id_token"].as_str().unwrap();
        browser.authorize("signed", &[("prompt", "none"), ("id_token_hint", own)]).await.assert_code();
        let refused = browser.authorize("signed", &[("prompt", "none"), ("id_token_hint", &claims)]).await;
        assert_eq!(refused.returned("error").as_deref(), Some("invalid_request"));
        let out = browser.get(&format!("/logout?id_token_hint={claims}")).await;
        assert_eq!(out.status, StatusCode::BAD_REQUEST, "{}", out.body);
    }
}

/// OpenID Connect Core §5.5.1: whichever place of `claims` names somebody, and whichever of several they are.
#[tokio::test]
async fn claims_name_the_people_that_the_answer_may_be_about() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let mut browser = Browser::new(&world, "");
        let ada = id_token(&world, &mut browser, "reports", "ada@example.com").await;
        let ada = payload(&ada)["sub"].as_str().unwrap().to_owned();
        let mut other = Browser::new(&world, "");
        let hint = id_token(&world, &mut other, "reports", "grace@example.com").await;
        let grace = payload(&hint)["sub"].as_str().unwrap().to_owned();
        let one = |sub: &str| json!({ "sub": { "value": sub } });
        let some = |subs: &[&str]| json!({ "sub": { "values": subs } });
        for (claims, outcome) in [
            (json!({ "id_token": { "sub": null }, "userinfo": one("someone-else") }), Err("login_required")),
            (json!({ "id_token": { "sub": { "essential": true } }, "userinfo": one(&grace) }), Err("login_required")),
            (json!({ "id_token": one("someone-else") }), Err("login_required")),
            (json!({ "userinfo": some(&["someone-else", &grace]) }), Err("login_required")),
            (json!({ "id_token": some(&[&ada, &grace]), "userinfo": some(&[&grace, "x"]) }), Err("login_required")),
            (json!({ "id_token": one(&ada), "userinfo": one("other") }), Err("invalid_request")),
            (json!({ "id_token": { "sub": { "value": 5 } } }), Err("invalid_request")),
            (json!({ "id_token": some(&[]) }), Err("invalid_request")),
            (json!({ "id_token": some(&["someone-else", &ada]) }), Ok(())),
            (json!({ "id_token": { "sub": null }, "userinfo": { "sub": null } }), Ok(())),
            (json!({ "id_token": some(&[&grace, &ada]), "userinfo": some(&[&ada, "x"]) }), Ok(())),
        ] {
            let claims = claims.to_string();
            let answer = browser.authorize("reports", &[("prompt", "none"), ("claims", &claims)]).await;
            match outcome {
                Ok(()) => answer.assert_code(),
                Err(error) => {
                    assert_eq!(answer.returned("error").as_deref(), Some(error), "{claims}");
                    assert!(answer.returned("code").is_none(), "{claims}");
                }
            }
        }
        // A hint narrows several down, and can't name another.
        let either = json!({ "id_token": some(&[&ada, &grace]) }).to_string();
        let silent = [("prompt", "none"), ("claims", &*either), ("id_token_hint", &*hint)];
        other.authorize("reports", &silent).await.assert_code();
        let answer = browser.authorize("reports", &silent).await;
        assert_eq!(answer.returned("error").as_deref(), Some("login_required"));
        let only_ada = json!({ "id_token": some(&[&ada, "x"]) }).to_string();
        let answer = other.authorize("reports", &[("claims", &only_ada), ("id_token_hint", &hint)]).await;
        assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"));
    }
}

#[tokio::test]
async fn a_request_about_somebody_makes_no_account() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        world.open_to_sign_ups(&world.tenant().await).await;
        let mut browser = Browser::new(&world, "");
        let hint = id_token(&world, &mut browser, "reports", "ada@example.com").await;
        let sub = payload(&hint)["sub"].as_str().unwrap().to_owned();
        let claims = format!(r#"{{"id_token":{{"sub":{{"value":"{sub}"}}}}}}"#);
        let tenant = world.tenant().await;
        let everybody = UserFilter::default();
        let people = || users::list(&world.ctx, &tenant, &everybody, None, 100);
        let before = people().await.unwrap().len();
        for named in [("id_token_hint", &*hint), ("claims", &*claims)] {
            let mut guest = Browser::new(&world, "");
            let refused = guest.authorize("reports", &[("prompt", "create"), named]).await;
            refused.assert_leads_to(CALLBACK);
            assert_eq!(refused.returned("error").as_deref(), Some("invalid_request"));
            assert!(refused.returned("error_description").unwrap().starts_with("prompt=create goes with neither"));
            // Nor over the sign-in page.
            let start = guest.authorize("reports", &[named]).await;
            let (flow, _) = guest.form(&start).await;
            let page = guest.get(start.location()).await;
            assert!(!page.body.contains("id=\"sign-up\""), "{}", page.body);
            let to_sign_in = format!("/login?flow={flow}&switch=1");
            assert_eq!(guest.get(&format!("/signup?flow={flow}&switch=1")).await.location(), to_sign_in);
            let csrf = guest.csrf(&flow, Form::SignUp);
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "new@example.com"), ("password", PASSWORD)];
            assert_eq!(guest.post("/signup", &form).await.location(), to_sign_in);
        }
        assert_eq!(people().await.unwrap().len(), before);
    }
}

#[tokio::test]
async fn a_hint_that_is_not_this_clients_id_token_is_refused() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "charts", |_| {}).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "reports", |_| {}).await;

        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let (good, access) = (tokens["id_token"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
        let other_client = id_token(&world, &mut Browser::new(&world, ""), "charts", "ada@example.com").await;
        let mut at_acme = Browser::new(&world, "/t/acme");
        let code = at_acme.code("reports", "ada@example.com").await;
        let other_tenant = redeem(&world, "/t/acme", "reports", &code).await.json();
        let other_tenant = other_tenant["id_token"].as_str().unwrap().to_owned();

        let parts: Vec<&str> = good.split('.').collect();
        let none = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
        let altered = format!("{}.{}x.{}", parts[0], parts[1], parts[2]);
        let unsigned = format!("{}.{}.", parts[0], parts[1]);
        let long = "x".repeat(7000);
        for hint in ["x", "a.b.c", &*none, &*altered, &*unsigned, &*long, access, &*other_client, &*other_tenant] {
            for prompt in ["none", "login"] {
                let answer = browser.authorize("reports", &[("id_token_hint", hint), ("prompt", prompt)]).await;
                answer.assert_leads_to(CALLBACK);
                assert_eq!(answer.returned("error").as_deref(), Some("invalid_request"), "{hint}");
                assert!(answer.returned("error_description").unwrap().starts_with("id_token_hint"), "{hint}");
            }
        }
        browser.authorize("reports", &[("id_token_hint", good), ("prompt", "none")]).await.assert_code();
        assert_eq!(browser.authorize("reports", &[]).await.status, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_login_hint_fills_the_form_and_chooses_among_accounts_but_never_fails() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[("login_hint", "grace@example.com")]).await;
        browser.get(start.location()).await.assert_page(200, "value=\"grace@example.com\"");
        browser.code("reports", "ada@example.com").await;
        for hint in ["ada@example.com", "grace@example.com", "nobody", "\"><script>", &"x".repeat(600)] {
            browser.authorize("reports", &[("login_hint", hint), ("prompt", "none")]).await.assert_code();
            browser.authorize("reports", &[("login_hint", hint)]).await.assert_code();
        }
    }
}
