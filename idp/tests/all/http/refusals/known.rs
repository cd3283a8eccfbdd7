//! Clients and people who are known at OAuth's endpoints, on the pages and in apps: each way to refuse them.

use std::collections::BTreeSet;
use std::time::Duration;

use idp::domain::client::ClientStatus;
use idp::service::clients;
use serde_json::json;

use super::{Refuses, Watch, ask, furnished, json_of, robot_token, that};
use crate::http::account::console;
use crate::http::claims::tokens_for;
use crate::http::code_flow::redeem;
use crate::support::databases;
use crate::support::routes::Route;
use crate::support::world::{Browser, CALLBACK, PASSWORD, SECRET, basic, challenge, encode, hidden};

#[tokio::test]
async fn clients_and_people_who_are_known() {
    for database in databases().await {
        let world = furnished(&database).await;
        let mut watch = Watch::of(&world).await;
        at_token_endpoints(&mut watch).await;
        at_userinfo(&mut watch).await;
        at_authorize(&mut watch).await;
        on_pages(&mut watch).await;
        at_logout(&mut watch).await;
        in_apps(&mut watch).await;
        let listed: BTreeSet<String> = that(Refuses::Listed).iter().map(Route::name).collect();
        assert_eq!(watch.seen, listed);
    }
}

async fn at_token_endpoints(watch: &mut Watch<'_>) {
    let world = watch.world;
    let (reports, robot) = (basic("reports", SECRET), basic("robot", SECRET));
    let wrong = basic("reports", "not the secret, but as long as one would be");
    for (path, by, form, whom, detail) in [
        ("/token", &reports, "", ("token.refused", "reports", ""), json!({ "error": "invalid_request" })),
        (
            "/token",
            &reports,
            "grant_type=x",
            ("token.refused", "reports", ""),
            json!({ "error": "unsupported_grant_type" }),
        ),
        (
            "/token",
            &reports,
            "grant_type=authorization_code&resource=x",
            ("token.refused", "reports", ""),
            json!({ "error": "invalid_target" }),
        ),
        (
            "/token",
            &reports,
            "grant_type=authorization_code",
            ("token.refused", "reports", ""),
            json!({ "grant_type": "authorization_code", "error": "invalid_request" }),
        ),
        (
            "/token",
            &wrong,
            "grant_type=authorization_code",
            ("client.authentication", "reports", ""),
            json!({ "method": "client_secret_basic", "reason": "wrong secret" }),
        ),
        (
            "/v1/auth/m2m/token",
            &robot,
            "scope=more",
            ("token.refused", "robot", ""),
            json!({ "grant_type": "client_credentials", "error": "invalid_scope" }),
        ),
        (
            "/v1/auth/m2m/token",
            &robot,
            "grant_type=password",
            ("token.refused", "robot", ""),
            json!({ "error": "unsupported_grant_type" }),
        ),
        ("/introspect", &reports, "", ("introspection.refused", "reports", ""), json!({ "error": "invalid_request" })),
        ("/revoke", &reports, "", ("token.revoked", "reports", ""), json!({ "error": "invalid_request" })),
    ] {
        let headers = [("authorization", &**by)];
        watch.refused(&format!("POST {path}"), world.post(path, &headers, form), whom, &detail).await;
    }
    // A code that is used again is told of once.
    let code = Browser::new(world, "").code("reports", "ada@example.com").await;
    redeem(world, "", "reports", &code).await;
    let whom = ("code.redeemed", "reports", "person");
    let reason = json!({ "reason": "the code was used before; its tokens were revoked" });
    watch.refused("POST /token", redeem(world, "", "reports", &code), whom, &reason).await;
    // Nobody is known whose name isn't.
    watch.not_told(world.post("/token", &[], "grant_type=authorization_code")).await;
}

async fn at_userinfo(watch: &mut Watch<'_>) {
    let world = watch.world;
    let tokens = tokens_for(world, "", "reports", "ada@example.com", &[("scope", "profile")]).await;
    let tokens = tokens["access_token"].as_str().unwrap();
    let robots = robot_token(world).await;
    for method in ["GET", "POST"] {
        let route = format!("{method} /userinfo");
        let reason = json!({ "reason": "at userinfo the access token must have the scope openid" });
        let whom = ("access.refused", "reports", "person");
        watch.refused(&route, ask(world, method, "/userinfo", tokens), whom, &reason).await;
        let reason = json!({ "reason": "at userinfo the access token must be a person's" });
        let whom = ("access.refused", "robot", "");
        watch.refused(&route, ask(world, method, "/userinfo", &robots), whom, &reason).await;
        watch.not_told(ask(world, method, "/userinfo", "nonsense")).await;
    }
}

async fn at_authorize(watch: &mut Watch<'_>) {
    let world = watch.world;
    let whom = ("authorization.refused", "reports", "");
    for (change, detail) in [
        (("redirect_uri", "https://evil.example/"), json!({ "error": "invalid_request", "parameter": "redirect_uri" })),
        (("redirect_uri", ""), json!({ "error": "invalid_request", "parameter": "redirect_uri" })),
        (("response_type", "token"), json!({ "error": "unsupported_response_type" })),
        (("scope", "nonsense"), json!({ "error": "invalid_scope" })),
        (("code_challenge", ""), json!({ "error": "invalid_request" })),
        (("request", "nonsense"), json!({ "error": "invalid_request_object" })),
        (("id_token_hint", "nonsense"), json!({ "error": "invalid_request" })),
        (("resource", "https://api.example/"), json!({ "error": "invalid_target" })),
    ] {
        let mut browser = Browser::new(world, "");
        watch.refused("GET /authorize", browser.authorize("reports", &[change]), whom, &detail).await;
    }
    let challenge = challenge();
    let mut form = vec![
        ("response_type", "code"),
        ("client_id", "reports"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid"),
        ("code_challenge", &*challenge),
        ("code_challenge_method", "S256"),
    ];
    form[2].1 = "https://evil.example/";
    let detail = json!({ "error": "invalid_request", "parameter": "redirect_uri" });
    watch.refused("POST /authorize", world.post("/authorize", &[], &encode(&form)), whom, &detail).await;
    // What an application asks every few minutes is no refusal; nor is anybody known of whom nobody has heard.
    let mut browser = Browser::new(world, "");
    watch.not_told(browser.authorize("reports", &[("prompt", "none")])).await;
    browser.authorize("reports", &[]).await;
    watch.not_told(browser.authorize("nobody", &[("redirect_uri", "https://evil.example/")])).await;
    world.client(&watch.tenant, "off", |_| {}).await;
    let off = "off".parse().unwrap();
    clients::set_status(&world.ctx, watch.tenant.id, &off, ClientStatus::Disabled, "test").await.unwrap();
    let said = json!({ "error": "invalid_request", "parameter": "client_id" });
    let whom = ("authorization.refused", "off", "");
    watch.refused("GET /authorize", browser.authorize("off", &[]), whom, &said).await;
    let mut ada = console(world, "", "ada@example.com").await;
    world.client(&watch.tenant, "new", |_| {}).await;
    watch.not_told(ada.authorize("new", &[("prompt", "none")])).await;
    // Sent from elsewhere, it is decided on its first page.
    form[2].1 = CALLBACK;
    form.push(("prompt", "none"));
    let begun = world.post("/authorize", &[], &encode(&form)).await;
    watch
        .not_told(async {
            let page = browser.get(begun.location()).await;
            assert_eq!(page.returned("error").as_deref(), Some("login_required"));
            page
        })
        .await;
}

async fn on_pages(watch: &mut Watch<'_>) {
    let world = watch.world;
    let mut browser = Browser::new(world, "");
    let start = browser.authorize("reports", &[]).await;
    let (flow, csrf) = browser.form(&start).await;
    let wrong = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", "wrong")];
    let said = json!({ "login": "grace@example.com", "amr": ["pwd"] });
    let whom = ("user.sign_in", "reports", "person");
    watch.refused("POST /login", browser.post("/login", &wrong), whom, &said).await;
    // Somebody else than the request names.
    let tokens = tokens_for(world, "", "reports", "ada@example.com", &[]).await;
    let hint = [("id_token_hint", tokens["id_token"].as_str().unwrap())];
    let start = browser.authorize("reports", &hint).await;
    let (flow, csrf) = browser.form(&start).await;
    let other = [("flow", &*flow), ("csrf", &*csrf), ("email", "grace@example.com"), ("password", PASSWORD)];
    let whom = ("authorization.refused", "reports", "");
    let said = json!({ "error": "login_required" });
    watch.refused("POST /login", browser.post("/login", &other), whom, &said).await;
    // Who would rather not.
    let cancelled = json!({ "reason": "cancelled" });
    for (path, prompt) in [("/signup", "create"), ("/login", "login"), ("/select-account", "select_account")] {
        let start = browser.authorize("reports", &[("prompt", prompt)]).await;
        start.assert_leads_to(&format!("{path}?flow="));
        let page = browser.get(start.location()).await;
        let form =
            [("flow", &*hidden(&page.body, "flow")), ("csrf", &*hidden(&page.body, "csrf")), ("action", "cancel")];
        let whom = ("user.sign_in", "reports", "");
        watch.refused(&format!("POST {path}"), browser.post(path, &form), whom, &cancelled).await;
    }
    let mut ada = Browser::new(world, "");
    let start = ada.authorize("reports", &[("prompt", "consent")]).await;
    let asked = ada.sign_in(&start, "ada@example.com", PASSWORD).await;
    let whom = ("consent.answered", "reports", "person");
    let scope = json!({ "scope": "email openid profile" });
    watch.refused("POST /consent", ada.consent(&asked, "deny"), whom, &scope).await;
}

async fn at_logout(watch: &mut Watch<'_>) {
    let world = watch.world;
    let tokens = tokens_for(world, "", "reports", "ada@example.com", &[]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let whom = ("logout.refused", "reports", "");
    for (parameters, reason) in [
        (
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")],
            "post_logout_redirect_uri is not one of those registered",
        ),
        (
            vec![("client_id", "reports"), ("post_logout_redirect_uri", "https://evil.example/")],
            "post_logout_redirect_uri needs an id_token_hint",
        ),
        (
            vec![("id_token_hint", hint), ("client_id", "robot")],
            "id_token_hint was not issued to the client that client_id names",
        ),
        (
            vec![("id_token_hint", "nonsense"), ("client_id", "reports")],
            "id_token_hint is not an ID token of this issuer",
        ),
        (vec![("client_id", "reports"), ("state", "a"), ("state", "b")], "state was sent more than once"),
    ] {
        let path = format!("/logout?{}", encode(&parameters));
        let said = json!({ "reason": reason });
        watch.refused("GET /logout", world.get(&path, &[]), whom, &said).await;
    }
    let twice = "client_id=reports&state=a&state=b";
    let said = json!({ "reason": "state was sent more than once" });
    watch.refused("POST /logout", world.post("/logout", &[], twice), whom, &said).await;
    watch.not_told(world.get("/logout?id_token_hint=nonsense", &[])).await;
    watch.not_told(world.get("/logout?client_id=nobody&post_logout_redirect_uri=x", &[])).await;
    // A form that wasn't shown, of somebody who is signed in, of a client's, and of nobody.
    let said = json!({ "reason": "the form doesn't come from the page that was shown" });
    let mut ada = console(world, "", "ada@example.com").await;
    let form = [("csrf", "nonsense"), ("decision", "yes"), ("account", "all")];
    for (client, whom) in [("reports", ("logout.refused", "reports", "person")), ("", ("logout.refused", "", "person"))]
    {
        let form: Vec<_> = form.into_iter().chain((!client.is_empty()).then_some(("client_id", client))).collect();
        watch.refused("POST /logout/confirm", ada.post("/logout/confirm", &form), whom, &said).await;
    }
    watch.not_told(Browser::new(world, "").post("/logout/confirm", &form)).await;
}

async fn in_apps(watch: &mut Watch<'_>) {
    let world = watch.world;
    let (other, unauthorized) = ("reports", json!({ "error": "unauthorized_client" }));
    let person = json!({ "email": "joan@example.com", "password": PASSWORD, "client_id": other });
    let token = json!({ "refresh_token": "made up", "client_id": other });
    for (path, body, kind) in [
        ("register", &person, "user.created"),
        ("signup", &person, "user.created"),
        ("login", &person, "user.sign_in"),
        ("refresh", &token, "token.refused"),
        ("logout", &token, "session.ended"),
    ] {
        let path = format!("/v1/auth/{path}");
        let asked = json_of(world, &path, body);
        watch.refused(&format!("POST {path}"), asked, (kind, other, ""), &unauthorized).await;
    }
    // Each once, though more than one part has something to say of it.
    let opened = json_of(world, "/v1/auth/login", &json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let first = json!({ "refresh_token": opened.json()["refresh_token"] });
    let next = json_of(world, "/v1/auth/refresh", &first).await;
    json_of(world, "/v1/auth/refresh", &json!({ "refresh_token": next.json()["refresh_token"] })).await;
    world.pass(Duration::from_mins(1));
    let stolen = json_of(world, "/v1/auth/refresh", &first);
    let said = json!({ "reason": "the refresh token was used before; its grant was revoked" });
    watch.refused("POST /v1/auth/refresh", stolen, ("token.refreshed", "first-party", "person"), &said).await;
    let wrong = json!({ "email": "ada@example.com", "password": "wrong" });
    let said = json!({ "login": "ada@example.com", "amr": ["pwd"] });
    let whom = ("user.sign_in", "first-party", "person");
    watch.refused("POST /v1/auth/login", json_of(world, "/v1/auth/login", &wrong), whom, &said).await;
    let tokens = tokens_for(world, "", "reports", "ada@example.com", &[]).await;
    let another = ask(world, "POST", "/v1/auth/logout", tokens["access_token"].as_str().unwrap());
    let said = json!({ "error": "invalid_request" });
    watch.refused("POST /v1/auth/logout", another, ("session.ended", "first-party", ""), &said).await;
    watch
        .not_told(json_of(world, "/v1/auth/login", &json!({ "email": "a", "password": "x", "client_id": "nobody" })))
        .await;
}
