//! Signed userinfo answers (OpenID Connect Core §5.3.2): `application/jwt` for clients that registered an algorithm.

use keys::Algorithm;
use poem::http::StatusCode;
use serde_json::json;

use super::claims::{tokens_for, userinfo};
use super::jose::{header, verify};
use crate::support::databases;
use crate::support::world::{World, encode};

#[tokio::test]
async fn each_advertised_algorithm_signs_answers() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let ada = world.user(&tenant, "ada@example.com").await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        for alg in metadata["userinfo_signing_alg_values_supported"].as_array().unwrap() {
            let algorithm: Algorithm = alg.as_str().unwrap().parse().unwrap();
            let id = format!("client-{algorithm}");
            world.client(&tenant, &id, |metadata| metadata.userinfo_signed_response_alg = Some(algorithm)).await;
            let tokens = tokens_for(&world, "", &id, "ada@example.com", &[]).await;
            let token = tokens["access_token"].as_str().unwrap();
            let by_get = userinfo(&world, "", &tokens).await;
            let form = encode(&[("access_token", token)]);
            let by_form = world.post("/userinfo", &[], &form).await;
            let bearer = format!("Bearer {token}");
            let by_post = world.post("/userinfo", &[("authorization", &bearer)], "").await;
            let jwks = world.get("/jwks", &[]).await.json();
            for answer in [by_get, by_form, by_post] {
                assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
                assert_eq!(answer.header("content-type"), Some("application/jwt"));
                assert_eq!(answer.header("cache-control"), Some("no-store"));
                let header = header(&answer.body);
                assert_eq!((&header["alg"], &header["typ"]), (alg, &json!("JWT")));
                assert_eq!(
                    verify(&answer.body, &jwks).unwrap(),
                    json!({
                        "iss": "http://127.0.0.1:8080",
                        "aud": id,
                        "sub": ada.id.to_string(),
                        "name": "Ada Lovelace",
                        "updated_at": 1_893_456_000,
                        "email": "ada@example.com",
                        "email_verified": true,
                    })
                );
            }
        }
    }
}

#[tokio::test]
async fn refusals_are_not_signed() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world
            .client(&tenant, "reports", |metadata| metadata.userinfo_signed_response_alg = Some(Algorithm::Rs256))
            .await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[("scope", "profile")]).await;
        let refused = userinfo(&world, "", &tokens).await;
        assert_eq!(
            refused.snapshot(),
            r#"403 {"error":"insufficient_scope","error_description":"the access token must have the scope openid"}"#
        );
        assert_eq!(refused.header("content-type"), Some("application/json"));
    }
}

/// A signed answer has the shape of a JWT and is signed by the same key: it passes for no token.
#[tokio::test]
async fn a_signed_answer_is_no_access_token() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world
            .client(&tenant, "reports", |metadata| metadata.userinfo_signed_response_alg = Some(Algorithm::Rs256))
            .await;
        let tokens = tokens_for(&world, "", "reports", "ada@example.com", &[]).await;
        let signed = userinfo(&world, "", &tokens).await.body;
        let refused = userinfo(&world, "", &json!({ "access_token": signed })).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    }
}
