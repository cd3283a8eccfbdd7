//! How much one address, and one client, may ask: what is told, what is refused, and whom it doesn't touch.

use std::time::Duration;

use idp::config::RateLimits;
use idp::domain::client::ClientMetadata;
use poem::http::StatusCode;
use rstest::rstest;

use super::subjects::app;
use crate::support::databases;
use crate::support::world::{Answer, FORM, SECRET, World, basic, request};

/// What scripts that may call may read of an answer.
const EXPOSED: &str = "www-authenticate, retry-after, ratelimit, ratelimit-policy";

/// A provider with these limits, and the service `robot`.
async fn limited(database: idp::store::Database, change: impl FnOnce(&mut RateLimits)) -> World {
    let world = World::with(database, |config| {
        config.rate_limits.enabled = true;
        change(&mut config.rate_limits);
    })
    .await;
    let tenant = world.tenant().await;
    world.service(&tenant, "robot").await;
    world
}

async fn token(world: &World, base: &str, address: &str, client: &str, secret: &str) -> Answer {
    let headers = [("content-type", FORM), ("authorization", &*basic(client, secret))];
    let form = b"grant_type=client_credentials".to_vec();
    world.send_from(address, request("POST", &format!("{base}/token"), &headers, form)).await
}

/// Status, and what is told of limits.
fn told(answer: &Answer) -> String {
    let of = |name: &str| answer.header(name).unwrap_or("-").to_owned();
    let (limit, policy, retry) = (of("ratelimit"), of("ratelimit-policy"), of("retry-after"));
    format!("{} {limit} {policy} {retry}", answer.status.as_u16())
}

#[tokio::test]
async fn an_address_is_told_what_is_left_and_refused_when_nothing_is() {
    for database in databases().await {
        let world = limited(database.open().await, |limits| limits.token = 3).await;
        let acme = world.other_tenant("acme").await;
        world.service(&acme, "robot").await;
        let ask = async || told(&token(&world, "", "192.0.2.1", "robot", SECRET).await);
        assert_eq!(ask().await, r#"200 "token";r=2;t=20 "token";q=3;w=60 -"#);
        assert_eq!(ask().await, r#"200 "token";r=1;t=40 "token";q=3;w=60 -"#);
        // What is refused for other reasons counts.
        let wrong = token(&world, "", "192.0.2.1", "robot", "wrong").await;
        assert_eq!(told(&wrong), r#"401 "token";r=0;t=60 "token";q=3;w=60 -"#);
        let refused = token(&world, "", "192.0.2.1", "robot", SECRET).await;
        assert_eq!(told(&refused), r#"429 "token";r=0;t=20 "token";q=3;w=60 20"#);
        assert_eq!(
            refused.snapshot(),
            r#"429 {"error":"temporarily_unavailable","error_description":"too many requests; try again later"}"#
        );
        assert_eq!(refused.header("cache-control"), Some("no-store"));
        assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
        assert_eq!(refused.header("access-control-expose-headers"), Some(EXPOSED));

        // Nobody else feels it, and neither does another endpoint.
        assert_eq!(token(&world, "", "192.0.2.2", "robot", SECRET).await.status, StatusCode::OK);
        assert_eq!(token(&world, "/t/acme", "192.0.2.1", "robot", SECRET).await.status, StatusCode::OK);
        let userinfo = world.send_from("192.0.2.1", request("GET", "/userinfo", &[], Vec::new())).await;
        assert_eq!(told(&userinfo), r#"401 "userinfo";r=59999;t=1 "userinfo";q=60000;w=60 -"#);

        // It comes back evenly, and what was refused didn't count.
        world.pass(Duration::from_secs(19));
        assert!(ask().await.starts_with("429 "));
        world.pass(Duration::from_secs(1));
        assert!(ask().await.starts_with("200 "));
        assert!(ask().await.starts_with("429 "));
        world.pass(Duration::from_mins(1));
        assert_eq!(ask().await, r#"200 "token";r=2;t=20 "token";q=3;w=60 -"#);
    }
}

#[tokio::test]
async fn an_ipv6_network_is_one_address() {
    for database in databases().await {
        let world = limited(database.open().await, |limits| limits.token = 1).await;
        for (address, status) in [
            ("2001:db8:0:7::1", 200),
            ("2001:db8:0:7:ffff::2", 429),
            ("2001:db8:0:8::1", 200),
            ("192.0.2.1", 200),
            ("::ffff:192.0.2.1", 429),
        ] {
            let answer = token(&world, "", address, "robot", SECRET).await;
            assert_eq!(answer.status.as_u16(), status, "{address}");
        }
    }
}

/// Each endpoint has its own limit, and refuses in the form of its family.
#[rstest]
#[case::introspection("POST", "/introspect", "*/*", "introspection", "application/json")]
#[case::revocation("POST", "/revoke", "*/*", "revocation", "application/json")]
#[case::userinfo("GET", "/userinfo", "*/*", "userinfo", "application/json")]
#[case::posted_userinfo("POST", "/userinfo", "*/*", "userinfo", "application/json")]
#[case::token_of_old("POST", "/v1/auth/m2m/token", "*/*", "token", "application/json")]
#[case::authorization("GET", "/authorize?client_id=reports", "text/html", "authorization", "text/html; charset=utf-8")]
#[case::sign_in("GET", "/login", "text/html", "pages", "text/html; charset=utf-8")]
#[case::console("GET", "/account", "text/html", "pages", "text/html; charset=utf-8")]
#[case::first_party("POST", "/v1/auth/login", "*/*", "first-party", "application/problem+json")]
#[case::admin("GET", "/v1/admin/users", "*/*", "admin", "application/problem+json")]
#[tokio::test]
async fn every_family_refuses_in_its_own_form(
    #[case] method: &str,
    #[case] path: &str,
    #[case] accept: &str,
    #[case] name: &str,
    #[case] media_type: &str,
) {
    for database in databases().await {
        let world = limited(database.open().await, |limits| {
            *limits = RateLimits {
                token: 1,
                introspection: 1,
                revocation: 1,
                userinfo: 1,
                authorization: 1,
                pages: 1,
                first_party: 1,
                admin: 1,
                ..limits.clone()
            };
        })
        .await;
        let ask = async |address: &str| {
            let headers = [("accept", accept), ("content-type", FORM)];
            world.send_from(address, request(method, path, &headers, Vec::new())).await
        };
        let first = ask("192.0.2.1").await;
        assert_ne!(first.status, StatusCode::TOO_MANY_REQUESTS, "{}", first.body);
        assert_eq!(first.header("ratelimit-policy"), Some(&*format!(r#""{name}";q=1;w=60"#)), "{}", first.body);
        assert_eq!(first.header("ratelimit"), Some(&*format!(r#""{name}";r=0;t=60"#)));
        let refused = ask("192.0.2.1").await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.body);
        assert_eq!(refused.header("content-type"), Some(media_type));
        assert_eq!(refused.header("retry-after"), Some("60"));
        assert_eq!(refused.header("ratelimit"), Some(&*format!(r#""{name}";r=0;t=60"#)));
        assert_ne!(ask("192.0.2.2").await.status, StatusCode::TOO_MANY_REQUESTS);
    }
}

#[tokio::test]
async fn a_client_is_limited_wherever_it_asks_from() {
    for database in databases().await {
        let world = limited(database.open().await, |limits| limits.client = 2).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "other").await;
        // Who can't prove to be the client doesn't use up what it may ask.
        for _ in 0..3 {
            assert_eq!(token(&world, "", "192.0.2.9", "robot", "wrong").await.status, StatusCode::UNAUTHORIZED);
        }
        for address in ["192.0.2.1", "192.0.2.2"] {
            assert_eq!(token(&world, "", address, "robot", SECRET).await.status, StatusCode::OK);
        }
        let refused = token(&world, "", "192.0.2.3", "robot", SECRET).await;
        assert_eq!(told(&refused), r#"429 "client";r=0;t=30 "client";q=2;w=60 30"#);
        assert_eq!(token(&world, "", "192.0.2.3", "other", SECRET).await.status, StatusCode::OK);
        world.pass(Duration::from_secs(30));
        assert_eq!(token(&world, "", "192.0.2.3", "robot", SECRET).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn this_machine_is_told_and_not_refused_unless_that_is_wanted() {
    for (loopback, second) in [(false, 200), (true, 429)] {
        for database in databases().await {
            let world = limited(database.open().await, |limits| {
                (limits.token, limits.client, limits.loopback) = (1, 5, loopback);
            })
            .await;
            for address in ["127.0.0.1", "::1"] {
                let first = token(&world, "", address, "robot", SECRET).await;
                assert_eq!(told(&first), r#"200 "token";r=0;t=60 "token";q=1;w=60 -"#);
                assert_eq!(token(&world, "", address, "robot", SECRET).await.status.as_u16(), second);
            }
        }
    }
}

#[rstest]
#[case::off(|limits: &mut RateLimits| (limits.enabled, limits.token) = (false, 1))]
#[case::none_here(|limits: &mut RateLimits| (limits.token, limits.client) = (0, 0))]
#[tokio::test]
async fn limits_can_be_switched_off(#[case] change: fn(&mut RateLimits)) {
    for database in databases().await {
        let world = limited(database.open().await, change).await;
        for _ in 0..3 {
            assert_eq!(told(&token(&world, "", "192.0.2.1", "robot", SECRET).await), "200 - - -");
        }
    }
}

#[tokio::test]
async fn keys_metadata_and_health_have_none() {
    for database in databases().await {
        let world = limited(database.open().await, |_| {}).await;
        for path in
            ["/jwks", "/.well-known/openid-configuration", "/health/live", "/openapi.json", "/docs", "/v1/auth/health"]
        {
            assert_eq!(told(&world.get(path, &[]).await), "200 - - -", "{path}");
        }
        assert_eq!(told(&world.get("/v1/auth/metrics", &[]).await), "404 - - -");
    }
}

/// However many origins somebody thinks of, each of which costs a look into the database.
#[tokio::test]
async fn a_browsers_question_at_the_first_party_api_counts_and_what_is_too_much_costs_nothing() {
    const APP: &str = "https://app.example.com";
    const UNASKED: &str = "https://unasked.example.com";
    for database in databases().await {
        let world = limited(database.open().await, |limits| limits.first_party = 2).await;
        let at_origins = |metadata: &mut ClientMetadata| {
            app(metadata);
            metadata.allowed_origins = [APP, UNASKED].map(|origin| origin.parse().unwrap()).into();
        };
        world.client(&world.tenant().await, "app", at_origins).await;
        let ask = async |address: &str, method: &str, origin: &str| {
            let headers = [("origin", origin), ("access-control-request-method", "POST")];
            world.send_from(address, request(method, "/v1/auth/login", &headers, Vec::new())).await
        };
        let open_to = |answer: &Answer| answer.header("access-control-allow-origin").map(str::to_owned);
        // Once the node hears of what others change it uses what it keeps.
        while !world.ctx.database.changes().is_certain() {
            world.ctx.database.catch_up().await;
            tokio::task::yield_now().await;
        }
        assert_eq!(ask("192.0.2.2", "OPTIONS", APP).await.status, StatusCode::NO_CONTENT);
        for number in 0..2 {
            let answer = ask("192.0.2.1", "OPTIONS", &format!("https://a{number}.example.com")).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
            assert_eq!(
                answer.header("ratelimit").unwrap(),
                format!(r#""first-party";r={};t={}"#, 1 - number, 30 * (number + 1))
            );
        }
        let refused = ask("192.0.2.1", "OPTIONS", "https://a3.example.com").await;
        assert_eq!((refused.status, open_to(&refused)), (StatusCode::TOO_MANY_REQUESTS, None));
        assert_eq!(refused.header("vary"), Some("origin"));
        // An app's script learns that it is to wait, if its origin is known without the database.
        let asked = ask("192.0.2.1", "OPTIONS", APP).await;
        assert_eq!((asked.status, open_to(&asked)), (StatusCode::NO_CONTENT, Some(APP.to_owned())));
        let refused = ask("192.0.2.1", "POST", APP).await;
        assert_eq!((refused.status, open_to(&refused)), (StatusCode::TOO_MANY_REQUESTS, Some(APP.to_owned())));
        assert_eq!(refused.header("access-control-expose-headers"), Some(EXPOSED));
        for name in EXPOSED.split(", ").skip(1) {
            assert!(refused.header(name).is_some(), "{name}");
        }
        let refused = ask("192.0.2.1", "POST", UNASKED).await;
        assert_eq!((refused.status, open_to(&refused)), (StatusCode::TOO_MANY_REQUESTS, None), "nobody was asked");
    }
}
