//! Grant type `password`: for clients of the profile `compat` that registered it, behind the gate and the limits of sign-in.

use idp::domain::client::{ClientMetadataError, ClientProfile, GrantType};
use idp::domain::client_details::ClientDetails;
use idp::domain::user::UserStatus;
use idp::service::users;
use poem::http::StatusCode;

use crate::support::databases;
use crate::support::world::{Answer, PASSWORD, SECRET, World, basic, encode, payload};

const USUAL: [(&str, &str); 3] = [("grant_type", "password"), ("username", "ada@example.com"), ("password", PASSWORD)];

/// A client of old, and one that isn't.
async fn stage(database: &crate::support::database::TestDatabase) -> World {
    let world = World::furnished(database).await;
    let tenant = world.tenant().await;
    world
        .client(&tenant, "old", |metadata| {
            metadata.profile = ClientProfile::Compat;
            metadata.grant_types = [GrantType::Password, GrantType::RefreshToken].into();
            metadata.scope = "openid email offline_access".parse().unwrap();
        })
        .await;
    world.client(&tenant, "compat-only", |metadata| metadata.profile = ClientProfile::Compat).await;
    world
}

async fn token(world: &World, base: &str, client: &str, form: &[(&str, &str)]) -> Answer {
    let headers = [("authorization", &*basic(client, SECRET))];
    world.post(&format!("{base}/token"), &headers, &encode(form)).await
}

fn with<'a>(name: &'a str, value: &'a str) -> Vec<(&'a str, &'a str)> {
    let others = USUAL.into_iter().filter(|(found, _)| *found != name);
    others.chain([(name, value)]).collect()
}

#[tokio::test]
async fn a_client_of_old_gets_a_session_and_its_tokens() {
    for database in databases().await {
        let world = stage(&database).await;
        let answer = token(&world, "", "old", &USUAL).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens = answer.json();
        assert_eq!(tokens["scope"], "email openid", "the session's end is the token's");
        let claims = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["client_id"], "old");
        assert_eq!(claims["email"], "ada@example.com");
        assert!(claims["sid"].is_string(), "{claims}");
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        assert_eq!(token(&world, "", "old", &refresh).await.status, StatusCode::OK);
        assert_eq!(token(&world, "", "reports", &refresh).await.status, StatusCode::BAD_REQUEST, "another client's");
        let less = token(&world, "", "old", &with("scope", "email")).await.json();
        assert_eq!((&less["scope"], less.get("id_token")), (&"email".into(), None));
    }
}

#[tokio::test]
async fn nobody_else_gets_anything_for_a_password() {
    for database in databases().await {
        let world = stage(&database).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "off@example.com").await;
        users::set_status(&world.ctx, &tenant, "off@example.com", UserStatus::Disabled, "test").await.unwrap();
        let unauthorized =
            r#"400 {"error":"unauthorized_client","error_description":"this client may not use this grant type"}"#;
        let wrong = r#"400 {"error":"invalid_grant","error_description":"the name or the password is wrong"}"#;
        for (client, form, expected) in [
            ("reports", USUAL.to_vec(), unauthorized),
            ("compat-only", USUAL.to_vec(), unauthorized),
            ("old", with("password", "not her password"), wrong),
            ("old", with("username", "nobody@example.com"), wrong),
            ("old", with("username", "off@example.com"), wrong),
            (
                "old",
                USUAL[..2].to_vec(),
                r#"400 {"error":"invalid_request","error_description":"password is missing"}"#,
            ),
            (
                "old",
                with("username", ""),
                r#"400 {"error":"invalid_request","error_description":"username is missing"}"#,
            ),
            (
                "old",
                with("scope", "admin:users:read"),
                r#"400 {"error":"invalid_scope","error_description":"scope names something that this client may not get"}"#,
            ),
        ] {
            assert_eq!(token(&world, "", client, &form).await.snapshot(), expected, "{client} {form:?}");
        }
        let unknown = token(&world, "", "old", &with("grant_type", "passwords")).await;
        assert_eq!(unknown.json()["error"], "unsupported_grant_type");
    }
}

#[tokio::test]
async fn guessing_is_limited_as_on_the_page() {
    for database in databases().await {
        let world = stage(&database).await;
        for _ in 0..10 {
            let answer = token(&world, "", "old", &with("password", "a guess")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
        let answer = token(&world, "", "old", &USUAL).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{}", answer.body);
        assert_eq!(answer.header("retry-after"), Some("900"));
    }
}

#[test]
fn the_grant_needs_the_profile() {
    let registered = |profile: &str| {
        let document = serde_json::json!({
            "client_name": "Old", "grant_types": ["password"], "profile": profile,
        });
        let details = ClientDetails::registered(document.as_object().unwrap().clone()).map_err(|error| error.field);
        details.map(|details| details.metadata.validate())
    };
    assert_eq!(registered("compat"), Ok(Ok(())));
    assert_eq!(registered("oauth21"), Ok(Err(ClientMetadataError::Password)));
    assert_eq!(registered("fapi2"), Err("profile".to_owned()));
}
