//! `/account/applications`: what a person allowed, and taking it back.

use std::time::Duration;

use idp::domain::client::{ClientMetadata, ClientStatus, ConsentPolicy, GrantType};
use idp::service::clients;
use idp::service::sessions::ending::Which;
use poem::http::StatusCode;
use serde_json::Value;

use super::{NO_SUCH_PAGE, code, console, csrf};
use crate::http::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Browser, SECRET, World, basic, encode};

#[tokio::test]
async fn what_was_allowed_is_listed_with_since_when_and_what() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "charts", |_| {}).await;
        world.client(&tenant, "own", |metadata| metadata.consent = ConsentPolicy::Implied).await;
        let mut browser = console(&world, "", "ada@example.com").await;
        browser.get("/account/applications").await.assert_page(200, "No application has access");
        for client in ["reports", "charts", "own"] {
            code(&mut browser, client).await;
        }
        world.pass(Duration::from_hours(50));
        let page = browser.get("/account/applications").await;
        page.assert_page(200, "Acme Reports");
        page.assert_page(200, "See your email address");
        page.assert_page(
            200,
            r#"<time datetime="2030-01-01T00:00:00Z" title="1 January 2030, 00:00 UTC">2 days ago</time>"#,
        );
        assert_eq!(
            page.body.matches("/account/applications/withdraw?client=").count(),
            2,
            "what ends with the session isn't there"
        );
        // Somebody else's list has nothing of it.
        world.user(&tenant, "grace@example.com").await;
        let mut grace = console(&world, "", "grace@example.com").await;
        grace.get("/account/applications").await.assert_page(200, "No application has access");
        // One that is switched off is there still.
        let id = "charts".parse().unwrap();
        clients::set_status(&world.ctx, tenant.id, &id, ClientStatus::Disabled, "test").await.unwrap();
        browser.get("/account/applications").await.assert_page(200, "Switched off");
    }
}

/// Signs in at a client for when the person is away; its tokens.
async fn offline(world: &World, browser: &mut Browser<'_>, client: &str) -> Value {
    let start = browser.authorize(client, &[("scope", "openid email offline_access")]).await;
    redeem(world, "", client, &start.returned("code").unwrap()).await.json()
}

#[tokio::test]
async fn what_was_got_without_asking_and_outlives_the_session_is_listed_and_withdrawn() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        for client in ["own", "ours"] {
            world
                .client(&tenant, client, |metadata| {
                    metadata.grant_types.insert(GrantType::RefreshToken);
                    metadata.scope = "openid email offline_access".parse().unwrap();
                    metadata.consent = ConsentPolicy::Implied;
                })
                .await;
        }
        world.user(&tenant, "grace@example.com").await;
        let mut grace = console(&world, "", "grace@example.com").await;
        offline(&world, &mut grace, "ours").await;
        let mut browser = console(&world, "", "ada@example.com").await;
        // What ends with the session isn't there.
        code(&mut browser, "own").await;
        browser.get("/account/applications").await.assert_page(200, "No application has access");
        browser.get("/account/applications/withdraw?client=own").await.assert_page(404, NO_SUCH_PAGE);

        let works = async |tokens: &Value| {
            let token = tokens["refresh_token"].as_str().unwrap();
            let form = encode(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
            let answer = world.post("/token", &[("authorization", &basic("own", SECRET))], &form).await;
            (answer.status == StatusCode::OK).then(|| answer.json())
        };
        let tokens = offline(&world, &mut browser, "own").await;
        world.pass(Duration::from_hours(1));
        let list = browser.get("/account/applications").await;
        list.assert_page(200, r#"href="/account/applications/withdraw?client=own""#);
        list.assert_page(200, "Stay connected when you’re away");
        list.assert_page(200, "1 hour ago");
        assert_eq!(list.body.matches("/account/applications/withdraw?client=").count(), 1, "Grace's is hers");
        // Signing out everywhere else leaves it, and says where it is withdrawn.
        let token = csrf(&mut browser).await;
        browser.post("/account/sessions/end-others", &[("csrf", &token)]).await.assert_leads_to("/account/sessions");
        let tokens = works(&tokens).await.unwrap();
        let question = browser.get("/account/applications/withdraw?client=own").await;
        question.assert_page(200, "It gets access again only if you use it again.");
        browser.get("/account/applications/withdraw?client=ours").await.assert_page(404, NO_SUCH_PAGE);
        let form = [("csrf", &*token), ("client", "own")];
        browser.post("/account/applications/withdraw", &form).await.assert_leads_to("/account/applications");
        assert_eq!(works(&tokens).await, None);
        browser.get("/account/applications").await.assert_page(200, "No application has access");
        browser.post("/account/applications/withdraw", &form).await.assert_page(404, NO_SUCH_PAGE);

        // It isn't there either once it is over in another way.
        offline(&world, &mut browser, "own").await;
        browser.get("/account/applications").await.assert_page(200, "client=own");
        world.pass(Duration::from_millis(1));
        world.end(tenant.id, Which::OfClient("own".parse().unwrap())).await;
        world.pass(Duration::from_millis(1));
        browser.get("/account/applications").await.assert_page(200, "No application has access");
        grace.get("/account/applications").await.assert_page(200, "client=ours");
    }
}

#[tokio::test]
async fn a_long_list_comes_in_parts() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let mut browser = console(&world, "", "ada@example.com").await;
        for number in 0..27 {
            let client = format!("client-{number:02}");
            // Of each third, nobody was asked.
            let implied = |metadata: &mut ClientMetadata| {
                metadata.grant_types.insert(GrantType::RefreshToken);
                metadata.scope = "openid email offline_access".parse().unwrap();
                metadata.consent = ConsentPolicy::Implied;
            };
            if number % 3 == 0 {
                world.client(&tenant, &client, implied).await;
                offline(&world, &mut browser, &client).await;
            } else {
                world.client(&tenant, &client, |_| {}).await;
                code(&mut browser, &client).await;
            }
        }
        let count = |page: &str| page.matches("/account/applications/withdraw?client=").count();
        let first = browser.get("/account/applications").await;
        first.assert_page(200, r#"href="/account/applications?after=client-24""#);
        assert_eq!(count(&first.body), 25);
        let second = browser.get("/account/applications?after=client-24").await;
        assert_eq!(count(&second.body), 2);
        second.assert_page(200, "Back to the first");
        // What can't be read is the beginning.
        for query in ["?after=%zz", "?after=a&after=b", "?after=%C3%A4"] {
            assert_eq!(count(&browser.get(&format!("/account/applications{query}")).await.body), 25, "{query}");
        }
    }
}

#[tokio::test]
async fn a_withdrawn_application_loses_its_tokens_and_has_to_ask_again() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "mail", |metadata| {
                metadata.grant_types = [GrantType::AuthorizationCode, GrantType::RefreshToken].into();
                metadata.scope = "openid email offline_access".parse().unwrap();
            })
            .await;
        let mut browser = console(&world, "", "ada@example.com").await;
        code(&mut browser, "reports").await;
        let start = browser.authorize("mail", &[("scope", "openid email offline_access")]).await;
        let code = browser.consent(&start, "allow").await.returned("code").unwrap();
        let tokens = redeem(&world, "", "mail", &code).await.json();
        let start = browser.authorize("mail", &[("scope", "openid email offline_access")]).await;
        let unredeemed = start.returned("code").unwrap();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);

        let list = browser.get("/account/applications").await;
        list.assert_page(200, r#"href="/account/applications/withdraw?client=mail""#);
        let question = browser.get("/account/applications/withdraw?client=mail").await;
        question.assert_page(200, "Withdraw access?");
        question.assert_page(200, "Stay connected when you’re away");
        // To be asked changes nothing.
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK);
        let token = csrf(&mut browser).await;
        let form = [("csrf", &*token), ("client", "mail")];
        let done = browser.post("/account/applications/withdraw", &form).await;
        assert_eq!(done.location(), "/account/applications");
        let list = browser.get("/account/applications").await;
        list.assert_page(200, "Access is withdrawn.");
        assert!(!list.body.contains("client=mail") && list.body.contains("client=reports"), "{}", list.body);

        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
        let refresh =
            encode(&[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]);
        let refreshed = world.post("/token", &[("authorization", &basic("mail", SECRET))], &refresh).await;
        assert_eq!(refreshed.json()["error"], "invalid_grant");
        assert_eq!(redeem(&world, "", "mail", &unredeemed).await.json()["error"], "invalid_grant");
        browser.authorize("mail", &[("scope", "openid email offline_access")]).await.assert_leads_to("/consent");
        browser.authorize("reports", &[("prompt", "none")]).await.assert_code();
        // A second time there is nothing.
        browser.post("/account/applications/withdraw", &form).await.assert_page(404, NO_SUCH_PAGE);
    }
}

#[tokio::test]
async fn what_is_not_this_person_s_is_unknown() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "grace@example.com").await;
        world.client(&tenant, "charts", |_| {}).await;
        let acme = world.other_tenant("acme").await;
        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "theirs", |_| {}).await;
        let mut grace = console(&world, "", "grace@example.com").await;
        code(&mut grace, "reports").await;
        let mut away = console(&world, "/t/acme", "ada@example.com").await;
        code(&mut away, "theirs").await;

        let mut ada = console(&world, "", "ada@example.com").await;
        let token = csrf(&mut ada).await;
        let long = "x".repeat(5000);
        for client in ["", "reports", "charts", "theirs", "nobody", "a b", "ä", "../x", &*long] {
            let query = encode(&[("client", client)]);
            let asked = ada.get(&format!("/account/applications/withdraw?{query}")).await;
            asked.assert_page(404, NO_SUCH_PAGE);
            let form = [("csrf", &*token), ("client", client)];
            ada.post("/account/applications/withdraw", &form).await.assert_page(404, NO_SUCH_PAGE);
        }
        ada.get("/account/applications/withdraw").await.assert_page(404, NO_SUCH_PAGE);
        ada.get("/account/applications/withdraw?client=a&client=b").await.assert_page(404, NO_SUCH_PAGE);
        ada.get("/account/applications/withdraw?client=%zz").await.assert_page(404, NO_SUCH_PAGE);
        grace.authorize("reports", &[("prompt", "none")]).await.assert_code();
        away.authorize("theirs", &[("prompt", "none")]).await.assert_code();
    }
}

#[tokio::test]
async fn of_many_who_withdraw_at_once_one_did() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = console(&world, "", "ada@example.com").await;
        code(&mut browser, "reports").await;
        let token = csrf(&mut browser).await;
        let answers = futures_util::future::join_all((0..10).map(|_| {
            let (world, cookies, token) = (&world, browser.cookies.clone(), token.clone());
            async move {
                let mut tab = Browser::new(world, "");
                tab.cookies = cookies;
                let form = [("csrf", &*token), ("client", "reports")];
                tab.post("/account/applications/withdraw", &form).await.status
            }
        }))
        .await;
        let done = answers.iter().filter(|status| **status == StatusCode::SEE_OTHER).count();
        assert_eq!(done, 1, "{answers:?}");
        assert!(answers.iter().all(|status| matches!(*status, StatusCode::SEE_OTHER | StatusCode::NOT_FOUND)));
    }
}
