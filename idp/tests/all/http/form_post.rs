//! OAuth 2.0 Form Post Response Mode: answers that the browser posts.

use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, World, hidden};

const FORM_POST: (&str, &str) = ("response_mode", "form_post");

/// The names of the hidden fields, in their order.
fn fields(html: &str) -> Vec<String> {
    let form = &html[html.find("<form").unwrap()..html.find("</form>").unwrap()];
    let name = |tag: &str| tag.split("name=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    form.split("<input type=\"hidden\"").skip(1).filter_map(name).collect()
}

/// Fails unless this is the page that posts to the client.
#[track_caller]
fn assert_posts(answer: &Answer, names: &[&str]) {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert!(answer.header("location").is_none());
    assert!(answer.body.contains(&format!("method=\"post\" action=\"{CALLBACK}\"")), "{}", answer.body);
    assert_eq!(fields(&answer.body), names);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(!policy.contains("form-action"), "the client may send the browser on to anywhere: {policy}");
    assert!(policy.contains("script-src 'self'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    // A field of that name would hide the form's own `submit()` from the script.
    assert!(!answer.body.contains("name=\"submit\"") && !answer.body.contains("id=\"submit\""));
    assert!(answer.body.contains("<button class=\"primary\" type=\"submit\">"), "a button for those without scripts");
}

#[tokio::test]
async fn a_code_is_posted_after_sign_in_consent_and_without_either() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[FORM_POST]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        let allowed = browser.consent(&signed_in, "allow").await;
        let silent = browser.authorize("reports", &[FORM_POST, ("prompt", "none")]).await;
        world.pass(std::time::Duration::from_secs(1));
        let again = browser.authorize("reports", &[FORM_POST, ("prompt", "login")]).await;
        let again = browser.sign_in(&again, "ada@example.com", PASSWORD).await;
        for answer in [&allowed, &silent, &again] {
            assert_posts(answer, &["code", "session_state", "state", "iss"]);
            assert_eq!(hidden(&answer.body, "state"), "the state");
            assert_eq!(hidden(&answer.body, "iss"), "http://127.0.0.1:8080");
            let tokens = redeem(&world, "", "reports", &hidden(&answer.body, "code")).await;
            assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        }
    }
}

#[tokio::test]
async fn errors_are_posted_as_well_whatever_else_is_wrong() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let cases = [
            (("prompt", "none"), "login_required"),
            (("response_type", ""), "invalid_request"),
            (("response_type", "token"), "unsupported_response_type"),
            (("scope", ""), "invalid_scope"),
            (("max_age", "x"), "invalid_request"),
            (("id_token_hint", "x"), "invalid_request"),
        ];
        for (change, error) in cases {
            let answer = Browser::new(&world, "").authorize("reports", &[FORM_POST, change]).await;
            println!("{change:?}");
            assert_posts(&answer, &["error", "error_description", "state", "iss"]);
            assert_eq!(hidden(&answer.body, "error"), error);
        }
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[FORM_POST]).await;
        let (flow, csrf) = browser.form(&start).await;
        let cancelled = browser.post("/login", &[("flow", &flow), ("csrf", &csrf), ("action", "cancel")]).await;
        assert_posts(&cancelled, &["error", "error_description", "state", "iss"]);
        assert_eq!(hidden(&cancelled.body, "error"), "access_denied");
        // Where the redirect URI is wrong nothing is sent anywhere.
        let refused = browser.authorize("reports", &[FORM_POST, ("redirect_uri", "https://evil.example/")]).await;
        refused.assert_page(400, "redirect_uri");
        assert!(!refused.body.contains("evil.example/\""), "{}", refused.body);
    }
}

#[tokio::test]
async fn what_a_client_sent_cannot_write_into_the_page() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let own = "https://client.example.com/callback?a=1&b=%22%3E";
        world.client(&tenant, "odd", |metadata| metadata.redirect_uris = vec![own.parse().unwrap()]).await;
        let state = "\"><script>alert(1)</script>&amp;\u{1f511}'\n";
        let change = [FORM_POST, ("prompt", "none"), ("redirect_uri", own), ("state", state)];
        let answer = Browser::new(&world, "").authorize("odd", &change).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert!(!answer.body.contains("<script>alert"), "{}", answer.body);
        let written = hidden(&answer.body, "state");
        let read = written
            .replace("&#60;", "<")
            .replace("&#62;", ">")
            .replace("&#34;", "\"")
            .replace("&#39;", "'")
            .replace("&#38;", "&");
        assert_eq!(read, state, "returned unchanged");
        assert!(
            answer.body.contains("action=\"https://client.example.com/callback?a=1&#38;b=%22%3E\""),
            "{}",
            answer.body
        );
    }
}
