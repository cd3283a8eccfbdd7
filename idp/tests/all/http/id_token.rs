//! ID tokens (OpenID Connect Core §2, §3.1.3.6): what is in them, always and never.

use std::time::Duration;

use serde_json::json;

use super::claims::tokens_for;
use super::code_flow::redeem;
use super::jose::{header, verify};
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, World, payload};

#[tokio::test]
async fn an_id_token_has_exactly_these_claims() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        let signed_in = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        world.pass(Duration::from_secs(7));
        let code = browser.consent(&signed_in, "allow").await.returned("code").unwrap();
        world.pass(Duration::from_secs(5));
        let tokens = redeem(&world, "", "reports", &code).await.json();
        let jwks = world.get("/jwks", &[]).await.json();
        let token = tokens["id_token"].as_str().unwrap();
        let access = payload(tokens["access_token"].as_str().unwrap());
        let claims = verify(token, &jwks).unwrap();
        let lifetime = i64::try_from(world.ctx.config.tokens.id_token_lifetime.as_secs()).unwrap();
        assert_eq!(
            claims,
            json!({
                "iss": "http://127.0.0.1:8080",
                "sub": access["sub"],
                "aud": "reports",
                "iat": 1_893_456_012,
                "exp": 1_893_456_012 + lifetime,
                "auth_time": 1_893_456_000,
                "nonce": "the nonce",
                "acr": "urn:signet:acr:1fa",
                "amr": ["pwd"],
                "sid": access["sid"],
                "at_hash": claims["at_hash"],
            })
        );
        assert_eq!(header(token), json!({ "alg": "RS256", "typ": "JWT", "kid": jwks["keys"][0]["kid"] }));
    }
}

#[tokio::test]
async fn nonce_is_there_only_if_it_was_sent_and_as_it_was_sent() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        for (sent, expected) in [("", None), ("n\u{e9} \"\\", Some("n\u{e9} \"\\"))] {
            let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[("nonce", sent)]).await;
            let claims = payload(tokens["id_token"].as_str().unwrap());
            assert_eq!(claims.get("nonce").and_then(|nonce| nonce.as_str()), expected);
        }
    }
}

#[tokio::test]
async fn acr_is_one_of_those_advertised() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[("acr_values", "x y")]).await;
        let claims = payload(tokens["id_token"].as_str().unwrap());
        assert!(metadata["acr_values_supported"].as_array().unwrap().contains(&claims["acr"]));
    }
}
