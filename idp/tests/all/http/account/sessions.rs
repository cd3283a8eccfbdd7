//! `/account/sessions`: where a person is signed in, and signing out there.

use std::time::Duration;

use idp::service::sessions;
use poem::http::StatusCode;

use super::{NO_SUCH_PAGE, code, console, csrf, session_of, sign_in};
use crate::http::code_flow::redeem;
use crate::http::sessions::{Age, plant};
use crate::support::databases;
use crate::support::world::{Browser, World, request};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

/// A browser of that kind that is at the console.
async fn with_user_agent<'w>(world: &'w World, user_agent: &str) -> Browser<'w> {
    let mut browser = Browser::new(world, "");
    let start = browser.get("/account").await;
    let (flow, token) = browser.form(&start).await;
    let form = crate::support::world::encode(&[
        ("flow", &flow),
        ("csrf", &token),
        ("email", "ada@example.com"),
        ("password", crate::support::world::PASSWORD),
    ]);
    let cookies = browser.cookie_header();
    let headers = [
        ("cookie", &*cookies),
        ("accept", "text/html"),
        ("user-agent", user_agent),
        ("content-type", crate::support::world::FORM),
    ];
    let answer = world.send(request("POST", "/login", &headers, form.into_bytes())).await;
    let cookie = answer.header("set-cookie").unwrap();
    let (name, rest) = cookie.split_once('=').unwrap();
    browser.cookies.insert(name.to_owned(), rest.split(';').next().unwrap().to_owned());
    browser
}

#[tokio::test]
async fn each_device_is_listed_with_what_is_known_of_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        console(&world, "", "grace@example.com").await;
        let _other = with_user_agent(&world, FIREFOX).await;
        world.pass(Duration::from_hours(2));
        let mut here = console(&world, "", "ada@example.com").await;
        let page = here.get("/account/sessions").await;
        for text in ["Firefox on Linux", "2 hours ago", "Unknown device", "This device", "127.0.0.1", "Password"] {
            page.assert_page(200, text);
        }
        assert_eq!(page.body.matches("name=\"session\"").count(), 2, "nobody else's is there");
        assert_eq!(page.body.matches("This device").count(), 1);
        assert!(page.body.find("This device").unwrap() < page.body.find("Firefox").unwrap(), "this one is first");
        // One that has rested for too long isn't there.
        world.pass(Duration::from_hours(71));
        let page = here.get("/account/sessions").await;
        assert_eq!(page.body.matches("name=\"session\"").count(), 1, "{}", page.body);
    }
}

#[tokio::test]
async fn a_hostile_user_agent_stays_text() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut here = with_user_agent(&world, "<script>alert(1)</script>\"><img src=x> Firefox/1").await;
        let page = here.get("/account/sessions").await;
        page.assert_page(200, "This device");
        assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{}", page.body);
    }
}

#[tokio::test]
async fn signing_out_elsewhere_ends_that_session_and_what_was_given_in_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut there = console(&world, "", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code(&mut there, "reports").await).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let theirs = session_of(&world, &tenant, &there).await.to_string();
        let mut here = console(&world, "", "ada@example.com").await;
        let own = redeem(&world, "", "reports", &code(&mut here, "reports").await).await.json();
        let own = format!("Bearer {}", own["access_token"].as_str().unwrap());
        let token = csrf(&mut here).await;
        let form = [("csrf", &*token), ("session", &*theirs)];
        assert_eq!(here.post("/account/sessions/end", &form).await.location(), "/account/sessions");
        here.get("/account/sessions").await.assert_page(200, "The device is signed out.");
        there.get("/account").await.assert_leads_to("/login?flow=");
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(world.get("/userinfo", &[("authorization", &own)]).await.status, StatusCode::OK);
        here.post("/account/sessions/end", &form).await.assert_page(404, NO_SUCH_PAGE);
    }
}

#[tokio::test]
async fn a_session_that_is_not_this_person_s_is_unknown() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        let mut grace = console(&world, "", "grace@example.com").await;
        let mut away = console(&world, "/t/acme", "ada@example.com").await;
        let mut here = console(&world, "", "ada@example.com").await;
        let token = csrf(&mut here).await;
        let of_grace = session_of(&world, &tenant, &grace).await.to_string();
        let of_acme = session_of(&world, &acme, &away).await.to_string();
        let long = "x".repeat(5000);
        for session in ["", "x", &*of_grace, &*of_acme, &*long, "01980000-0000-7000-8000-000000000000"] {
            let form = [("csrf", &*token), ("session", session)];
            here.post("/account/sessions/end", &form).await.assert_page(404, NO_SUCH_PAGE);
        }
        here.post("/account/sessions/end-others", &[("csrf", &token)]).await.assert_leads_to("/account/sessions");
        grace.get("/account").await.assert_page(200, "Your account");
        away.get("/account").await.assert_page(200, "Your account");
        here.get("/account").await.assert_page(200, "Your account");
    }
}

#[tokio::test]
async fn signing_out_everywhere_else_asks_first_and_leaves_this_one() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut one = with_user_agent(&world, FIREFOX).await;
        let mut two = console(&world, "", "ada@example.com").await;
        let mut here = console(&world, "", "ada@example.com").await;
        let question = here.get("/account/sessions/end-others").await;
        question.assert_page(200, "Sign out everywhere else?");
        question.assert_page(200, "Firefox on Linux");
        one.get("/account").await.assert_page(200, "Your account");
        let token = csrf(&mut here).await;
        let done = here.post("/account/sessions/end-others", &[("csrf", &token)]).await;
        assert_eq!(done.location(), "/account/sessions");
        here.get("/account/sessions").await.assert_page(200, "You’re signed out everywhere else.");
        for elsewhere in [&mut one, &mut two] {
            elsewhere.get("/account").await.assert_leads_to("/login?flow=");
        }
        // There is nothing left to ask about.
        here.get("/account/sessions/end-others").await.assert_leads_to("/account/sessions");
        here.get("/account/sessions").await.assert_page(200, "You’re signed in nowhere else.");
    }
}

#[tokio::test]
async fn signing_out_here_ends_here_and_leaves_the_other_account() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut here = console(&world, "", "ada@example.com").await;
        let mut elsewhere = Browser::new(&world, "");
        sign_in(&mut elsewhere, "ada@example.com").await;
        let session = session_of(&world, &tenant, &here).await.to_string();
        let token = csrf(&mut here).await;
        let done = here.post("/account/sessions/end", &[("csrf", &token), ("session", &session)]).await;
        assert_eq!(done.location(), "/account/signed-out");
        here.get("/account").await.assert_leads_to("/login?flow=");
        elsewhere.get("/account").await.assert_page(200, "Your account");
    }
}

#[tokio::test]
async fn of_many_devices_this_one_and_the_newest_are_first_and_the_others_on_further_pages() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut here = console(&world, "", "ada@example.com").await;
        let id = session_of(&world, &tenant, &here).await;
        let this = sessions::find(&world.ctx, tenant.id, id).await.unwrap().unwrap();
        let older = plant(&world, &tenant, &this, 10, Age::Older).await;
        let newer = plant(&world, &tenant, &this, 205, Age::Newer).await;
        let expected: Vec<String> =
            [id].iter().chain(newer.iter().rev()).chain(&older).map(ToString::to_string).collect();
        let shown = |page: &str| {
            let fields = page.split(r#"name="session" value=""#).skip(1);
            fields.map(|rest| rest.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut address = "/account/sessions".to_owned();
        let mut read = Vec::new();
        loop {
            let page = here.get(&address).await;
            page.assert_page(200, "Sign out everywhere else");
            assert_eq!(page.body.contains("Back to the first"), !read.is_empty());
            assert_eq!(page.body.contains("This device"), read.is_empty());
            read.extend(shown(&page.body));
            let Some((_, next)) = page.body.split_once(r#"href="/account/sessions?after="#) else { break };
            address = format!("/account/sessions?after={}", next.split('"').next().unwrap());
            assert!(page.body.contains("Show more") && read.len() % 50 == 0, "{}", page.body);
        }
        assert_eq!(read, expected);
        // What can't be read is the beginning, and after the last there is nothing, which isn't said to be all.
        for query in ["?after=%zz", "?after=x", "?after=", "?after=a&after=b"] {
            assert_eq!(shown(&here.get(&format!("/account/sessions{query}")).await.body), expected[..50], "{query}");
        }
        let past = here.get(&format!("/account/sessions?after={}", older[9])).await;
        past.assert_page(200, "Back to the first");
        assert!(!past.body.contains("signed in nowhere else"), "{}", past.body);
        let question = here.get("/account/sessions/end-others").await;
        question.assert_page(200, "There are more than these.");
        // One of a further page is signed out as any other.
        let token = csrf(&mut here).await;
        let form = [("csrf", &*token), ("session", &*expected[120])];
        assert_eq!(here.post("/account/sessions/end", &form).await.location(), "/account/sessions");
        assert_eq!(sessions::find(&world.ctx, tenant.id, expected[120].parse().unwrap()).await.unwrap(), None);
    }
}
