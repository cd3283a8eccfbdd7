//! OpenID Connect Session Management 1.0: `session_state`, the browser's state, and the frame that compares them.

use idp::domain::session_state::BrowserState;
use poem::http::StatusCode;

use crate::support::databases;
use crate::support::world::{Answer, Browser, PASSWORD, World, hidden};

fn sha256(text: &str) -> String {
    openssl::sha::sha256(text.as_bytes()).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// What the frame of `/check-session` would say: it reads the browser's cookie.
fn is_unchanged(browser: &Browser<'_>, client: &str, session_state: &str) -> bool {
    let state = browser.cookie("state").map_or("", |(_, value)| value);
    let (hash, salt) = session_state.split_once('.').unwrap();
    sha256(&format!("{client} https://client.example.com {state} {salt}")) == hash
}

async fn signed_in(browser: &mut Browser<'_>, client: &str, email: &str) -> Answer {
    let start = browser.authorize(client, &[("prompt", "select_account")]).await;
    let flow = start.location().split_once("flow=").unwrap().1.to_owned();
    let page = browser.get(&format!("/login?flow={flow}&switch=1")).await;
    let csrf = hidden(&page.body, "csrf");
    let form = [("flow", &*flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
    let signed_in = browser.post("/login", &form).await;
    if signed_in.location().contains("/consent") { browser.consent(&signed_in, "allow").await } else { signed_in }
}

#[tokio::test]
async fn a_client_notices_who_comes_and_who_goes() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        let mut browser = Browser::new(&world, "");
        let answer = signed_in(&mut browser, "reports", "ada@example.com").await;
        let first = answer.returned("session_state").unwrap();
        assert!(is_unchanged(&browser, "reports", &first));
        assert!(!is_unchanged(&browser, "charts", &first), "another client's");
        let silent = browser.authorize("reports", &[("prompt", "none")]).await.returned("session_state").unwrap();
        assert_ne!(silent, first, "salted anew");
        assert!(is_unchanged(&browser, "reports", &silent) && is_unchanged(&browser, "reports", &first));

        let second = signed_in(&mut browser, "reports", "grace@example.com").await.returned("session_state").unwrap();
        assert!(!is_unchanged(&browser, "reports", &first), "somebody came");
        assert!(is_unchanged(&browser, "reports", &second));

        let page = browser.get("/logout").await;
        let csrf = hidden(&page.body, "csrf");
        let form = [("csrf", &*csrf), ("account", "all"), ("decision", "yes")];
        browser.post("/logout/confirm", &form).await.assert_leads_to("/logout/done");
        assert!(browser.cookie("state").is_none());
        assert!(!is_unchanged(&browser, "reports", &second), "all are gone");
    }
}

#[tokio::test]
async fn the_state_is_set_right_where_a_session_ended_elsewhere() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let answer = signed_in(&mut browser, "reports", "ada@example.com").await;
        let state = answer.returned("session_state").unwrap();
        let password = idp::domain::Secret::new("another horse, another battery");
        idp::service::users::set_password(&world.ctx, &tenant, "ada@example.com", password, "test").await.unwrap();
        let silent = browser.authorize("reports", &[("prompt", "none")]).await;
        assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
        assert_eq!(silent.returned("session_state"), None);
        assert!(browser.cookie("state").is_none());
        assert!(!is_unchanged(&browser, "reports", &state));
    }
}

#[tokio::test]
async fn the_state_tells_nothing_but_that_it_is_another() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        assert!(browser.cookie("state").is_none(), "nobody is signed in");
        let answer = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let set: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        let (name, value) = browser.cookie("state").unwrap();
        assert_eq!(set.last(), Some(&&*format!("{name}={value}; Path=/; SameSite=Lax")), "scripts may read it");
        let secret =
            idp::domain::session::SessionSecret(idp::domain::Secret::new(browser.cookie("session").unwrap().1));
        assert_eq!(value, BrowserState::of([&secret]).as_str());
        assert!(!value.contains(secret.0.expose()));
        // OAuth alone has no such thing.
        let consented = browser.consent(&answer, "allow").await;
        assert!(consented.returned("session_state").is_some());
        let plain = browser.authorize("reports", &[("scope", "email"), ("nonce", "")]).await;
        plain.assert_code();
        assert_eq!(plain.returned("session_state"), None);
    }
}

#[tokio::test]
async fn the_frame_may_be_framed_by_anyone_and_runs_one_script() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        world.other_tenant("acme").await;
        let mut names = Vec::new();
        for base in ["", "/t/acme"] {
            let page = world.get(&format!("{base}/check-session"), &[("cookie", "a=b")]).await;
            assert_eq!(page.status, StatusCode::OK);
            let policy =
                "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *";
            assert_eq!(page.header("content-security-policy"), Some(policy));
            for absent in ["x-frame-options", "set-cookie", "cross-origin-opener-policy"] {
                assert_eq!(page.header(absent), None, "{absent}");
            }
            assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
            let name = page.body.split("data-cookie=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            let script = page.body.split("src=\"").nth(1).unwrap().split('"').next().unwrap();
            let expected = format!(
                "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Session state</title>\n<script src=\"{script}\" data-cookie=\"{name}\"></script>\n</head>\n<body></body>\n</html>"
            );
            assert_eq!(page.body.trim_end(), expected);
            assert_eq!(world.get(script, &[]).await.header("content-type"), Some("text/javascript; charset=utf-8"));
            names.push(name);
        }
        assert_ne!(names[0], names[1], "each tenant's is its own");
    }
}
