//! `/account/password`: a new password, and what ends with it.

use std::num::NonZeroU32;
use std::time::Duration;

use idp::domain::audit::AuditKind;
use idp::domain::client::GrantType;
use idp::store;
use idp::store::audit::AuditFilter;
use poem::http::StatusCode;

use super::{code, console, csrf, session_of};
use crate::http::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, SECRET, World, basic, encode, hidden};

const NEW: &str = "another horse, another battery";

/// Opens the form and sends it with these three passwords.
async fn change(browser: &mut Browser<'_>, current: &str, new: &str, again: &str) -> Answer {
    let page = browser.get("/account/password").await;
    page.assert_page(200, "Change your password");
    send(browser, &hidden(&page.body, "csrf"), current, new, again).await
}

async fn send(browser: &mut Browser<'_>, csrf: &str, current: &str, new: &str, again: &str) -> Answer {
    browser.post("/account/password", &[("csrf", csrf), ("current", current), ("new", new), ("again", again)]).await
}

async fn may_sign_in(world: &World, password: &str) -> bool {
    let mut browser = Browser::new(world, "");
    let start = browser.get("/account").await;
    browser.sign_in(&start, "ada@example.com", password).await.status == StatusCode::SEE_OTHER
}

#[tokio::test]
async fn a_new_password_ends_what_was_begun_elsewhere_and_this_browser_goes_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "mail", |metadata| {
                metadata.grant_types = [GrantType::AuthorizationCode, GrantType::RefreshToken].into();
                metadata.scope = "openid email offline_access".parse().unwrap();
            })
            .await;
        // On another device there are a session, its tokens, and a refresh token that outlives it.
        let mut elsewhere = console(&world, "", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code(&mut elsewhere, "reports").await).await.json();
        let start = elsewhere.authorize("mail", &[("scope", "openid email offline_access")]).await;
        let offline = elsewhere.consent(&start, "allow").await.returned("code").unwrap();
        let offline = redeem(&world, "", "mail", &offline).await.json();
        let unredeemed = code(&mut elsewhere, "reports").await;
        let bearer = |tokens: &serde_json::Value| format!("Bearer {}", tokens["access_token"].as_str().unwrap());

        let mut here = console(&world, "", "ada@example.com").await;
        let session = session_of(&world, &tenant, &here).await;
        let (old, token) = (here.cookies.clone(), csrf(&mut here).await);
        world.pass(Duration::from_secs(1));
        let changed = change(&mut here, PASSWORD, NEW, NEW).await;
        assert_eq!((changed.status, changed.location()), (StatusCode::SEE_OTHER, "/account/password"));
        here.get("/account/password").await.assert_page(200, "Your password is changed.");

        // This browser goes on in the same session, under another secret; forms that were open go on, too.
        assert_eq!(session_of(&world, &tenant, &here).await, session);
        let mut thief = Browser::new(&world, "");
        thief.cookies.clone_from(&old);
        for path in ["/account", "/account/password", "/account/profile"] {
            thief.get(path).await.assert_leads_to("/login?flow=");
        }
        thief.authorize("reports", &[("prompt", "none")]).await.returned("error").unwrap();
        let form = [("csrf", &*token), ("client", "mail")];
        here.post("/account/applications/withdraw", &form).await.assert_leads_to("/account/applications");

        // Everything elsewhere is over.
        elsewhere.get("/account").await.assert_leads_to("/login?flow=");
        for tokens in [&tokens, &offline] {
            let answer = world.get("/userinfo", &[("authorization", &bearer(tokens))]).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
        let refresh =
            encode(&[("grant_type", "refresh_token"), ("refresh_token", offline["refresh_token"].as_str().unwrap())]);
        let refreshed = world.post("/token", &[("authorization", &basic("mail", SECRET))], &refresh).await;
        assert_eq!(refreshed.json()["error"], "invalid_grant");
        assert_eq!(redeem(&world, "", "reports", &unredeemed).await.json()["error"], "invalid_grant");
        assert!(!may_sign_in(&world, PASSWORD).await);
        assert!(may_sign_in(&world, NEW).await);
    }
}

#[tokio::test]
async fn what_was_given_in_this_session_goes_on_with_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = console(&world, "", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code(&mut here, "reports").await).await.json();
        change(&mut here, PASSWORD, NEW, NEW).await.assert_leads_to("/account/password");
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);
        here.authorize("reports", &[("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn a_password_that_cannot_be_is_refused_and_nothing_ends() {
    let long = "x".repeat(129);
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut elsewhere = console(&world, "", "ada@example.com").await;
        let mut here = console(&world, "", "ada@example.com").await;
        for (current, new, again, text) in [
            ("", "", "", "Enter your current password"),
            ("", NEW, NEW, "Enter your current password"),
            (PASSWORD, "", "", "Enter a new password"),
            (PASSWORD, NEW, "", "Enter the new password once more"),
            (PASSWORD, NEW, "another", "The new password was entered in two different ways"),
            (PASSWORD, "short", "short", "The new password has fewer than 8 characters"),
            (PASSWORD, &*long, &*long, "The new password has more than 128 characters"),
            (PASSWORD, "password", "password", "The new password is easy to guess"),
            (PASSWORD, "Lovelace1", "Lovelace1", "The new password is easy to guess"),
            ("not the password", NEW, NEW, "The current password isn’t right"),
            (NEW, NEW, NEW, "The current password isn’t right"),
        ] {
            let page = change(&mut here, current, new, again).await;
            page.assert_page(422, text);
            page.assert_page(422, "aria-invalid=\"true\"");
            for typed in [PASSWORD, NEW, "not the password", "Lovelace1"] {
                assert!(!page.body.contains(typed), "a password is in the page: {}", page.body);
            }
        }
        elsewhere.get("/account").await.assert_page(200, "Your account");
        here.get("/account").await.assert_page(200, "Your account");
        assert!(may_sign_in(&world, PASSWORD).await);
    }
}

#[tokio::test]
async fn wrong_passwords_count_as_they_do_at_sign_in() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = console(&world, "", "ada@example.com").await;
        let page = here.get("/account/password").await;
        let csrf = hidden(&page.body, "csrf");
        for _ in 0..10 {
            send(&mut here, &csrf, "not the password", NEW, NEW).await.assert_page(422, "isn’t right");
        }
        let blocked = send(&mut here, &csrf, PASSWORD, NEW, NEW).await;
        blocked.assert_page(429, "There were too many attempts");
        assert_eq!(blocked.header("retry-after"), Some("900"));
        // It is the same counter.
        assert!(!may_sign_in(&world, PASSWORD).await);
        world.pass(Duration::from_mins(15));
        assert!(may_sign_in(&world, PASSWORD).await);
        assert!(!may_sign_in(&world, NEW).await);
        // And what was tried at sign-in counts here; whoever is right clears it.
        let sent_on = here.get("/account/password").await;
        here.sign_in(&sent_on, "ada@example.com", PASSWORD).await.assert_leads_to("/account/password");
        for _ in 0..9 {
            assert!(!may_sign_in(&world, "not the password").await);
        }
        change(&mut here, PASSWORD, NEW, NEW).await.assert_leads_to("/account/password");
        for _ in 0..9 {
            assert!(!may_sign_in(&world, "not the password").await);
        }
        assert!(may_sign_in(&world, NEW).await);
    }
}

#[tokio::test]
async fn an_address_that_guesses_is_stopped_here_as_well() {
    for database in databases().await {
        let world = World::with(database.open().await, |config| {
            config.sign_in.address_limit = NonZeroU32::new(3).unwrap();
        })
        .await;
        world.furnish().await;
        let mut here = console(&world, "", "ada@example.com").await;
        let csrf = csrf(&mut here).await;
        for _ in 0..3 {
            send(&mut here, &csrf, "not the password", NEW, NEW).await.assert_page(422, "isn’t right");
        }
        send(&mut here, &csrf, PASSWORD, NEW, NEW).await.assert_page(429, "There were too many attempts");
        assert!(!may_sign_in(&world, PASSWORD).await);
    }
}

#[tokio::test]
async fn who_signed_in_long_ago_proves_again_who_they_are() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = console(&world, "", "ada@example.com").await;
        let csrf = csrf(&mut here).await;
        world.pass(Duration::from_mins(5) - Duration::from_secs(1));
        here.get("/account/password").await.assert_page(200, "Change your password");
        world.pass(Duration::from_secs(1));
        let sent_on = here.get("/account/password").await;
        sent_on.assert_leads_to("/login?flow=");
        // The form that is open doesn't help.
        send(&mut here, &csrf, PASSWORD, NEW, NEW).await.assert_leads_to("/login?flow=");
        assert!(!may_sign_in(&world, NEW).await);
        let page = here.get(sent_on.location()).await;
        page.assert_page(200, "Sign in again");
        page.assert_page(200, "This change needs proof that it’s still you, <b><bdi>Ada Lovelace</bdi></b>");
        page.assert_page(200, r#"value="ada@example.com""#);
        let wrong = here.sign_in(&sent_on, "ada@example.com", "not the password").await;
        wrong.assert_page(422, "isn’t right");
        here.get(sent_on.location()).await.assert_page(200, "Sign in again");
        assert_eq!(here.sign_in(&sent_on, "ada@example.com", PASSWORD).await.location(), "/account/password");
        change(&mut here, PASSWORD, NEW, NEW).await.assert_leads_to("/account/password");
        // To rather not leads back to the console.
        world.pass(Duration::from_mins(6));
        let sent_on = here.get("/account/password").await;
        let (flow, token) = here.form(&sent_on).await;
        let cancelled = here.post("/login", &[("flow", &flow), ("csrf", &token), ("action", "cancel")]).await;
        assert_eq!(cancelled.location(), "/account");
    }
}

#[tokio::test]
async fn somebody_else_who_proves_who_they_are_changes_their_own_password() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let mut here = console(&world, "", "ada@example.com").await;
        world.pass(Duration::from_mins(6));
        let sent_on = here.get("/account/password").await;
        assert_eq!(here.sign_in(&sent_on, "grace@example.com", PASSWORD).await.location(), "/account/password");
        here.get("/account/password").await.assert_page(200, "<bdi>grace@example.com</bdi></b></p>");
        change(&mut here, PASSWORD, NEW, NEW).await.assert_leads_to("/account/password");
        assert!(may_sign_in(&world, PASSWORD).await, "Ada's is what it was");
    }
}

#[tokio::test]
async fn of_two_tabs_that_change_it_at_once_one_does() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = console(&world, "", "ada@example.com").await;
        let csrf = csrf(&mut here).await;
        let news = [NEW, "a third horse, a third battery"];
        let answers = futures_util::future::join_all(news.iter().map(|new| {
            let (world, cookies, csrf) = (&world, here.cookies.clone(), csrf.clone());
            async move {
                let mut tab = Browser::new(world, "");
                tab.cookies = cookies;
                send(&mut tab, &csrf, PASSWORD, new, new).await
            }
        }))
        .await;
        let changed: Vec<bool> =
            answers.iter().map(|answer| answer.header("location") == Some("/account/password")).collect();
        assert_eq!(changed.iter().filter(|changed| **changed).count(), 1, "{answers:?}");
        for (changed, new) in changed.iter().zip(news) {
            assert_eq!(may_sign_in(&world, new).await, *changed, "{new}");
        }
    }
}

#[tokio::test]
async fn every_change_and_every_refusal_is_in_the_audit_log() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut here = console(&world, "", "ada@example.com").await;
        change(&mut here, "not the password", NEW, NEW).await.assert_page(422, "isn’t right");
        change(&mut here, PASSWORD, NEW, NEW).await.assert_leads_to("/account/password");
        let filter = AuditFilter { kind: Some(AuditKind::PasswordChanged), ..AuditFilter::default() };
        let told = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 1000).await.unwrap();
        assert_eq!(told.len(), 2);
        for event in told {
            assert_eq!((event.actor.as_deref(), event.address.as_deref()), (None, Some("127.0.0.1")));
            let line = format!("{event:?}");
            assert!(!line.contains("horse") && !line.contains("argon2"), "{line}");
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_and_takes_the_cookie() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = console(&world, "", "ada@example.com").await;
        let old = here.cookies.clone();
        let token = csrf(&mut here).await;
        let done = here.post("/account/sign-out", &[("csrf", &token)]).await;
        assert_eq!(done.location(), "/account/signed-out");
        assert!(here.cookie("session").is_none());
        here.get("/account/signed-out").await.assert_page(200, "You’re signed out");
        here.get("/account").await.assert_leads_to("/login?flow=");
        let mut thief = Browser::new(&world, "");
        thief.cookies = old;
        thief.get("/account").await.assert_leads_to("/login?flow=");
        assert!(may_sign_in(&world, PASSWORD).await);
    }
}
