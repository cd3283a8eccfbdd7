//! `/select-account`: several accounts in one browser, and which of them goes on to the client.

use std::time::Duration;

use idp::domain::user::UserStatus;
use idp::service::browser::Form;
use idp::service::users;
use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Answer, Browser, FORM, PASSWORD, World, hidden, payload};

const EXPIRED: &str = "This sign\u{2011}in has expired";
const NOT_OURS: &str = "We couldn’t be sure that this came from you";
const ELSEWHERE: &str = "This sign\u{2011}in was started somewhere else";
const CHOOSE: &str = "Choose an account";

/// Ada and Grace, both of whom have allowed `reports` what it asks for.
async fn two_people(database: &TestDatabase) -> World {
    let world = World::furnished(database).await;
    let tenant = world.tenant().await;
    world.person(&tenant, "grace@example.com", |new| new.profile.name = Some("Grace Hopper".to_owned())).await;
    world
}

/// Signs a person in beside those who are.
async fn add(browser: &mut Browser<'_>, email: &str) -> Answer {
    let start = browser.authorize("reports", &[("prompt", "select_account")]).await;
    let flow = start.location().split_once("flow=").unwrap().1.to_owned();
    let page = browser.get(&format!("/login?flow={flow}&switch=1")).await;
    let csrf = hidden(&page.body, "csrf");
    let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
    let signed_in = browser.post("/login", &form).await;
    let asked = signed_in.location().starts_with("/consent");
    if asked { browser.consent(&signed_in, "allow").await } else { signed_in }
}

async fn email_of(world: &World, answer: &Answer) -> String {
    let tokens = redeem(world, "", "reports", &answer.returned("code").unwrap()).await.json();
    payload(tokens["access_token"].as_str().unwrap())["email"].as_str().unwrap().to_owned()
}

/// The value of the button of that person.
fn button(html: &str, name: &str) -> String {
    let before = &html[..html.find(name).unwrap_or_else(|| panic!("no {name}: {html}"))];
    let at = before.rfind("name=\"account\" value=\"").unwrap() + "name=\"account\" value=\"".len();
    before[at..].split('"').next().unwrap().to_owned()
}

async fn choose(browser: &mut Browser<'_>, to_page: &Answer, name: &str) -> Answer {
    let page = browser.get(to_page.location()).await;
    page.assert_page(200, CHOOSE);
    let (flow, csrf, account) = (hidden(&page.body, "flow"), hidden(&page.body, "csrf"), button(&page.body, name));
    browser.post("/select-account", &[("flow", &flow), ("csrf", &csrf), ("account", &account)]).await
}

#[tokio::test]
async fn of_two_accounts_the_person_chooses_one_and_the_other_stays_signed_in() {
    for database in databases().await {
        let world = two_people(&database).await;
        let mut browser = Browser::new(&world, "");
        for email in ["ada@example.com", "grace@example.com"] {
            let answer = add(&mut browser, email).await;
            assert_eq!(email_of(&world, &answer).await, email);
        }
        for (name, email) in [("Ada Lovelace", "ada@example.com"), ("Grace Hopper", "grace@example.com")] {
            let start = browser.authorize("reports", &[]).await;
            start.assert_leads_to("/select-account?flow=");
            let answer = choose(&mut browser, &start, name).await;
            assert_eq!(email_of(&world, &answer).await, email);
            // Nobody can be asked: it is the one used last.
            let silent = browser.authorize("reports", &[("prompt", "none")]).await;
            assert_eq!(email_of(&world, &silent).await, email);
        }
        let one_of_two = browser.authorize("reports", &[("prompt", "none"), ("login_hint", "ada@example.com")]).await;
        assert_eq!(email_of(&world, &one_of_two).await, "ada@example.com");
    }
}

#[tokio::test]
async fn with_one_account_the_page_comes_when_it_is_asked_for() {
    for database in databases().await {
        let world = two_people(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[("prompt", "select_account")]).await;
        start.assert_leads_to("/login?flow=");
        browser.code("reports", "ada@example.com").await;
        browser.authorize("reports", &[]).await.assert_code();
        let start = browser.authorize("reports", &[("prompt", "select_account")]).await;
        start.assert_leads_to("/select-account?flow=");
        browser.get(&start.location().replace("/select-account", "/login")).await.assert_leads_to("/select-account");
        choose(&mut browser, &start, "Ada Lovelace").await.assert_code();
    }
}

#[tokio::test]
async fn who_is_asked_again_is_still_asked_after_a_wrong_password() {
    const SIGN_UP: &str = r#"id="sign-up""#;
    for database in databases().await {
        let world = two_people(&database).await;
        world.open_to_sign_ups(&world.tenant().await).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        let start = browser.authorize("reports", &[("prompt", "login")]).await;
        browser.get(start.location()).await.assert_page(200, "Sign in again");
        for (email, password) in [("ada@example.com", "wrong"), ("ada@example.com", ""), ("", "")] {
            let (flow, csrf) = browser.form(&start).await;
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", password)];
            let page = browser.post("/login", &form).await;
            page.assert_page(422, "Sign in again");
            assert!(page.body.contains("Ada Lovelace") && !page.body.contains(SIGN_UP), "{}", page.body);
        }
        // Whoever wants another account is still asked for that.
        let other = format!("{}&switch=1", start.location());
        let page = browser.get(&other).await;
        assert!(!page.body.contains("Sign in again") && page.body.contains(SIGN_UP), "{}", page.body);
        let (flow, csrf, switch) =
            (hidden(&page.body, "flow"), hidden(&page.body, "csrf"), hidden(&page.body, "switch"));
        let form = [
            ("flow", &*flow),
            ("csrf", &*csrf),
            ("switch", &*switch),
            ("email", "grace@example.com"),
            ("password", "wrong"),
        ];
        let page = browser.post("/login", &form).await;
        assert_eq!(page.status.as_u16(), 422);
        assert!(!page.body.contains("Sign in again") && page.body.contains(SIGN_UP), "{}", page.body);
        assert_eq!(hidden(&page.body, "switch"), "1");
        browser.sign_in(&start, "ada@example.com", PASSWORD).await.assert_code();
    }
}

#[tokio::test]
async fn who_is_chosen_still_proves_who_they_are_where_the_client_wants_that() {
    for database in databases().await {
        let world = two_people(&database).await;
        let mut browser = Browser::new(&world, "");
        add(&mut browser, "ada@example.com").await;
        add(&mut browser, "grace@example.com").await;
        world.pass(Duration::from_mins(1));
        for change in [("prompt", "login"), ("prompt", "login select_account"), ("max_age", "30")] {
            world.pass(Duration::from_mins(1));
            let start = browser.authorize("reports", &[change]).await;
            let chosen = choose(&mut browser, &start, "Ada Lovelace").await;
            chosen.assert_leads_to("/login?flow=");
            let page = browser.get(chosen.location()).await;
            page.assert_page(200, "Sign in again");
            page.assert_page(200, "value=\"ada@example.com\"");
            let answer = browser.sign_in(&chosen, "ada@example.com", PASSWORD).await;
            assert_eq!(email_of(&world, &answer).await, "ada@example.com");
        }
        // Chosen the one, signed in the other: whoever signed in goes on.
        world.pass(Duration::from_mins(1));
        let start = browser.authorize("reports", &[("prompt", "login")]).await;
        let chosen = choose(&mut browser, &start, "Ada Lovelace").await;
        let answer = browser.sign_in(&chosen, "grace@example.com", PASSWORD).await;
        assert_eq!(email_of(&world, &answer).await, "grace@example.com");
        // Signed in the one, chosen the other: that one has proved nothing.
        world.pass(Duration::from_mins(1));
        let start = browser.authorize("reports", &[("prompt", "login consent")]).await;
        let flow = start.location().split_once("flow=").unwrap().1.to_owned();
        let chosen = choose(&mut browser, &start, "Ada Lovelace").await;
        browser.sign_in(&chosen, "ada@example.com", PASSWORD).await.assert_leads_to("/consent?flow=");
        let page = browser.get(&format!("/select-account?flow={flow}")).await;
        let form = (hidden(&page.body, "csrf"), button(&page.body, "Grace Hopper"));
        let other = browser.post("/select-account", &[("flow", &flow), ("csrf", &form.0), ("account", &form.1)]).await;
        other.assert_leads_to("/login?flow=");
    }
}

#[tokio::test]
async fn a_bad_choice_changes_nothing() {
    for database in databases().await {
        let world = two_people(&database).await;
        let mut browser = Browser::new(&world, "");
        add(&mut browser, "ada@example.com").await;
        let mut other = Browser::new(&world, "");
        add(&mut other, "grace@example.com").await;
        let graces = other.authorize("reports", &[("prompt", "select_account")]).await;
        let graces = button(&other.get(graces.location()).await.body, "Grace Hopper");

        let start = browser.authorize("reports", &[("prompt", "select_account")]).await;
        let page = browser.get(start.location()).await;
        let (flow, csrf, adas) = (hidden(&page.body, "flow"), hidden(&page.body, "csrf"), button(&page.body, "Ada"));
        let sign_in = browser.csrf(&flow, Form::SignIn);
        let long = "x".repeat(5000);
        let cases = [
            ("nothing", String::new(), 400, EXPIRED),
            ("no flow", format!("csrf={csrf}&account={adas}"), 400, EXPIRED),
            ("no csrf", format!("flow={flow}&account={adas}"), 403, NOT_OURS),
            ("the token of another form", format!("flow={flow}&csrf={sign_in}&account={adas}"), 403, NOT_OURS),
            ("long csrf", format!("flow={flow}&csrf={long}&account={adas}"), 403, NOT_OURS),
            ("wrongly encoded", format!("flow={flow}&csrf={csrf}&account=%zz"), 400, "The app’s request can’t be used"),
        ];
        for (name, body, status, text) in cases {
            println!("{name}");
            browser.post_raw("/select-account", Some(FORM), body.into_bytes()).await.assert_page(status, text);
        }
        // What isn't an account of this browser leads back to those that are.
        for account in ["", "x", &*graces, &*long, "01980000-0000-7000-8000-000000000000"] {
            let form = [("flow", &*flow), ("csrf", &*csrf), ("account", account)];
            browser.post("/select-account", &form).await.assert_leads_to("/select-account?flow=");
        }
        let mut thief = Browser::new(&world, "");
        let form = [("flow", &*flow), ("csrf", &*csrf), ("account", &*adas)];
        thief.post("/select-account", &form).await.assert_page(403, ELSEWHERE);
        other.post("/select-account", &form).await.assert_page(403, NOT_OURS);
        browser.post("/select-account", &form).await.assert_code();
        browser.post("/select-account", &form).await.assert_page(410, "This sign-in is already finished");
    }
}

#[tokio::test]
async fn cancelling_tells_the_client_and_signs_nobody_out() {
    for database in databases().await {
        let world = two_people(&database).await;
        let mut browser = Browser::new(&world, "");
        add(&mut browser, "ada@example.com").await;
        let start = browser.authorize("reports", &[("prompt", "select_account")]).await;
        let (flow, csrf) = browser.form(&start).await;
        let form = [("flow", &*flow), ("csrf", &*csrf), ("action", "cancel")];
        let answer = browser.post("/select-account", &form).await;
        assert_eq!(answer.returned("error").as_deref(), Some("access_denied"));
        assert_eq!(answer.returned("state").as_deref(), Some("the state"));
        browser.authorize("reports", &[("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn an_account_that_is_switched_off_or_signed_out_meanwhile_is_not_offered() {
    for database in databases().await {
        let world = two_people(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        add(&mut browser, "ada@example.com").await;
        add(&mut browser, "grace@example.com").await;
        let start = browser.authorize("reports", &[]).await;
        let page = browser.get(start.location()).await;
        let (flow, csrf, graces) =
            (hidden(&page.body, "flow"), hidden(&page.body, "csrf"), button(&page.body, "Grace"));
        users::set_status(&world.ctx, &tenant, "grace@example.com", UserStatus::Locked, "test").await.unwrap();
        let form = [("flow", &*flow), ("csrf", &*csrf), ("account", &*graces)];
        browser.post("/select-account", &form).await.assert_leads_to("/select-account");
        let page = browser.get(start.location()).await;
        assert!(!page.body.contains("Grace Hopper"), "{}", page.body);
        browser.authorize("reports", &[]).await.assert_code();
    }
}

#[tokio::test]
async fn a_browser_has_five_accounts_at_most_and_the_oldest_goes() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let mut sids = Vec::new();
        for number in 0..6 {
            let email = format!("person{number}@example.com");
            world.person(&tenant, &email, |new| new.profile.name = Some(format!("Person {number}"))).await;
            let answer = add(&mut browser, &email).await;
            let tokens = redeem(&world, "", "reports", &answer.returned("code").unwrap()).await.json();
            sids.push(tokens["access_token"].as_str().unwrap().to_owned());
        }
        let start = browser.authorize("reports", &[]).await;
        let page = browser.get(start.location()).await;
        for number in 0..6 {
            assert_eq!(page.body.contains(&format!("Person {number}")), number > 0, "{number}");
        }
        // Nobody can reach the first one's session any more, and so it ended.
        for (number, token) in sids.iter().enumerate() {
            let claims = world.get("/userinfo", &[("authorization", &format!("Bearer {token}"))]).await;
            let expected = if number == 0 { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
            assert_eq!(claims.status, expected, "{number}");
        }
    }
}

/// Two tabs sign the same person in again at the same moment: both go on, and the browser's cookie opens a session
/// whichever answer comes last.
#[tokio::test]
async fn two_tabs_that_sign_in_again_at_once_both_go_on() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        browser.code("reports", "ada@example.com").await;
        world.pass(Duration::from_secs(1));
        let mut tabs = Vec::new();
        for _ in 0..2 {
            let start = browser.authorize("reports", &[("prompt", "login")]).await;
            tabs.push(browser.form(&start).await);
        }
        let cookies = browser.cookies.clone();
        let answers = futures_util::future::join_all(tabs.iter().map(|(flow, csrf)| {
            let (world, cookies) = (&world, cookies.clone());
            async move {
                let mut tab = Browser::new(world, "");
                tab.cookies = cookies;
                let form = [("flow", &**flow), ("csrf", &**csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
                let answer = tab.post("/login", &form).await;
                (answer, tab)
            }
        }))
        .await;
        for (answer, mut tab) in answers {
            answer.assert_code();
            let tokens = redeem(&world, "", "reports", &answer.returned("code").unwrap()).await;
            assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
            tab.authorize("reports", &[("prompt", "none")]).await.assert_code();
        }
    }
}

/// A browser that was never here opens twenty sign-ins at once, as when it opens all its tabs again. It is given a secret
/// with each; none replaces another, whichever page is gone on with first.
#[tokio::test]
async fn twenty_first_pages_side_by_side_all_end_well() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let opened = futures_util::future::join_all((0..20).map(|_| async {
            let mut tab = Browser::new(&world, "");
            let page = tab.sign_in_page("reports").await;
            (page, tab.cookies)
        }));
        let (mut pages, cookies): (Vec<_>, Vec<_>) = opened.await.into_iter().unzip();
        let mut browser = Browser::new(&world, "");
        browser.cookies = cookies.into_iter().flatten().collect();
        assert_eq!(browser.cookies.len(), 20, "each has a name of its own");
        pages.reverse();
        for (flow, csrf) in pages {
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
            let signed_in = browser.post("/login", &form).await;
            let done = if signed_in.location().starts_with("/consent") {
                browser.consent(&signed_in, "allow").await
            } else {
                signed_in
            };
            done.assert_code();
        }
    }
}
