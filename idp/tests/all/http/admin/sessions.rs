//! `/v1/admin/sessions`: who is signed in where, and ending that.

use std::time::Duration;

use idp::domain::client::{ConsentPolicy, GrantType};
use idp::service::users;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use crate::http::claims::{tokens_for, userinfo};
use crate::http::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Browser, World, payload};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

async fn tokens(world: &World) -> Value {
    tokens_for(world, "", "reports", "ada@example.com", &[]).await
}

fn sid(tokens: &Value) -> String {
    payload(tokens["access_token"].as_str().unwrap())["sid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_shown_with_its_device_and_ended() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let user = users::find(&world.ctx, &world.tenant().await, "ada@example.com").await.unwrap().id;
        let mut browser = Browser::new(&world, "");
        browser.user_agent = FIREFOX.to_owned();
        browser.address = "192.0.2.7".to_owned();
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let expected = json!({
            "session_id": sid(&tokens), "user_id": user.to_string(), "origin": "page", "browser": "Firefox",
            "system": "Linux", "user_agent": FIREFOX, "address": "192.0.2.7", "amr": ["pwd"],
            "auth_time": "2030-01-01T00:00:00Z", "created_at": "2030-01-01T00:00:00Z",
            "last_seen_at": "2030-01-01T00:00:00Z", "idle_at": "2030-01-04T00:00:00Z",
            "expires_at": "2030-01-08T00:00:00Z",
        });
        let path = format!("/sessions/{}", sid(&tokens));
        assert_eq!(api.get(&path).await.json(), expected);
        assert_eq!(api.get("/sessions").await.json(), json!({ "items": [expected] }));

        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::OK);
        assert_eq!(api.delete(&path).await.snapshot(), "204 ");
        assert_eq!(userinfo(&world, "", &tokens).await.status, StatusCode::UNAUTHORIZED);
        let gone = r#"404 {"type":"about:blank","title":"Not Found","status":404,"detail":"There is no such session, or it has ended."}"#;
        assert_eq!(api.delete(&path).await.snapshot(), gone);
        assert_eq!(api.get(&path).await.snapshot(), gone);
        assert_eq!(api.get("/sessions").await.json(), json!({ "items": [] }));
        assert_eq!(api.delete("/sessions/nonsense").await.snapshot(), gone);
    }
}

#[tokio::test]
async fn sessions_are_listed_in_parts_by_user_and_by_client() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let bob = world.user(&tenant, "bob@example.com").await;
        world.client(&tenant, "charts", |_| {}).await;
        for (client, email) in
            [("reports", "ada@example.com"), ("reports", "bob@example.com"), ("charts", "bob@example.com")]
        {
            Browser::new(&world, "").code(client, email).await;
            world.pass(Duration::from_millis(1));
        }
        let ids = async |query: &str| {
            let list = api.get(&format!("/sessions?{query}")).await.json();
            list["items"].as_array().unwrap().iter().map(|item| item["session_id"].clone()).collect::<Vec<_>>()
        };
        let all = ids("").await;
        assert_eq!(all.len(), 3);
        let part = api.get("/sessions?limit=2").await.json();
        let cursor = part["next_cursor"].as_str().unwrap();
        assert_eq!(ids(&format!("cursor={cursor}")).await, all[2..]);
        assert_eq!(ids(&format!("user_id={}", bob.id)).await, all[..2], "the newest first");
        assert_eq!(ids("client_id=reports").await, all[1..]);
        assert_eq!(ids(&format!("user_id={}&client_id=charts", bob.id)).await, all[..1]);
        for (query, status) in [
            ("user_id=nonsense", 404),
            ("user_id=00000000-0000-7000-8000-000000000000", 404),
            ("client_id=nothing", 404),
            ("cursor=nonsense", 400),
            ("limit=0", 400),
            ("limit=201", 400),
        ] {
            let answer = api.get(&format!("/sessions?{query}")).await;
            assert_eq!(answer.status.as_u16(), status, "{query}: {}", answer.body);
        }
        // Another tenant's are nobody's here.
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        assert_eq!(away.get("/sessions").await.json(), json!({ "items": [] }));
        let path = format!("/sessions/{}", all[0].as_str().unwrap());
        for answer in [away.get(&path).await, away.delete(&path).await] {
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
        assert_eq!(ids("").await, all);
    }
}

#[tokio::test]
async fn all_of_a_user_all_of_a_client_and_everything_can_be_ended() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "charts", |metadata| {
                metadata.grant_types.insert(GrantType::RefreshToken);
            })
            .await;
        let api = Api::new(&world, &tenant).await;
        let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id;
        let works = async |tokens: &Value| userinfo(&world, "", tokens).await.status == StatusCode::OK;
        let of_user = tokens(&world).await;
        assert!(works(&of_user).await);
        assert_eq!(api.delete(&format!("/users/{user}/sessions")).await.status, StatusCode::NO_CONTENT);
        assert!(!works(&of_user).await);
        assert_eq!(
            api.delete(&format!("/users/{user}/sessions")).await.status,
            StatusCode::NO_CONTENT,
            "as was wished"
        );

        let of_client = tokens(&world).await;
        let of_another = tokens_for(&world, "", "charts", "ada@example.com", &[]).await;
        assert_eq!(api.delete("/clients/reports/grants").await.status, StatusCode::NO_CONTENT);
        assert!(!works(&of_client).await);
        assert!(works(&of_another).await);
        let live = api.get(&format!("/sessions/{}", sid(&of_client))).await;
        assert_eq!(live.status, StatusCode::OK, "people stay signed in");

        world.pass(Duration::from_secs(1));
        assert_eq!(api.send("POST", "/lock-down", &[], Vec::new()).await.status, StatusCode::NO_CONTENT);
        assert!(!works(&of_another).await);
        assert_eq!(api.get("/sessions").await.status, StatusCode::UNAUTHORIZED, "its own token too");
        world.pass(Duration::from_secs(1));
        let again = api.with(&super::service_token(&world, "", "operator", "admin:sessions:read").await);
        assert_eq!(again.get("/sessions").await.json(), json!({ "items": [] }));
    }
}

#[tokio::test]
async fn a_session_is_found_by_the_jti_of_a_persons_access_token() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "mail", |metadata| {
                metadata.grant_types.insert(GrantType::RefreshToken);
                metadata.scope = "openid offline_access".parse().unwrap();
                metadata.consent = ConsentPolicy::Implied;
            })
            .await;
        let api = Api::new(&world, &tenant).await;
        let jti = |token: &str| payload(token)["jti"].as_str().unwrap().to_owned();
        let of = |tokens: &Value| jti(tokens["access_token"].as_str().unwrap());
        let (first, second) = (tokens(&world).await, tokens(&world).await);
        let offline = tokens_for(&world, "", "mail", "ada@example.com", &[("scope", "openid offline_access")]).await;
        let sids = async |query: &str| {
            let list = api.get(&format!("/sessions?{query}")).await.json();
            list["items"]
                .as_array()
                .unwrap_or_else(|| panic!("{list}"))
                .iter()
                .map(|item| item["session_id"].clone())
                .collect::<Vec<_>>()
        };
        for tokens in [&first, &second, &offline] {
            assert_eq!(sids(&format!("jti={}", of(tokens))).await, [sid(tokens)]);
        }
        assert_eq!(sids(&format!("jti={}&client_id=mail", of(&offline))).await.len(), 1);
        assert_eq!(sids(&format!("jti={}&client_id=mail", of(&first))).await.len(), 0);

        // What was given in it may be taken back: the session is found still, and once it has ended, it is not.
        assert_eq!(api.delete("/clients/reports/grants").await.status, StatusCode::NO_CONTENT);
        assert_eq!(sids(&format!("jti={}", of(&first))).await, [sid(&first)]);
        for tokens in [&first, &offline] {
            assert_eq!(api.delete(&format!("/sessions/{}", sid(tokens))).await.status, StatusCode::NO_CONTENT);
            assert_eq!(sids(&format!("jti={}", of(tokens))).await.len(), 0);
        }
        assert_eq!(sids(&format!("jti={}", of(&second))).await, [sid(&second)], "nobody else's went with them");

        // Another tenant knows nothing of it, and what names no grant is said to be wrong.
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        let theirs = away.get(&format!("/sessions?jti={}", of(&second))).await;
        assert_eq!(theirs.json(), json!({ "items": [] }));
        let own = jti(&api.token);
        for wrong in ["", "x", "AAAA", "not%20base64", &*"A".repeat(33), &*own, &*"A".repeat(5000)] {
            let answer = api.get(&format!("/sessions?jti={wrong}")).await;
            let said = "jti: must be the jti of a person's access token.";
            assert_eq!(
                (answer.status, answer.json()["detail"].as_str()),
                (StatusCode::BAD_REQUEST, Some(said)),
                "{wrong}: {}",
                answer.body
            );
        }
    }
}
