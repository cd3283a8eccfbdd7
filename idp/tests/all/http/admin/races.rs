//! Two at once.

use futures_util::future::join_all;
use poem::http::StatusCode;
use serde_json::json;

use super::super::code_flow::redeem;
use super::Api;
use crate::support::databases;
use crate::support::world::{Browser, World};

#[tokio::test]
async fn of_many_patches_of_one_version_one_succeeds() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let user = format!("/users/{}", user.as_str().unwrap());
        for path in [user.as_str(), "/clients/reports"] {
            let etag = api.get(path).await.header("etag").unwrap().to_owned();
            let patch = async |number: usize| {
                let body = if path == user {
                    json!({ "roles": [format!("r{number}")] })
                } else {
                    json!({ "client_name": format!("n{number}") })
                };
                api.patch_if(path, &etag, &body).await.status
            };
            let statuses = join_all((0..8).map(patch)).await;
            let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
            assert_eq!((count(StatusCode::OK), count(StatusCode::PRECONDITION_FAILED)), (1, 7), "{path}: {statuses:?}");
        }
    }
}

#[tokio::test]
async fn patches_of_different_members_all_count() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let path = format!("/users/{}", user.as_str().unwrap());
        let patches =
            [json!({ "roles": ["x"] }), json!({ "username": "ada" }), json!({ "profile": { "nickname": "A" } })];
        let statuses = join_all(patches.iter().map(async |patch| api.patch(&path, patch).await.status)).await;
        assert_eq!(statuses, [StatusCode::OK; 3]);
        let user = api.get(&path).await.json();
        assert_eq!((&user["roles"], &user["username"]), (&json!(["x"]), &"ada".into()));
        assert_eq!(user["profile"]["nickname"], "A");
    }
}

#[tokio::test]
async fn of_many_users_of_one_address_one_is_made() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let body = json!({ "email": "ada@example.com" });
        let create = async |_| api.post("/users", &body).await.status;
        let statuses = join_all((0..8).map(create)).await;
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(StatusCode::CREATED), count(StatusCode::CONFLICT)), (1, 7), "{statuses:?}");
        assert_eq!(api.get("/users").await.json()["items"].as_array().unwrap().len(), 1);
    }
}

/// Whichever comes first: no token of a grant that was taken back works afterwards.
#[tokio::test]
async fn a_code_that_is_redeemed_while_consent_is_withdrawn_leaves_nothing() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let path = format!("/users/{}/consents/reports", user.as_str().unwrap());
        for _ in 0..5 {
            let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
            let (redeemed, withdrawn) = tokio::join!(redeem(&world, "", "reports", &code), api.delete(&path));
            assert_eq!(withdrawn.status, StatusCode::NO_CONTENT, "{}", withdrawn.body);
            if redeemed.status == StatusCode::OK {
                let bearer = format!("Bearer {}", redeemed.json()["access_token"].as_str().unwrap());
                let claims = world.get("/userinfo", &[("authorization", &bearer)]).await;
                assert_eq!(claims.status, StatusCode::UNAUTHORIZED, "{}", claims.body);
            } else {
                assert_eq!(redeemed.json()["error"], "invalid_grant", "{}", redeemed.body);
            }
        }
    }
}
