//! The audit log at `/v1/admin`.

use std::time::Duration;

use poem::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use crate::support::databases;
use crate::support::world::{Browser, World};

async fn found(api: &Api<'_>, query: &str) -> Vec<Value> {
    let answer = api.get(&format!("/audit{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_is_searched_by_all_that_a_line_says() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.pass(Duration::from_mins(1));
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", "not her password").await;
        world.pass(Duration::from_mins(1));
        Browser::new(&world, "").code("reports", "ada@example.com").await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let user = user.as_str().unwrap();

        let refused = found(&api, "?outcome=refused").await;
        assert_eq!(refused.len(), 1);
        let mut line = refused[0].clone();
        let id = line.as_object_mut().unwrap().remove("audit_id").unwrap();
        assert!(id.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
        assert_eq!(
            line,
            json!({
                "time": "2030-01-01T00:01:00Z", "timestamp": 1_893_456_060_000_i64, "kind": "user.sign_in",
                "outcome": "refused", "user_id": user, "client_id": "reports", "address": "127.0.0.1",
                "detail": { "login": "ada@example.com", "amr": ["pwd"] },
            })
        );
        let kinds = async |query: &str| {
            found(&api, query).await.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut since = kinds("?since=2030-01-01T00:01:30Z").await;
        since.sort();
        assert_eq!(since, ["code.issued", "consent.answered", "user.sign_in"]);
        assert_eq!(kinds("?until=2030-01-01T00:01:30%2B01:00").await, [""; 0]);
        assert_eq!(kinds("?kind=user.sign_in").await, ["user.sign_in"; 2]);
        assert_eq!(kinds("?kind=user.sign_in&outcome=success&client_id=reports").await, ["user.sign_in"]);
        assert_eq!(kinds(&format!("?user_id={user}&actor=test")).await, ["user.created"]);
        assert_eq!(kinds("?address=127.0.0.1&kind=code.issued").await, ["code.issued"]);
        assert_eq!(kinds("?client_id=nobody").await, [""; 0]);
        assert_eq!(kinds("?actor=a%00b").await, [""; 0]);
    }
}

#[tokio::test]
async fn it_comes_in_parts_and_none_is_left_out() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for _ in 0..5 {
            // Some at the same time, some not.
            for _ in 0..2 {
                Browser::new(&world, "").code("reports", "ada@example.com").await;
            }
            world.pass(Duration::from_millis(1));
        }
        let all = found(&api, "?limit=200").await;
        let mut parts = Vec::new();
        let mut query = "?limit=3".to_owned();
        loop {
            let part = api.get(&format!("/audit{query}")).await.json();
            parts.extend(part["items"].as_array().unwrap().clone());
            let Some(next) = part["next_cursor"].as_str() else { break };
            query = format!("?limit=3&cursor={next}");
        }
        assert_eq!(parts, all);
        assert!(all.len() > 20);
        assert!(all.is_sorted_by_key(|line| -line["timestamp"].as_i64().unwrap()));
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_so() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for (query, text) in [
            ("?limit=0", "limit"),
            ("?limit=201", "limit"),
            ("?cursor=x", "Cursor must be the next_cursor"),
            ("?cursor=1.x", "Cursor must be the next_cursor"),
            ("?kind=user", "There is no kind"),
            ("?outcome=maybe", "Outcome must be success, refused or failed"),
            ("?user_id=ada", "User_id must be a UUID"),
            ("?client_id=%0a", "Client_id must be 1 to 128"),
            ("?since=yesterday", "Since must be a time such as"),
            ("?until=2030-13-01T00:00:00Z", "Until must be a time such as"),
        ] {
            let answer = api.get(&format!("/audit{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.body);
            assert!(answer.body.to_lowercase().contains(&text.to_lowercase()), "{query}: {}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let home = Api::new(&world, &world.tenant().await).await;
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        let (ours, theirs) = (found(&home, "?limit=200").await, found(&away, "?limit=200").await);
        assert!(!ours.is_empty() && !theirs.is_empty());
        assert!(ours.iter().all(|line| !theirs.contains(line)));
        assert!(found(&away, "?client_id=reports").await.is_empty());
    }
}
