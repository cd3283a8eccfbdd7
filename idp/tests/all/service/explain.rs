//! What `signet token explain` says of access tokens: never that one is good which is refused where it is presented.

use std::time::Duration;

use idp::domain::client::GrantType;
use idp::domain::tenant::Tenant;
use idp::domain::{Secret, SessionId};
use idp::service::explain;
use idp::service::sessions::ending::Which;
use poem::http::StatusCode;
use serde_json::Value;

use crate::http::claims::userinfo;
use crate::http::refresh::{furnished, refresh_with, text, tokens};
use crate::support::databases;
use crate::support::world::{SECRET, World, basic, encode, payload};

/// What speaks against it.
async fn refusals(world: &World, token: &str) -> Vec<String> {
    let report = explain::explain(&world.ctx, &Secret::new(token), None).await.unwrap();
    assert_eq!(report.is_valid(), report.refusals.is_empty() && report.explanation.problems.is_empty());
    report.refusals
}

async fn revoke(world: &World, client: &str, token: &str) {
    let headers = [("authorization", &*basic(client, SECRET))];
    let answer = world.post("/revoke", &headers, &encode(&[("token", token)])).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

async fn refreshed(world: &World, tokens: &Value) -> Value {
    refresh_with(world, "", "reports", &[("refresh_token", text(tokens, "refresh_token"))]).await.json()
}

async fn service_token(world: &World, tenant: &Tenant) -> String {
    world
        .client(tenant, "robot", |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.redirect_uris = Vec::new();
        })
        .await;
    let form = encode(&[("grant_type", "client_credentials")]);
    let answer = world.post("/token", &[("authorization", &basic("robot", SECRET))], &form).await.json();
    text(&answer, "access_token").to_owned()
}

#[tokio::test]
async fn a_token_that_was_revoked_by_itself_is_not_valid() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let of_person = tokens(&world, "", "reports").await;
        let of_service = service_token(&world, &tenant).await;
        for (client, token) in [("reports", text(&of_person, "access_token")), ("robot", &*of_service)] {
            assert_eq!(refusals(&world, token).await, [""; 0]);
            revoke(&world, client, token).await;
            assert_eq!(refusals(&world, token).await, ["it was revoked"]);
        }
        let other = refreshed(&world, &of_person).await;
        assert_eq!(refusals(&world, text(&other, "access_token")).await, [""; 0], "another of the same grant is good");
    }
}

#[tokio::test]
async fn a_token_of_a_grant_that_outlived_its_session_ends_with_the_grant() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let first = tokens(&world, "", "reports").await;
        let sid: SessionId = payload(text(&first, "access_token"))["sid"].as_str().unwrap().parse().unwrap();
        world.end(tenant.id, Which::One(sid)).await;
        // That of the session ends with it, though the grant goes on; what is refreshed then tells of no session.
        assert_eq!(refusals(&world, text(&first, "access_token")).await, ["the session has ended"]);
        let second = refreshed(&world, &first).await;
        assert!(payload(text(&second, "access_token")).get("sid").is_none());
        assert_eq!(refusals(&world, text(&second, "access_token")).await, [""; 0]);
        assert_eq!(userinfo(&world, "", &second).await.status, StatusCode::OK);
        revoke(&world, "reports", text(&second, "refresh_token")).await;
        assert_eq!(refusals(&world, text(&second, "access_token")).await, ["the grant is over"]);
        assert_eq!(userinfo(&world, "", &second).await.status, StatusCode::UNAUTHORIZED);
        // What is wrong with it is said of one that is too old as well.
        world.pass(Duration::from_hours(1));
        let report = explain::explain(&world.ctx, &Secret::new(text(&second, "access_token")), None).await.unwrap();
        assert_eq!((report.refusals.len(), report.explanation.problems.len()), (1, 1), "{report:?}");
    }
}

#[tokio::test]
async fn a_services_own_token_is_not_valid_after_an_end_of_everything() {
    for database in databases().await {
        let world = furnished(&database).await;
        let tenant = world.tenant().await;
        let before = service_token(&world, &tenant).await;
        for which in [Which::OfClient("robot".parse().unwrap()), Which::OfTenant] {
            let form = encode(&[("grant_type", "client_credentials")]);
            let token = world.post("/token", &[("authorization", &basic("robot", SECRET))], &form).await.json();
            let token = text(&token, "access_token").to_owned();
            assert_eq!(refusals(&world, &token).await, [""; 0]);
            world.pass(Duration::from_millis(1));
            world.end(tenant.id, which).await;
            world.pass(Duration::from_millis(1));
            for token in [&before, &token] {
                let said = ["all that its client or its tenant had was ended since it was issued"];
                assert_eq!(refusals(&world, token).await, said);
            }
        }
        // Another tenant's keys and ends are its own.
        world.other_tenant("acme").await;
        assert_eq!(refusals(&world, &before).await.len(), 1);
    }
}
