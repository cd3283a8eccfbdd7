//! Provider metadata and keys (OpenID Connect Discovery, RFC 8414, RFC 7517): what is advertised works, what isn't is
//! refused.

use std::collections::BTreeSet;

use idp::domain::client::{ClientAuthMethod, ClientMetadata, GrantType};
use keys::Algorithm;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::code_flow::redeem;
use super::jose::{encode as base64url, header, verify};
use super::userinfo::{claims, every_scope, person_with_everything};
use crate::support::databases;
use crate::support::world::{Browser, CALLBACK, SECRET, World, basic, encode};

const ISSUER: &str = "http://127.0.0.1:8080";

#[tokio::test]
async fn the_document_says_what_there_is() {
    let algorithms = json!(["RS256", "PS256", "ES256", "ES384", "EdDSA"]);
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let answer = world.get("/.well-known/openid-configuration", &[]).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(
            answer.json(),
            json!({
                "issuer": ISSUER,
                "authorization_endpoint": format!("{ISSUER}/authorize"),
                "token_endpoint": format!("{ISSUER}/token"),
                "userinfo_endpoint": format!("{ISSUER}/userinfo"),
                "introspection_endpoint": format!("{ISSUER}/introspect"),
                "revocation_endpoint": format!("{ISSUER}/revoke"),
                "jwks_uri": format!("{ISSUER}/jwks"),
                "end_session_endpoint": format!("{ISSUER}/logout"),
                "check_session_iframe": format!("{ISSUER}/check-session"),
                "scopes_supported": ["openid", "profile", "email", "address", "phone", "offline_access"],
                "response_types_supported": ["code"],
                "response_modes_supported": ["query", "form_post"],
                "grant_types_supported": ["authorization_code", "client_credentials", "refresh_token", "password"],
                "acr_values_supported": ["urn:signet:acr:1fa"],
                "subject_types_supported": ["public", "pairwise"],
                "id_token_signing_alg_values_supported": algorithms,
                "userinfo_signing_alg_values_supported": algorithms,
                "token_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
                "token_endpoint_auth_signing_alg_values_supported":
                    ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"],
                "introspection_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
                "introspection_endpoint_auth_signing_alg_values_supported":
                    ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"],
                "introspection_signing_alg_values_supported": ["RS256"],
                "revocation_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"],
                "revocation_endpoint_auth_signing_alg_values_supported":
                    ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"],
                "code_challenge_methods_supported": ["S256"],
                "prompt_values_supported": ["none", "login", "consent", "select_account"],
                "claims_supported": [
                    "sub", "auth_time", "acr", "amr", "sid", "name", "given_name", "family_name", "middle_name",
                    "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo",
                    "locale", "updated_at", "email", "email_verified", "address", "phone_number",
                    "phone_number_verified",
                ],
                "claim_types_supported": ["normal"],
                "ui_locales_supported": ["en", "de"],
                "claims_parameter_supported": true,
                "request_parameter_supported": true,
                "request_uri_parameter_supported": true,
                "require_request_uri_registration": true,
                "request_object_signing_alg_values_supported": ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"],
                "authorization_response_iss_parameter_supported": true,
                "frontchannel_logout_supported": true,
                "frontchannel_logout_session_supported": true,
                "backchannel_logout_supported": true,
                "backchannel_logout_session_supported": true,
            })
        );
    }
}

#[tokio::test]
async fn both_documents_are_the_same_at_every_address_and_may_be_kept() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        for (base, inserted) in [("", ""), ("/t/acme", "/t/acme")] {
            let first = world.get(&format!("{base}/.well-known/openid-configuration"), &[]).await;
            assert_eq!(first.json()["issuer"], format!("{ISSUER}{base}"));
            for path in [
                format!("{base}/.well-known/oauth-authorization-server"),
                format!("/.well-known/openid-configuration{inserted}"),
                format!("/.well-known/oauth-authorization-server{inserted}"),
            ] {
                assert_eq!(world.get(&path, &[]).await.body, first.body, "{path}");
            }
            let jwks = world.get(&format!("{base}/jwks"), &[]).await;
            assert_eq!(world.get(&format!("{base}/.well-known/jwks.json"), &[]).await.body, jwks.body);
            for path in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"] {
                let path = format!("{base}{path}");
                let answer = world.get(&path, &[("origin", "https://app.example.com")]).await;
                assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"), "{path}");
                assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
                let etag = answer.header("etag").unwrap().to_owned();
                for known in [etag.clone(), format!("W/{etag}"), format!("\"x\", {etag}")] {
                    let again = world.get(&path, &[("if-none-match", &known)]).await;
                    assert_eq!((again.status, &*again.body), (StatusCode::NOT_MODIFIED, ""), "{path} {known}");
                    assert_eq!(again.header("etag"), Some(&*etag), "{path}");
                    assert_eq!(again.header("cache-control"), Some("public, max-age=3600"), "{path}");
                }
                let other = world.get(&path, &[("if-none-match", "\"x\"")]).await;
                assert_eq!(other.body, answer.body, "{path}");
            }
        }
        // A tenant that isn't there has no documents, at either kind of address.
        for path in ["/t/nobody/jwks", "/.well-known/openid-configuration/t/nobody", "/t/default/jwks"] {
            assert_eq!(world.get(path, &[]).await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

#[tokio::test]
async fn every_address_in_the_document_answers() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        world.other_tenant("acme").await;
        for base in ["", "/t/acme"] {
            let metadata = world.get(&format!("{base}/.well-known/openid-configuration"), &[]).await.json();
            for (name, value) in metadata.as_object().unwrap() {
                let Some(path) = value.as_str().and_then(|url| url.strip_prefix(ISSUER)) else { continue };
                let (answer, expected) = match name.as_str() {
                    "issuer" => continue,
                    "authorization_endpoint" => (world.get(path, &[]).await, StatusCode::BAD_REQUEST),
                    "token_endpoint" | "introspection_endpoint" | "revocation_endpoint" => {
                        (world.post(path, &[], "").await, StatusCode::UNAUTHORIZED)
                    }
                    "userinfo_endpoint" => (world.get(path, &[]).await, StatusCode::UNAUTHORIZED),
                    "end_session_endpoint" => (world.get(path, &[]).await, StatusCode::SEE_OTHER),
                    "check_session_iframe" | "jwks_uri" => (world.get(path, &[]).await, StatusCode::OK),
                    other => panic!("nobody knows what {other} is to answer"),
                };
                assert_eq!(answer.status, expected, "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn the_key_set_has_public_members_alone() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        for algorithm in [Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa, Algorithm::Ps256] {
            idp::service::key_rings::signer(&world.ctx, tenant.id, algorithm).await.unwrap();
        }
        let jwks = world.get("/jwks", &[]).await.json();
        let keys = jwks["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 5);
        for key in keys {
            let expected: &[&str] = match key["kty"].as_str().unwrap() {
                "RSA" => &["alg", "e", "kid", "kty", "n", "use"],
                "EC" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                "OKP" => &["alg", "crv", "kid", "kty", "use", "x"],
                other => panic!("nobody asked for a key of type {other}"),
            };
            let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(members, expected.iter().copied().collect(), "{key}");
            assert_eq!(key["use"], "sig");
        }
        let kids: BTreeSet<&str> = keys.iter().map(|key| key["kid"].as_str().unwrap()).collect();
        assert_eq!(kids.len(), 5, "each key has its own name");
    }
}

/// OpenID Connect Core §3.1.3.6, by a hand that isn't ours: the hash is that of the algorithm (SHA-512 for Ed25519).
fn half_hash(alg: &str, token: &str) -> String {
    let hash = match alg {
        "ES384" => openssl::sha::sha384(token.as_bytes()).to_vec(),
        "EdDSA" => openssl::sha::sha512(token.as_bytes()).to_vec(),
        _ => openssl::sha::sha256(token.as_bytes()).to_vec(),
    };
    base64url(&hash[..hash.len() / 2])
}

#[tokio::test]
async fn tokens_of_each_advertised_algorithm_verify_against_the_key_set() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        for alg in metadata["id_token_signing_alg_values_supported"].as_array().unwrap() {
            let alg = alg.as_str().unwrap();
            let id = format!("client-{alg}");
            let algorithm: Algorithm = alg.parse().unwrap();
            world
                .client(&tenant, &id, |metadata| {
                    metadata.id_token_signed_response_alg = algorithm;
                    metadata.access_token_signed_response_alg = algorithm;
                })
                .await;
            let code = Browser::new(&world, "").code(&id, "ada@example.com").await;
            let tokens = redeem(&world, "", &id, &code).await.json();
            let (access, id_token) = (tokens["access_token"].as_str().unwrap(), tokens["id_token"].as_str().unwrap());
            // Read after the tokens, as a relying party does that meets a new kid.
            let jwks = world.get("/jwks", &[]).await.json();
            for (token, typ) in [(access, "at+jwt"), (id_token, "JWT")] {
                let header = header(token);
                assert_eq!((&header["alg"], &header["typ"]), (&json!(alg), &json!(typ)));
                let members: BTreeSet<&str> = header.as_object().unwrap().keys().map(String::as_str).collect();
                assert_eq!(members, ["alg", "kid", "typ"].into(), "{alg}");
            }
            let access_claims = verify(access, &jwks).unwrap();
            let id_claims = verify(id_token, &jwks).unwrap();
            assert_eq!(id_claims["at_hash"], half_hash(alg, access), "{alg}");
            assert_eq!(id_claims["aud"], *id);
            assert_eq!((&id_claims["iss"], &access_claims["iss"]), (&json!(ISSUER), &json!(ISSUER)));
            assert_eq!(id_claims["sub"], access_claims["sub"]);
            let bearer = format!("Bearer {access}");
            assert_eq!(world.get("/userinfo", &[("authorization", &bearer)]).await.status, StatusCode::OK, "{alg}");
        }
    }
}

#[tokio::test]
async fn what_is_advertised_works() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", every_scope).await;
        person_with_everything(&world, &tenant).await;
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        let names = |member: &str| -> Vec<String> { serde_json::from_value(metadata[member].clone()).unwrap() };

        // Every claim comes with every scope, and no other does.
        let scopes = names("scopes_supported").join(" ");
        let given = claims(&world, "reports", "ada", &scopes).await;
        let mut given: BTreeSet<String> = given.as_object().unwrap().keys().cloned().collect();
        given.extend(["auth_time", "acr", "amr", "sid"].map(str::to_owned));
        assert_eq!(given, names("claims_supported").into_iter().collect());

        // Every grant type reaches its own code: what is missing is a parameter or the client's registration.
        for grant_type in names("grant_types_supported") {
            let form = encode(&[("grant_type", &grant_type)]);
            let answer = world.post("/token", &[("authorization", &basic("reports", SECRET))], &form).await;
            let error = answer.json()["error"].clone();
            assert!(error == "invalid_request" || error == "unauthorized_client", "{grant_type}: {error}");
        }
        for prompt in names("prompt_values_supported") {
            let answer = Browser::new(&world, "").authorize("reports", &[("prompt", &prompt)]).await;
            match prompt.as_str() {
                "none" => assert_eq!(answer.returned("error").as_deref(), Some("login_required")),
                _ => assert!(answer.location().starts_with("/login?flow="), "{prompt}: {}", answer.location()),
            }
        }
        for locale in names("ui_locales_supported") {
            let mut browser = Browser::new(&world, "");
            let start = browser.authorize("reports", &[("ui_locales", &locale)]).await;
            let page = browser.get(start.location()).await;
            assert!(page.body.contains(&format!(r#"lang="{locale}""#)), "{locale}");
        }
    }
}

#[tokio::test]
async fn what_is_not_advertised_is_refused() {
    let grant_types = [
        "implicit",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:openid:params:grant-type:ciba",
        "Authorization_Code",
    ];
    for database in databases().await {
        let world = World::furnished(&database).await;
        for grant_type in grant_types {
            let form = encode(&[("grant_type", grant_type), ("username", "ada@example.com"), ("password", "x")]);
            let answer = world.post("/token", &[("authorization", &basic("reports", SECRET))], &form).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{grant_type}");
            assert_eq!(answer.json()["error"], "unsupported_grant_type", "{grant_type}");
        }
        let requests: Vec<(&str, &str, &str)> = vec![
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "id_token", "unsupported_response_type"),
            ("response_type", "code token", "unsupported_response_type"),
            ("response_type", "code id_token token", "unsupported_response_type"),
            ("response_type", "none", "unsupported_response_type"),
            ("response_type", "CODE", "unsupported_response_type"),
            ("response_mode", "fragment", "invalid_request"),
            ("response_mode", "jwt", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("prompt", "create", "invalid_request"),
        ];
        for (parameter, value, error) in requests {
            let answer = Browser::new(&world, "").authorize("reports", &[(parameter, value)]).await;
            assert!(answer.location().starts_with(CALLBACK), "{parameter}={value}: {}", answer.location());
            assert_eq!(answer.returned("error").as_deref(), Some(error), "{parameter}={value}");
            assert!(answer.returned("code").is_none());
        }
        // The claims parameter isn't advertised: it is passed over, as an unknown one is, and changes nothing.
        let asked = r#"{"id_token":{"email":null}}"#;
        let answer = Browser::new(&world, "").authorize("reports", &[("claims", asked)]).await;
        assert!(answer.location().starts_with("/login?flow="), "{}", answer.location());
        for path in ["/register", "/device", "/par", "/bc-authorize", "/end_session"] {
            assert_eq!(world.post(path, &[], "").await.status, StatusCode::NOT_FOUND, "{path}");
        }
    }
}

/// A registration speaks the same words as the document.
#[test]
fn a_client_can_register_nothing_that_is_not_advertised() {
    let good = || {
        let metadata = ClientMetadata::new([GrantType::ClientCredentials], ClientAuthMethod::ClientSecretBasic);
        serde_json::to_value(metadata).unwrap()
    };
    assert!(serde_json::from_value::<ClientMetadata>(good()).is_ok());
    for (member, value) in [
        ("grant_types", json!(["implicit"])),
        ("token_endpoint_auth_signing_alg", json!("none")),
        ("token_endpoint_auth_signing_alg", json!("HS512")),
        ("request_object_signing_alg", json!("none")),
        ("request_object_signing_alg", json!("RS384")),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("id_token_signed_response_alg", json!("none")),
        ("id_token_signed_response_alg", json!("HS256")),
        ("id_token_signed_response_alg", json!("RS512")),
        ("access_token_signed_response_alg", json!("none")),
    ] {
        let mut metadata: Value = good();
        metadata[member] = value.clone();
        assert!(serde_json::from_value::<ClientMetadata>(metadata).is_err(), "{member}: {value}");
    }
}
