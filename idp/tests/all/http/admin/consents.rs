//! Consents at `/v1/admin`.

use idp::domain::audit::AuditKind;
use idp::store::{self, audit::AuditFilter};
use poem::http::StatusCode;
use serde_json::json;

use super::super::code_flow::redeem;
use super::Api;
use crate::support::databases;
use crate::support::world::{Browser, World};

#[tokio::test]
async fn a_consent_is_listed_and_taken_back_with_all_that_came_of_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.user(&tenant, "bob@example.com").await;
        let other = Browser::new(&world, "").code("reports", "bob@example.com").await;
        let mut browser = Browser::new(&world, "");
        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let unused = browser.authorize("reports", &[]).await.returned("code").unwrap();

        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let user = user.as_str().unwrap();
        let expected = json!({ "items": [{ "user_id": user, "client_id": "reports", "scope": "email openid profile",
            "created_at": "2030-01-01T00:00:00Z", "updated_at": "2030-01-01T00:00:00Z" }] });
        assert_eq!(api.get(&format!("/users/{user}/consents")).await.json(), expected);
        let of_client = api.get("/clients/reports/consents?limit=1").await.json();
        assert_eq!(of_client["items"].as_array().unwrap().len(), 1);
        let next = of_client["next_cursor"].as_str().unwrap();
        let rest = api.get(&format!("/clients/reports/consents?cursor={next}")).await.json();
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);

        let path = format!("/users/{user}/consents/reports");
        assert_eq!(api.delete(&path).await.snapshot(), "204 ");
        assert_eq!(api.delete(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(api.get(&format!("/users/{user}/consents")).await.json(), json!({ "items": [] }));
        assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(redeem(&world, "", "reports", &unused).await.json()["error"], "invalid_grant");
        assert!(browser.authorize("reports", &[]).await.location().contains("/consent"), "they are asked again");
        assert_eq!(redeem(&world, "", "reports", &other).await.status, StatusCode::OK, "another's isn't touched");

        let filter = AuditFilter { kind: Some(AuditKind::ConsentWithdrawn), ..AuditFilter::default() };
        let events = store::audit::list(world.ctx.database.read(), tenant.id, &filter, None, 10).await.unwrap();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].detail, json!({ "grants_ended": 2 }));
        assert_eq!(events[0].user_id.unwrap().to_string(), user);
    }
}

#[tokio::test]
async fn what_is_not_there_has_no_consents() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let nobody = "00000000-0000-7000-8000-000000000000";
        for path in [format!("/users/{nobody}/consents"), "/clients/nothing/consents".to_owned()] {
            assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(api.get("/clients/reports/consents?cursor=x").await.status, StatusCode::BAD_REQUEST);
    }
}
