//! The gates: what stays refused, and what ends with a client; codes and flows presented by another. Every way to use a
//! subject against every reason to refuse it is in [`super::subjects`].

use std::time::Duration;

use idp::domain::client::{ClientMetadata, ClientStatus};
use idp::domain::tenant::TenantStatus;
use idp::domain::user::UserStatus;
use idp::service::browser::Form;
use idp::service::{clients, tenants, users};
use idp::store::{self, StoreError};
use poem::http::StatusCode;

use super::code_flow::redeem;
use super::subjects::reason::Reason;
use crate::support::databases;
use crate::support::world::{Answer, Browser, CALLBACK, PASSWORD, SECRET, VERIFIER, World, basic, encode};

const BASE: &str = "/t/acme";

/// What came of a silent authorization: `code`, an error code, or the status of a page.
fn outcome(answer: &Answer) -> String {
    match answer.header("location") {
        None => answer.status.as_u16().to_string(),
        Some(_) if answer.returned("code").is_some() => "code".to_owned(),
        Some(location) => answer.returned("error").unwrap_or_else(|| location.to_owned()),
    }
}

/// What was refused stays refused when the reason is gone: a user who comes back begins anew.
#[tokio::test]
async fn a_user_who_is_enabled_again_begins_anew() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for status in [UserStatus::Disabled, UserStatus::Locked] {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[("prompt", "consent")]).await;
            let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
            let code = browser.consent(&signed_in, "allow").await.returned("code").unwrap();
            let tokens = redeem(&world, "", "reports", &code).await.json();
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let unused = browser.authorize("reports", &[]).await.returned("code").unwrap();
            for status in [status, UserStatus::Active] {
                users::set_status(&world.ctx, &tenant, "ada@example.com", status, "test").await.unwrap();
                assert_eq!(redeem(&world, "", "reports", &unused).await.json()["error"], "invalid_grant");
                let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
                assert_eq!(claims.status, StatusCode::UNAUTHORIZED);
                let silent = browser.authorize("reports", &[("prompt", "none")]).await;
                assert_eq!(outcome(&silent), "login_required");
            }
        }
    }
}

#[tokio::test]
async fn a_service_that_is_switched_off_gets_no_token() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        let names = ["disabled", "deleted", "suspended"];
        for name in names {
            world.service(&acme, name).await;
        }
        let ask = async |path: &str, name: &str| {
            let form = encode(&[("grant_type", "client_credentials")]);
            world.post(&format!("{BASE}{path}"), &[("authorization", &basic(name, SECRET))], &form).await.status
        };
        let paths = ["/token", "/v1/auth/m2m/token"];
        for (path, name) in paths.iter().flat_map(|path| names.map(|name| (path, name))) {
            assert_eq!(ask(path, name).await, StatusCode::OK, "{path} {name}");
        }
        let id = |name: &str| name.parse().unwrap();
        clients::set_status(&world.ctx, acme.id, &id("disabled"), ClientStatus::Disabled, "test").await.unwrap();
        clients::delete(&world.ctx, acme.id, &id("deleted"), "test").await.unwrap();
        for path in paths {
            assert_eq!(ask(path, "disabled").await, StatusCode::UNAUTHORIZED);
            assert_eq!(ask(path, "deleted").await, StatusCode::UNAUTHORIZED);
        }
        clients::set_status(&world.ctx, acme.id, &id("disabled"), ClientStatus::Active, "test").await.unwrap();
        assert_eq!(ask("/token", "disabled").await, StatusCode::OK);
        tenants::set_status(&world.ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
        for path in paths {
            assert_eq!(ask(path, "suspended").await, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test]
async fn what_a_deleted_client_got_is_nothing_to_its_namesake() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let unused = browser.authorize("reports", &[]).await.returned("code").unwrap();

        world.pass(Duration::from_secs(1));
        clients::delete(&world.ctx, tenant.id, &"reports".parse().unwrap(), "test").await.unwrap();
        world.client(&tenant, "reports", |_| {}).await;
        let says = redeem(&world, "", "reports", &unused).await;
        assert_eq!((says.status.as_u16(), &says.json()["error"]), (400, &"invalid_grant".into()));
        let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(claims.status, StatusCode::UNAUTHORIZED, "{}", claims.body);
        // What was allowed to the one isn't allowed to the other.
        browser.authorize("reports", &[]).await.assert_leads_to("/consent");
    }
}

/// A flow whose client goes away in the meantime ends with a page: nothing is sent to an address of nobody's.
#[tokio::test]
async fn a_flow_ends_with_its_client() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for reason in [Reason::ClientDisabled, Reason::ClientDeleted] {
            let client = format!("{reason:?}").to_lowercase();
            let user = world.user(&tenant, &format!("{client}@example.com")).await;
            let email = user.email.as_ref().unwrap().as_str();
            world.client(&tenant, &client, |_| {}).await;
            let mut browser = Browser::new(&world, "");
            let (waiting, _) = browser.sign_in_page(&client).await;
            let (flow, _) = browser.consent_page(&client, email).await;
            reason.befalls(&world, &tenant, &user, &client).await;
            let known = "We don’t know this app";
            for flow in [&waiting, &flow] {
                let csrf = browser.csrf(flow, Form::SignIn);
                let sign_in = [("flow", &**flow), ("csrf", &*csrf), ("email", email), ("password", PASSWORD)];
                browser.post("/login", &sign_in).await.assert_page(400, known);
                let cancel = [("flow", &**flow), ("csrf", &*csrf), ("action", "cancel")];
                browser.post("/login", &cancel).await.assert_page(400, known);
                let csrf = browser.csrf(flow, Form::Consent(user.id));
                for decision in ["allow", "deny"] {
                    let form = [("flow", &**flow), ("csrf", &*csrf), ("decision", decision)];
                    browser.post("/consent", &form).await.assert_page(400, known);
                }
                browser.get(&format!("/login?flow={flow}")).await.assert_page(400, known);
                browser.get(&format!("/consent?flow={flow}")).await.assert_page(400, known);
            }
            browser.authorize(&client, &[]).await.assert_page(400, known);
        }
    }
}

/// So does one whose redirect URI isn't registered any more.
#[tokio::test]
async fn a_flow_ends_with_the_registration_of_its_redirect_uri() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = Browser::new(&world, "");
        let (flow, csrf) = browser.consent_page("reports", "ada@example.com").await;
        let id = "reports".parse().unwrap();
        let client = clients::find(&world.ctx, tenant.id, &id).await.unwrap();
        let redirect_uris = vec!["https://client.example.com/elsewhere".parse().unwrap()];
        let metadata = ClientMetadata { redirect_uris, ..client.metadata };
        let (tenant_id, times) = (tenant.id, (client.updated_at, world.ctx.now()));
        let updated: Result<bool, StoreError> = world
            .ctx
            .database
            .write(async move |tx| store::clients::update(&tx, tenant_id, &id, "Reports", &metadata, times).await)
            .await;
        assert!(updated.unwrap());
        for decision in ["allow", "deny"] {
            let form = [("flow", &*flow), ("csrf", &*csrf), ("decision", decision)];
            let text = "The app asked to go back to an unknown address";
            browser.post("/consent", &form).await.assert_page(400, text);
        }
    }
}

#[tokio::test]
async fn a_code_works_for_its_client_tenant_redirect_uri_and_verifier_alone() {
    const OTHER: &str = "https://client.example.com/other";
    const WRONG_VERIFIER: &str = "verifier-0000000000000000000000000000000000000000000";
    const UNKNOWN: &str = r#"400 {"error":"invalid_grant","error_description":"the code is unknown, has expired, was used before, or belongs to another client"}"#;
    const REDIRECT: &str =
        r#"400 {"error":"invalid_grant","error_description":"redirect_uri is not that of the authorization request"}"#;
    const MISMATCH: &str =
        r#"400 {"error":"invalid_grant","error_description":"code_verifier does not match the code_challenge"}"#;
    const MISSING: &str = r#"400 {"error":"invalid_grant","error_description":"code_verifier is missing"}"#;
    let verifier_in_capitals = VERIFIER.to_uppercase();
    let callback_and_more = format!("{CALLBACK}?");
    let callback_in_capitals = CALLBACK.replace("callback", "Callback");
    let cases: Vec<(&str, &str, &str, &str, &str)> = vec![
        ("", "other", CALLBACK, VERIFIER, UNKNOWN),
        ("", "reports2", CALLBACK, VERIFIER, UNKNOWN),
        (BASE, "reports", CALLBACK, VERIFIER, UNKNOWN),
        ("", "reports", OTHER, VERIFIER, REDIRECT),
        ("", "reports", &callback_and_more, VERIFIER, REDIRECT),
        ("", "reports", &callback_in_capitals, VERIFIER, REDIRECT),
        ("", "reports", CALLBACK, WRONG_VERIFIER, MISMATCH),
        ("", "reports", CALLBACK, &verifier_in_capitals, MISMATCH),
        ("", "reports", CALLBACK, "", MISSING),
        ("", "other", OTHER, WRONG_VERIFIER, UNKNOWN),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let home = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        for tenant in [&home, &acme] {
            world.user(tenant, "ada@example.com").await;
            for id in ["reports", "reports2", "other"] {
                let uris = [CALLBACK, OTHER].map(|uri| uri.parse().unwrap());
                world.client(tenant, id, |metadata| metadata.redirect_uris = uris.into()).await;
            }
        }
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        for (base, client, redirect_uri, verifier, says) in &cases {
            let form = encode(&[
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", redirect_uri),
                ("code_verifier", verifier),
            ]);
            let headers = [("authorization", &*basic(client, SECRET))];
            let answer = world.post(&format!("{base}/token"), &headers, &form).await;
            assert_eq!(answer.snapshot(), *says, "{base} {client} {redirect_uri} {verifier}");
        }
        // None of it used the code up.
        let answer = redeem(&world, "", "reports", &code).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        // A replay by another client isn't the client's fault: its tokens live.
        let bearer = format!("Bearer {}", answer.json()["access_token"].as_str().unwrap());
        assert_eq!(redeem(&world, "", "other", &code).await.snapshot(), UNKNOWN);
        assert_eq!(redeem(&world, BASE, "reports", &code).await.snapshot(), UNKNOWN);
        let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(claims.status, StatusCode::OK, "{}", claims.body);
    }
}

#[tokio::test]
async fn a_flow_and_its_form_work_for_their_browser_and_tenant_alone() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let home = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        for tenant in [&home, &acme] {
            world.user(tenant, "ada@example.com").await;
            world.client(tenant, "reports", |_| {}).await;
        }
        let mut owner = Browser::new(&world, "");
        let (flow, csrf) = owner.consent_page("reports", "ada@example.com").await;
        let mut same_tenant = Browser::new(&world, "");
        let mut other_tenant = Browser::new(&world, BASE);
        // Each is signed in and has a flow of its own.
        let (near_flow, near_csrf) = same_tenant.consent_page("reports", "ada@example.com").await;
        let (far_flow, far_csrf) = other_tenant.consent_page("reports", "ada@example.com").await;
        for (browser, own_csrf, page) in [(&mut same_tenant, &near_csrf, 403), (&mut other_tenant, &far_csrf, 400)] {
            for path in ["/login", "/consent"] {
                let answer = browser.get(&format!("{path}?flow={flow}")).await;
                assert_eq!(answer.status.as_u16(), page, "{}", answer.body);
                for csrf in [&csrf, own_csrf] {
                    let form = [
                        ("flow", &*flow),
                        ("csrf", csrf),
                        ("email", "ada@example.com"),
                        ("password", PASSWORD),
                        ("decision", "allow"),
                    ];
                    browser.post(path, &form).await.assert_page(403, "We couldn’t be sure that this came from you");
                }
            }
        }
        // The owner's token with another's flow, and the other way round.
        for (foreign_flow, foreign_csrf) in [(&near_flow, &near_csrf), (&far_flow, &far_csrf)] {
            for (flow, csrf) in [(foreign_flow, &csrf), (&flow, foreign_csrf), (foreign_flow, foreign_csrf)] {
                for path in ["/login", "/consent"] {
                    let form = [("flow", &**flow), ("csrf", csrf), ("action", "cancel"), ("decision", "allow")];
                    owner.post(path, &form).await.assert_page(403, "We couldn’t be sure that this came from you");
                }
            }
        }
        for (browser, flow, csrf) in [
            (&mut owner, &flow, &csrf),
            (&mut same_tenant, &near_flow, &near_csrf),
            (&mut other_tenant, &far_flow, &far_csrf),
        ] {
            browser.post("/consent", &[("flow", flow), ("csrf", csrf), ("decision", "allow")]).await.assert_code();
        }
    }
}
