//! `/v1/admin/keys`.

use std::time::Duration;

use poem::http::StatusCode;
use serde_json::json;

use super::{Api, SCOPES, service_token};
use crate::support::databases;
use crate::support::world::World;

#[tokio::test]
async fn a_key_is_staged_activated_and_retired() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        let made = api.post("/keys", &json!({ "alg": "ES256" })).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let key = made.json();
        let kid = key["kid"].as_str().unwrap();
        assert_eq!((&key["state"], &key["alg"], &key["jwk"]["kty"]), (&"staged".into(), &"ES256".into(), &"EC".into()));
        assert!(key["jwk"].get("d").is_none(), "no private half: {key}");
        assert!(world.get("/jwks", &[]).await.body.contains(kid), "it is published");
        let path = format!("/keys/{kid}");
        assert_eq!(api.get(&path).await.json(), key);
        let kids =
            |list: serde_json::Value| list["items"].as_array().unwrap().iter().map(|k| k["kid"].clone()).collect();
        let all: Vec<serde_json::Value> = kids(api.get("/keys").await.json());
        assert_eq!(all.len(), 2);
        let first = api.get("/keys?limit=1").await.json();
        let next = format!("/keys?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        let second: Vec<serde_json::Value> = kids(api.get(&next).await.json());
        assert_eq!([kids(first), second].concat(), all);
        assert_eq!(api.get("/keys?cursor=nothing").await.status, StatusCode::BAD_REQUEST);

        let early = api.send("POST", &format!("{path}/activate"), &[], Vec::new()).await;
        assert_eq!(early.status, StatusCode::CONFLICT, "{}", early.body);
        world.pass(Duration::from_hours(2));
        let api = api.with(&service_token(&world, "", "operator", &SCOPES.join(" ")).await);
        let active = api.send("POST", &format!("{path}/activate"), &[], Vec::new()).await;
        assert_eq!(active.json()["state"], "active", "{}", active.body);
        assert_eq!(api.post(&format!("{path}/retire"), &json!({})).await.status, StatusCode::CONFLICT, "it signs");

        let hurry = api.post("/keys", &json!({ "alg": "ES256" })).await.json();
        let hurry = format!("/keys/{}/activate", hurry["kid"].as_str().unwrap());
        assert_eq!(api.post(&hurry, &json!({ "emergency": true })).await.json()["state"], "active");
        assert_eq!(api.get(&path).await.json()["state"], "retiring");
        assert_eq!(api.post(&format!("{path}/retire"), &json!({})).await.status, StatusCode::CONFLICT, "too early");
        let gone = api.post(&format!("{path}/retire"), &json!({ "emergency": true })).await;
        assert_eq!(gone.json()["state"], "retired");
        assert!(!world.get("/jwks", &[]).await.body.contains(kid), "it isn't published any more");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_is_refused() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for (body, status) in [
            (json!({ "alg": "HS256" }), 400),
            (json!({ "alg": "none" }), 400),
            (json!({ "bits": 1024 }), 422),
            (json!({ "alg": "ES256", "bits": 2048 }), 422),
            (json!({ "kid": "mine" }), 400),
        ] {
            let answer = api.post("/keys", &body).await;
            assert_eq!(answer.status.as_u16(), status, "{body}: {}", answer.body);
        }
        assert_eq!(api.get("/keys").await.json()["items"].as_array().unwrap().len(), 1);
    }
}
