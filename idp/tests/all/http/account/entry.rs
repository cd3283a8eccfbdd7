//! Getting into the console: by the usual sign-in, back to the page that was wanted, and nowhere else.

use std::time::Duration;

use idp::domain::session::Session;
use idp::domain::user::UserStatus;
use idp::domain::{Secret, SessionId};
use idp::service::browser::Form;
use idp::service::users;
use idp::store::{self, StoreError};
use poem::http::StatusCode;

use super::{csrf, session_of, sign_in};
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, World, hidden};

const PAGES: [&str; 5] =
    ["/account", "/account/profile", "/account/password", "/account/sessions", "/account/applications"];

#[tokio::test]
async fn who_is_not_signed_in_signs_in_and_comes_to_the_page_they_wanted() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        for base in ["", "/t/acme"] {
            for path in PAGES {
                let mut browser = Browser::new(&world, base);
                let start = browser.get(path).await;
                start.assert_leads_to(&format!("{base}/login?flow="));
                let page = browser.get(start.location()).await;
                page.assert_page(200, "account to see and change what is kept in it");
                let wrong = browser.sign_in(&start, "ada@example.com", "not the password").await;
                wrong.assert_page(422, "isn’t right");
                let arrived = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
                assert_eq!(arrived.status, StatusCode::SEE_OTHER);
                assert_eq!(arrived.location(), format!("{base}{path}"));
                browser.get(path).await.assert_page(200, "Ada Lovelace");
                // The flow is finished.
                browser.get(start.location()).await.assert_page(410, "already finished");
            }
        }
    }
}

#[tokio::test]
async fn nothing_in_a_request_decides_where_a_sign_in_ends() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        for query in
            ["?to=https://evil.example/", "?redirect_uri=//evil.example", "?page=../../evil", "?flow=x", "?%zz"]
        {
            let mut browser = Browser::new(&world, "");
            let start = browser.get(&format!("/account{query}")).await;
            start.assert_leads_to("/login?flow=");
            let to = start.location().to_owned() + "&to=https://evil.example/";
            let page = browser.get(&to).await;
            let form = [
                ("flow", &*hidden(&page.body, "flow")),
                ("csrf", &*hidden(&page.body, "csrf")),
                ("email", "ada@example.com"),
                ("password", PASSWORD),
                ("to", "https://evil.example/"),
                ("account_page", "https://evil.example/"),
            ];
            assert_eq!(browser.post("/login", &form).await.location(), "/account");
        }
    }
}

#[tokio::test]
async fn a_flow_of_the_console_gives_nothing_to_any_client() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let ada = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        // A client that calls itself what the console is called in the log.
        world.client(&tenant, "signet-account", |_| {}).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.get("/account").await;
        let (flow, _) = browser.form(&start).await;
        let arrived = sign_in(&mut browser, "ada@example.com").await;
        assert_eq!(arrived.location(), "/account");
        // The consent page has nothing to ask about it, and an answer to what wasn't asked allows nothing.
        let token = browser.csrf(&flow, Form::Consent(ada));
        for decision in ["allow", "deny"] {
            let form = [("csrf", &*csrf(&mut browser).await)];
            let start = browser.post("/account/add", &form).await;
            let flow = start.location().split_once("flow=").unwrap().1.split('&').next().unwrap().to_owned();
            let token = browser.csrf(&flow, Form::Consent(ada));
            let form = [("flow", &*flow), ("csrf", &*token), ("decision", decision)];
            assert_eq!(browser.post("/consent", &form).await.location(), "/account");
        }
        let answer = browser.post("/consent", &[("flow", &flow), ("csrf", &token), ("decision", "allow")]).await;
        assert_eq!(answer.location(), "/account");
        let silent = browser.authorize("signet-account", &[("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("consent_required"));
    }
}

#[tokio::test]
async fn who_would_rather_not_ends_at_the_front_page() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.get("/account/profile").await;
        let (flow, csrf) = browser.form(&start).await;
        let cancelled = browser.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        assert_eq!(cancelled.location(), "/");
        browser.get("/login?flow=").await.assert_page(400, "expired");
        browser.get(&format!("/login?flow={flow}")).await.assert_page(410, "already finished");
        browser.get("/").await.assert_page(200, "There is nothing to do on this page");
    }
}

#[tokio::test]
async fn the_front_page_leads_to_the_console_who_is_signed_in() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        assert!(!browser.get("/").await.body.contains("/account"));
        sign_in(&mut browser, "ada@example.com").await;
        browser.get("/").await.assert_page(200, r#"href="/account""#);
    }
}

#[tokio::test]
async fn a_session_that_is_over_or_whose_person_is_switched_off_opens_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        sign_in(&mut browser, "ada@example.com").await;
        world.pass(Duration::from_hours(73));
        browser.get("/account").await.assert_leads_to("/login?flow=");
        sign_in(&mut browser, "ada@example.com").await.assert_leads_to("/account");
        let session = session_of(&world, &tenant, &browser).await;
        users::set_status(&world.ctx, &tenant, "ada@example.com", UserStatus::Locked, "test").await.unwrap();
        browser.get("/account").await.assert_leads_to("/login?flow=");
        // Even if the session were still there.
        let (id, now) = (tenant.id, world.ctx.now());
        let row = store::sessions::find_by_id(world.ctx.database.read(), id, session).await.unwrap().unwrap();
        let secret = Secret::new("x".repeat(43));
        let hash = secret.sha256();
        let again = Session { id: SessionId::from_uuid(uuid::Uuid::from_u128(7)), ended_at: None, ..row };
        let planted: Result<(), StoreError> =
            world.ctx.database.write(async move |tx| store::sessions::insert(&tx, id, &again, &hash).await).await;
        planted.unwrap();
        let name = browser.cookie("session").unwrap().0.to_owned();
        browser.cookies.insert(name, secret.expose().to_owned());
        assert!(
            store::sessions::find_by_secret_hash(world.ctx.database.read(), id, &hash, now).await.unwrap().is_some()
        );
        browser.get("/account").await.assert_leads_to("/login?flow=");
    }
}

/// Ada and Grace in one browser, Grace the one used last.
async fn two_people(world: &World) -> Browser<'_> {
    let tenant = world.tenant().await;
    world.person(&tenant, "grace@example.com", |new| new.profile.name = Some("Grace Hopper".to_owned())).await;
    let mut browser = Browser::new(world, "");
    sign_in(&mut browser, "ada@example.com").await.assert_leads_to("/account");
    let token = csrf(&mut browser).await;
    let add = browser.post("/account/add", &[("csrf", &token)]).await;
    add.assert_leads_to("/login?flow=");
    let page = browser.get(add.location()).await;
    page.assert_page(200, "id=\"password\"");
    let form = [
        ("flow", &*hidden(&page.body, "flow")),
        ("csrf", &*hidden(&page.body, "csrf")),
        ("email", "grace@example.com"),
        ("password", PASSWORD),
    ];
    assert_eq!(browser.post("/login", &form).await.location(), "/account");
    browser
}

/// The value of the button of the other account.
fn other(html: &str) -> String {
    html.split("name=\"account\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn of_two_accounts_the_console_shows_one_and_turns_to_the_other() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = two_people(&world).await;
        let page = browser.get("/account").await;
        page.assert_page(200, "<bdi>grace@example.com</bdi></b></p>");
        let form = [("csrf", &*hidden(&page.body, "csrf")), ("account", &*other(&page.body))];
        assert_eq!(browser.post("/account/switch", &form).await.location(), "/account");
        let page = browser.get("/account/profile").await;
        page.assert_page(200, "<bdi>ada@example.com</bdi></b></p>");
        page.assert_page(200, "Grace Hopper");
        // An account that isn't one of this browser's.
        for account in ["", "x", "01980000-0000-7000-8000-000000000000"] {
            let form = [("csrf", &*hidden(&page.body, "csrf")), ("account", account)];
            browser.post("/account/switch", &form).await.assert_page(404, super::NO_SUCH_PAGE);
        }
        browser.get("/account").await.assert_page(200, "<bdi>ada@example.com</bdi></b></p>");
    }
}

#[tokio::test]
async fn a_form_is_about_the_account_that_it_was_shown_to() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = two_people(&world).await;
        // One tab has Grace's profile open when another turns to Ada.
        let page = browser.get("/account/profile").await;
        let (token, seen) = (hidden(&page.body, "csrf"), hidden(&page.body, "seen"));
        browser.post("/account/switch", &[("csrf", &token), ("account", &other(&page.body))]).await;
        browser.get("/account").await.assert_page(200, "<bdi>ada@example.com</bdi></b></p>");
        let form = [("csrf", &*token), ("seen", &*seen), ("name", "Rear Admiral Hopper")];
        assert_eq!(browser.post("/account/profile", &form).await.location(), "/account/profile");
        assert_eq!(super::profile(&world, &tenant, "grace@example.com").await["name"], "Rear Admiral Hopper");
        assert_eq!(super::profile(&world, &tenant, "ada@example.com").await["name"], "Ada Lovelace");
        // The page that follows is hers as well.
        browser.get("/account").await.assert_page(200, "<bdi>grace@example.com</bdi></b></p>");
    }
}
