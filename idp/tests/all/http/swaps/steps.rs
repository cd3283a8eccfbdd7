//! Steps on the way to an artefact, and past it.

use std::fmt::Write as _;

use serde_json::json;

use super::artefact::{Outcome, has_status};
use super::{ADA, Stage};
use crate::support::world::{Answer, Browser, PASSWORD, hidden, request};

pub(super) async fn post_json(stage: &Stage, path: &str, headers: &[(&str, &str)], body: &serde_json::Value) -> Answer {
    let mut all = vec![("content-type", "application/json")];
    all.extend_from_slice(headers);
    stage.world.send(request("POST", path, &all, body.to_string().into_bytes())).await
}

/// Signs somebody in in an app.
pub(super) async fn app_sign_in(stage: &Stage, base: &str, email: &str, app: &str, cookie: bool) -> Answer {
    let body = json!({ "email": email, "password": PASSWORD, "client_id": app, "cookie": cookie });
    let origin = ("origin", "http://127.0.0.1:8080");
    let answer = post_json(stage, &format!("{base}/v1/auth/login"), &[origin], &body).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    answer
}

/// Name and value of the cookie of an answer.
pub(super) fn cookie_of(answer: &Answer) -> (&str, &str) {
    answer.header("set-cookie").unwrap().split(';').next().unwrap().split_once('=').unwrap()
}

/// The same browser, as far as anybody can tell.
pub(super) fn same<'w>(stage: &'w Stage, browser: &Browser<'w>) -> Browser<'w> {
    let mut copy = Browser::new(&stage.world, "");
    copy.cookies.clone_from(&browser.cookies);
    copy
}

pub(super) async fn sign_in(browser: &mut Browser<'_>, flow: &str, csrf: &str) -> Outcome {
    let form = [("flow", flow), ("csrf", csrf), ("email", ADA), ("password", PASSWORD)];
    has_status(browser.post("/login", &form).await, 303)
}

pub(super) async fn sign_up(browser: &mut Browser<'_>, flow: &str, csrf: &str) -> Outcome {
    // Nobody has it: a flow ends once.
    let email = format!("{flow}@example.com");
    let form = [("flow", flow), ("csrf", csrf), ("email", &*email), ("password", PASSWORD)];
    has_status(browser.post("/signup", &form).await, 303)
}

/// Opens the account chooser: its flow, its token, and its first account.
pub(super) async fn chooser(browser: &mut Browser<'_>, client: &str) -> (String, String, String) {
    let start = browser.authorize(client, &[("prompt", "select_account")]).await;
    let page = browser.get(start.location()).await;
    (hidden(&page.body, "flow"), hidden(&page.body, "csrf"), hidden(&page.body, "account"))
}

/// Opens the consent page: its flow and its token.
pub(super) async fn consent_form(browser: &mut Browser<'_>, client: &str, email: &str) -> (String, String) {
    let mut answer = browser.authorize(client, &[("prompt", "consent")]).await;
    if answer.location().contains("/login") {
        answer = browser.sign_in(&answer, email, PASSWORD).await;
    }
    browser.form(&answer).await
}

/// What the name of a browser's cookie ends in.
pub(super) fn tag_of(secret: &str) -> String {
    let hash = openssl::sha::sha256(secret.as_bytes());
    hash.iter().take(4).fold(String::new(), |mut tag, byte| {
        write!(tag, "{byte:02x}").unwrap();
        tag
    })
}
