//! Nothing of one tenant works in another: every route and every artefact.

use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, SECRET, World, basic, encode, payload};

#[tokio::test]
async fn a_tenant_is_a_world_of_its_own() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        let metadata = world.get("/t/acme/.well-known/openid-configuration", &[]).await;
        assert_eq!(metadata.json()["issuer"], "http://127.0.0.1:8080/t/acme");
        let inserted = world.get("/.well-known/openid-configuration/t/acme", &[]).await;
        assert_eq!(inserted.body, metadata.body);
        let oauth = world.get("/.well-known/oauth-authorization-server/t/acme", &[]).await;
        assert_eq!(oauth.body, metadata.body);

        world.user(&acme, "ada@example.com").await;
        world.client(&acme, "reports", |_| {}).await;
        let code = Browser::new(&world, "/t/acme").code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "/t/acme", "reports", &code).await.json();
        let claims = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["iss"], "http://127.0.0.1:8080/t/acme");
        assert_eq!(claims["tid"], acme.id.to_string());
    }
}

#[tokio::test]
async fn no_artefact_of_one_tenant_works_in_another() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let home = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        world.other_tenant("mallory").await;
        // The same names everywhere: only the tenant tells them apart.
        for tenant in [&home, &acme] {
            world.user(tenant, "ada@example.com").await;
            world.client(tenant, "reports", |_| {}).await;
        }
        for (own, own_base, foreign_base) in [(&home, "", "/t/acme"), (&acme, "/t/acme", "")] {
            // A code.
            let mut browser = Browser::new(&world, own_base);
            let code = browser.code("reports", "ada@example.com").await;
            let foreign = redeem(&world, foreign_base, "reports", &code).await;
            assert_eq!(foreign.json()["error"], "invalid_grant", "{}", own.slug);
            // An access token.
            let tokens = redeem(&world, own_base, "reports", &code).await.json();
            let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
            let headers = [("authorization", bearer.as_str())];
            let foreign = world.get(&format!("{foreign_base}/userinfo"), &headers).await;
            assert_eq!(foreign.status, StatusCode::UNAUTHORIZED);
            assert_eq!(world.get(&format!("{own_base}/userinfo"), &headers).await.status, StatusCode::OK);
            // A session: its cookie has another name, and under that name it opens nothing.
            let (own_name, session) = browser.cookie("session").unwrap();
            let mut stranger = Browser::new(&world, foreign_base);
            let first = stranger.authorize("reports", &[]).await;
            assert!(first.location().contains("/login"));
            let foreign_name = stranger.cookies.keys().next().unwrap().split_once("-browser").unwrap().0.to_owned();
            let foreign_name = format!("{foreign_name}-session");
            assert_ne!(foreign_name, own_name);
            stranger.cookies.insert(foreign_name, session.to_owned());
            let silent = stranger.authorize("reports", &[("prompt", "none")]).await;
            assert_eq!(silent.returned("error").as_deref(), Some("login_required"));
            // A flow, and the form of a page.
            world.pass(std::time::Duration::from_secs(1));
            let start = browser.authorize("reports", &[("prompt", "login")]).await;
            let (flow, csrf) = browser.form(&start).await;
            let mut smuggler = Browser::new(&world, foreign_base);
            smuggler.authorize("reports", &[]).await;
            let prefix = smuggler.cookies.keys().next().unwrap().split_once("-browser").unwrap().0.to_owned();
            let (name, browser_secret) = browser.cookie("browser").unwrap();
            let tag = name.split_once("-browser").unwrap().1;
            smuggler.cookies = [(format!("{prefix}-browser{tag}"), browser_secret.to_owned())].into();
            let page = smuggler.get(&format!("/login?flow={flow}")).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
            let form = [("flow", &*flow), ("csrf", &*csrf), ("email", "ada@example.com"), ("password", PASSWORD)];
            assert_eq!(smuggler.post("/login", &form).await.status, StatusCode::BAD_REQUEST);
        }
        // A client and a user that only one tenant has.
        world.service(&home, "robot").await;
        let form = encode(&[("grant_type", "client_credentials")]);
        let headers = [("authorization", &*basic("robot", SECRET))];
        assert_eq!(world.post("/token", &headers, &form).await.status, StatusCode::OK);
        for base in ["/t/acme", "/t/mallory"] {
            let foreign = world.post(&format!("{base}/token"), &headers, &form).await;
            assert_eq!(foreign.json()["error"], "invalid_client", "{base}");
        }
        world.user(&home, "grace@example.com").await;
        let mut browser = Browser::new(&world, "/t/acme");
        let start = browser.authorize("reports", &[]).await;
        let answer = browser.sign_in(&start, "grace@example.com", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        // Keys.
        assert_ne!(world.get("/jwks", &[]).await.body, world.get("/t/acme/jwks", &[]).await.body);
    }
}

#[tokio::test]
async fn a_suspended_or_unknown_tenant_is_nowhere() {
    use idp::domain::tenant::TenantStatus;
    const ROUTES: [&str; 10] = [
        "/",
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/jwks",
        "/.well-known/jwks.json",
        "/authorize",
        "/login",
        "/consent",
        "/userinfo",
        "/token",
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let acme = world.other_tenant("acme").await;
        idp::service::tenants::set_status(&world.ctx, &acme.slug, TenantStatus::Suspended, "test").await.unwrap();
        for slug in ["acme", "nobody", "default", "ACME", "..", "a%2fb", "-x"] {
            for route in ROUTES {
                let answer = world.get(&format!("/t/{slug}{route}"), &[]).await;
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "/t/{slug}{route}");
            }
            let inserted = world.get(&format!("/.well-known/openid-configuration/t/{slug}"), &[]).await;
            assert_eq!(inserted.status, StatusCode::NOT_FOUND, "{slug}");
        }
        idp::service::tenants::set_status(&world.ctx, &acme.slug, TenantStatus::Active, "test").await.unwrap();
        assert_eq!(world.get("/t/acme/jwks", &[]).await.status, StatusCode::OK);
    }
}
