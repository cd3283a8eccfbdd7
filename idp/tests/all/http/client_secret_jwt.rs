//! `client_secret_jwt` (OpenID Connect Core §9): assertions signed HS256 with the client's secret.

use std::time::Duration;

use idp::domain::Secret;
use idp::domain::client::{ClientAuthMethod, ClientMetadata, GrantType};
use idp::domain::tenant::Tenant;
use idp::service::clients;
use openssl::pkey::PKey;
use poem::http::StatusCode;
use sea_orm::EntityTrait as _;
use serde_json::json;

use super::client_assertion::{assert_refused, claims, token};
use super::jose::{encode, private_key, public, sign, sign_hs256};
use crate::support::databases;
use crate::support::world::{SECRET, World, basic};

const HEADER: &str = r#"{"alg":"HS256"}"#;

/// A service that signs with [`SECRET`], changed.
async fn service(world: &World, tenant: &Tenant, id: &str, change: impl FnOnce(&mut ClientMetadata)) {
    world
        .client(tenant, id, |metadata| {
            metadata.grant_types = [GrantType::ClientCredentials].into();
            metadata.token_endpoint_auth_method = ClientAuthMethod::ClientSecretJwt;
            metadata.redirect_uris = Vec::new();
            metadata.scope = "reports:read".parse().unwrap();
            change(metadata);
        })
        .await;
}

fn signed(secret: &str, id: &str) -> String {
    sign_hs256(secret.as_bytes(), HEADER, &claims(id, &json!({})))
}

#[tokio::test]
async fn a_client_proves_itself_by_what_its_secret_signed_and_by_nothing_else() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        service(&world, &tenant, "robot", |_| {}).await;
        service(&world, &tenant, "other", |_| {}).await;
        service(&world, &acme, "robot", |_| {}).await;
        for client_id in [Some("robot"), None] {
            let answer = token(&world, "", client_id, &signed(SECRET, "robot")).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
        let typed =
            sign_hs256(SECRET.as_bytes(), r#"{"alg":"HS256","typ":"JWT","kid":"x"}"#, &claims("robot", &json!({})));
        assert_eq!(token(&world, "", None, &typed).await.status, StatusCode::OK);

        let once = signed(SECRET, "robot");
        assert_eq!(token(&world, "", None, &once).await.status, StatusCode::OK);
        assert_refused(&token(&world, "", None, &once).await, "the same again");
        assert_refused(&token(&world, "", Some("other"), &signed(SECRET, "robot")).await, "for another client");
        assert_refused(&token(&world, "/t/acme", None, &signed(SECRET, "robot")).await, "to another tenant");
        for wrong in ["secret-0123456789abcdef0123456789abcdeF", "another secret of more than 32 characters"] {
            assert_refused(&token(&world, "", None, &signed(wrong, "robot")).await, wrong);
        }
        let hash = sign_hs256(&openssl::sha::sha256(SECRET.as_bytes()), HEADER, &claims("robot", &json!({})));
        assert_refused(&token(&world, "", None, &hash).await, "signed with what the database has of other secrets");
        for (name, change) in [
            ("expired", json!({ "exp": 1 })),
            ("another audience", json!({ "aud": "https://evil.example" })),
            ("another subject", json!({ "sub": "other" })),
            ("no jti", json!({ "jti": null })),
        ] {
            let assertion = sign_hs256(SECRET.as_bytes(), HEADER, &claims("robot", &change));
            assert_refused(&token(&world, "", Some("robot"), &assertion).await, name);
        }
        for alg in ["none", "HS384", "HS512", "RS256", "hs256"] {
            let header = json!({ "alg": alg }).to_string();
            let assertion = sign_hs256(SECRET.as_bytes(), &header, &claims("robot", &json!({})));
            assert_refused(&token(&world, "", Some("robot"), &assertion).await, alg);
        }
        let unsigned = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(claims("robot", &json!({}))));
        assert_refused(&token(&world, "", Some("robot"), &unsigned).await, "unsigned");
        let form = "grant_type=client_credentials";
        let answer = world.post("/token", &[("authorization", &basic("robot", SECRET))], form).await;
        assert_refused(&answer, "the secret itself");
        let answer = world.post("/token", &[], &format!("{form}&client_id=robot&client_secret={SECRET}")).await;
        assert_refused(&answer, "the secret itself, in the form");
        assert_refused(&world.post("/token", &[], &format!("{form}&client_id=robot")).await, "its name");
    }
}

/// A client that signs with its secret may have keys beside it, for request objects: they prove nothing here, and the
/// octets of a public key are no secret.
#[tokio::test]
async fn keys_beside_the_secret_are_no_secret() {
    let key = private_key("rsa2048", "rsa");
    let jwk = public(&key, Some("RS256"));
    let path = format!("{}/../keys/tests/data/rsa2048.pem", env!("CARGO_MANIFEST_DIR"));
    let pem = PKey::private_key_from_pem(&std::fs::read(path).unwrap()).unwrap().public_key_to_pem().unwrap();
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        let jwks = json!({ "keys": [jwk] });
        service(&world, &tenant, "robot", |metadata| metadata.jwks = Some(jwks.clone())).await;
        assert_eq!(token(&world, "", None, &signed(SECRET, "robot")).await.status, StatusCode::OK);
        let by_key = sign("RS256", &key, r#"{"alg":"RS256","kid":"rsa"}"#, &claims("robot", &json!({})));
        assert_refused(&token(&world, "", None, &by_key).await, "signed with the key pair");
        for octets in [pem.as_slice(), jwk.to_string().as_bytes(), jwk["n"].as_str().unwrap().as_bytes()] {
            let confused = sign_hs256(octets, r#"{"alg":"HS256","kid":"rsa"}"#, &claims("robot", &json!({})));
            assert_refused(&token(&world, "", None, &confused).await, "signed with the public key");
        }
    }
}

#[tokio::test]
async fn two_secrets_are_good_while_one_replaces_the_other() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", |_| {}).await;
        let id = "robot".parse().unwrap();
        let grace = Duration::from_mins(1);
        let (next, _) = clients::rotate_secret(&world.ctx, tenant.id, &id, grace, "test").await.unwrap();
        for secret in [SECRET, next.expose()] {
            assert_eq!(token(&world, "", None, &signed(secret, "robot")).await.status, StatusCode::OK);
        }
        world.pass(grace);
        let later = json!({ "exp": super::client_assertion::now() + 100 });
        let later = |secret: &Secret| sign_hs256(secret.expose().as_bytes(), HEADER, &claims("robot", &later));
        assert_refused(&token(&world, "", None, &later(&Secret::new(SECRET))).await, "its time is over");
        assert_eq!(token(&world, "", None, &later(&next)).await.status, StatusCode::OK);
    }
}

/// The database has the secret sealed, bound to its row, and only where a client signs with it.
#[tokio::test]
async fn a_secret_is_kept_sealed_where_it_signs_and_as_a_hash_elsewhere() {
    use entity::control::client_secrets::Entity;
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        service(&world, &tenant, "robot", |_| {}).await;
        world.service(&tenant, "plain").await;
        let rows = Entity::find().all(world.ctx.database.read()).await.unwrap();
        let of = |id: &str| rows.iter().find(|row| row.client_id == id).unwrap();
        assert_eq!(of("plain").sealed_secret, None);
        let (row, sealed) = (of("robot"), of("robot").sealed_secret.clone().unwrap());
        assert!(!sealed.windows(8).any(|window| SECRET.as_bytes().windows(8).any(|part| part == window)));
        assert_eq!(row.secret_hash, openssl::sha::sha256(SECRET.as_bytes()));
        let context = |tenant: &uuid::Uuid, client: &str, secret: &uuid::Uuid| {
            keys::SealContext::new("client-secret", &[tenant.as_bytes(), client.as_bytes(), secret.as_bytes()])
        };
        let open = |context| world.ctx.sealing.open(&sealed, &context);
        let right = context(&row.tenant_id, "robot", &row.secret_id);
        assert_eq!(open(right).unwrap().as_slice(), SECRET.as_bytes());
        assert!(open(context(&row.tenant_id, "plain", &row.secret_id)).is_err());
        assert!(open(context(&uuid::Uuid::from_u128(1), "robot", &row.secret_id)).is_err());
        assert!(open(context(&row.tenant_id, "robot", &uuid::Uuid::nil())).is_err());
    }
}
