//! `/v1/admin/clients`.

use idp::domain::client_details::ClientDetails;
use idp::http::admin::model;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, operator, service_token};
use crate::support::databases;
use crate::support::world::{World, basic, encode};

fn settled(mut answer: Value) -> Value {
    for name in ["client_id", "client_secret", "reference"] {
        if let Some(member) = answer.get_mut(name) {
            *member = "…".into();
        }
    }
    answer
}

#[tokio::test]
async fn a_client_is_registered_with_a_secret_that_is_shown_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let body = json!({ "client_name": "Shop", "redirect_uris": ["https://shop.example/cb"],
            "policy_uri": "https://shop.example/privacy", "contacts": ["ops@shop.example"] });
        let made = api.post("/clients", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let shown = settled(made.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "client_id": "…",
              "status": "active",
              "client_secret": "…",
              "secrets": [
                {
                  "created_at": "2030-01-01T00:00:00Z"
                }
              ],
              "created_at": "2030-01-01T00:00:00Z",
              "updated_at": "2030-01-01T00:00:00Z",
              "client_name": "Shop",
              "redirect_uris": [
                "https://shop.example/cb"
              ],
              "grant_types": [
                "authorization_code"
              ],
              "token_endpoint_auth_method": "client_secret_basic",
              "secret_transport": "either",
              "scope": "address email openid phone profile",
              "policy_uri": "https://shop.example/privacy",
              "subject_type": "public",
              "refresh_tokens": "offline",
              "contacts": [
                "ops@shop.example"
              ],
              "id_token_signed_response_alg": "RS256",
              "access_token_signed_response_alg": "RS256",
              "consent": "ask",
              "pkce": "required",
              "profile": "oauth21"
            }
            "#);
        }
        let id = made.json()["client_id"].as_str().unwrap().to_owned();
        let shown = api.get(&format!("/clients/{id}")).await.json();
        assert!(shown.get("client_secret").is_none());
        assert_eq!(shown["secrets"].as_array().unwrap().len(), 1);
        let listed = api.get("/clients").await.json();
        let names: Vec<_> = listed["items"].as_array().unwrap().iter().map(|client| &client["client_name"]).collect();
        assert_eq!(names.len(), 3, "{names:?}");
        assert!(listed["items"][0].get("secrets").is_none());
    }
}

#[tokio::test]
async fn ids_given_by_the_caller_make_one_client_of_two_requests() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let odd = "a/b?c#d%e&f";
        let secret = "0123456789abcdef0123456789abcdef";
        let body = json!({ "client_id": odd, "client_secret": secret, "client_name": "Odd",
            "grant_types": ["client_credentials"], "scope": "x" });
        let made = api.post("/clients", &body).await;
        assert_eq!((made.status, made.json()["client_secret"].as_str()), (StatusCode::CREATED, Some(secret)));
        assert_eq!(api.post("/clients", &body).await.status, StatusCode::CONFLICT);
        let path = made.header("location").unwrap().strip_prefix("/v1/admin").unwrap().to_owned();
        assert_eq!(path, "/clients/a%2Fb%3Fc%23d%25e%26f");
        assert_eq!(api.get(&path).await.json()["client_id"], odd);
        assert_eq!(api.delete(&path).await.snapshot(), "204 ");
        assert_eq!(api.get(&path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_client_is_changed_replaced_and_switched() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let before = api.get("/clients/reports").await;
        let etag = before.header("etag").unwrap();
        let patch = json!({ "client_name": "Reports 2", "default_max_age": 60, "consent": "implied" });
        let changed = api.patch_if("/clients/reports", etag, &patch).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!(changed.json()["client_name"], "Reports 2");
        assert_eq!(changed.json()["redirect_uris"], before.json()["redirect_uris"]);
        assert_eq!(changed.json()["default_max_age"], 60);
        assert_eq!(api.patch_if("/clients/reports", etag, &patch).await.status, StatusCode::PRECONDITION_FAILED);

        let whole = json!({ "client_name": "Reports 3", "redirect_uris": ["https://client.example.com/callback"] });
        let replaced = api.call("PUT", "/clients/reports", &whole).await;
        assert_eq!(replaced.status, StatusCode::OK, "{}", replaced.body);
        assert!(replaced.json().get("default_max_age").is_none(), "what is left out has its usual value");
        assert_eq!(replaced.json()["consent"], "ask");

        for (way, status) in [("disable", "disabled"), ("enable", "active")] {
            let switched = api.send("POST", &format!("/clients/reports/{way}"), &[], Vec::new()).await;
            assert_eq!(switched.json()["status"], status);
            let page = world.get("/authorize?client_id=reports&redirect_uri=https://client.example.com/callback", &[]);
            assert_eq!(page.await.status == StatusCode::BAD_REQUEST, way == "disable");
        }
    }
}

#[tokio::test]
async fn a_secret_is_rotated_with_grace() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.service(&tenant, "robot").await;
        let works = async |secret: &str| {
            let form = encode(&[("grant_type", "client_credentials")]);
            world.post("/token", &[("authorization", &basic("robot", secret))], &form).await.status == StatusCode::OK
        };
        let before = api.get("/clients/robot").await;
        let rotated = api.post("/clients/robot/secret", &json!({ "grace_seconds": 60 })).await;
        assert_eq!(rotated.status, StatusCode::OK, "{}", rotated.body);
        assert_eq!(rotated.json()["former_secrets_good_until"], "2030-01-01T00:01:00Z");
        assert_ne!(rotated.header("etag"), before.header("etag"));
        let first = rotated.json()["client_secret"].as_str().unwrap().to_owned();
        assert!(works(&first).await && works(crate::support::world::SECRET).await);
        let again = api.send("POST", "/clients/robot/secret", &[], Vec::new()).await;
        assert_eq!(again.json()["former_secrets_good_until"], "2030-01-02T00:00:00Z", "a day unless said otherwise");
        world.pass(std::time::Duration::from_secs(61));
        let api = api.with(&service_token(&world, "", "operator", &super::SCOPES.join(" ")).await);
        assert!(works(&first).await && !works(crate::support::world::SECRET).await);
        let last = api.post("/clients/robot/secret", &json!({ "grace_seconds": 0 })).await.json();
        assert!(!works(&first).await && works(last["client_secret"].as_str().unwrap()).await);
        let shown = api.get("/clients/robot").await;
        assert!(!shown.body.contains(last["client_secret"].as_str().unwrap()));
        let long = api.post("/clients/robot/secret", &json!({ "grace_seconds": 9_999_999 })).await;
        assert_eq!(long.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn every_bad_registration_says_which_member_is_at_fault() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let before = api.get("/clients/reports").await.json();
        for (body, status, says) in [
            (
                json!({ "redirect_uri": "https://x.example" }),
                400,
                "redirect_uri: there is no such member; did you mean redirect_uris?",
            ),
            (json!({ "redirect_uris": "https://x.example" }), 400, "redirect_uris: must be a list, not a text"),
            (json!({ "grant_types": ["passwords"] }), 400, "grant_types[0]: must be one of "),
            (json!({ "grant_types": ["password"] }), 422, "Grant type password needs profile compat."),
            (json!({ "profile": "fapi2" }), 400, "profile: must be one of "),
            (json!({ "id_token_signed_response_alg": "none" }), 400, "id_token_signed_response_alg: "),
            (json!({ "subject_type": "secret" }), 400, "subject_type: must be one of "),
            (
                json!({ "access_token_lifetime": "1h" }),
                400,
                "access_token_lifetime: must be a whole number from 0 to 4294967295, not a text",
            ),
            (json!({ "redirect_uris": ["https://x.example/#f"] }), 422, "redirect_uris[0]: "),
            (json!({ "access_token_lifetime": 1 }), 422, "10 to 86400"),
            (json!({ "client_name": "" }), 422, "1 to 200 characters"),
            (json!({ "client_uri": "mailto:x@example.com" }), 422, "not a web address"),
            (json!({ "contacts": ["nobody"] }), 422, "contacts: "),
            (json!({ "audience": "two words" }), 422, "audience: "),
            (json!({ "roles": ["two words"] }), 422, "roles: "),
            (json!({ "scope": "a\"b" }), 422, "scope: "),
        ] {
            for (method, path) in [("POST", "/clients"), ("PUT", "/clients/reports"), ("PATCH", "/clients/reports")] {
                let usual = json!({ "client_name": "x", "redirect_uris": ["https://x.example/cb"] });
                let body =
                    if method == "PATCH" { body.clone() } else { idp::domain::merge_patch::merged(usual, &body) };
                let answer = api.call(method, path, &body).await;
                assert_eq!(answer.status.as_u16(), status, "{method} {body}: {}", answer.body);
                assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{method} {body}: {}", answer.body);
            }
        }
        assert_eq!(api.post("/clients", &json!({})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(api.get("/clients/reports").await.json(), before);
    }
}

#[tokio::test]
async fn nobody_hands_on_more_than_they_have() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        operator(&world, &tenant, "registrar", "admin:clients:write admin:users:read").await;
        operator(&world, &tenant, "strong", "admin:keys:write").await;
        let registrar = service_token(&world, "", "registrar", "admin:clients:write admin:users:read").await;
        let registrar = api.with(&registrar);
        let boss = json!({ "client_id": "boss", "client_name": "x", "grant_types": ["client_credentials"], "roles": ["boss"] });
        assert_eq!(api.post("/clients", &boss).await.status, StatusCode::CREATED);
        let service =
            |scope: &str| json!({ "client_name": "x", "grant_types": ["client_credentials"], "scope": scope });
        for scope in ["a b", "admin:users:read a"] {
            assert_eq!(registrar.post("/clients", &service(scope)).await.status, StatusCode::CREATED, "{scope}");
        }
        let answer = registrar.post("/clients", &service("admin:users:read admin:users:write")).await;
        let shown = settled(answer.json());
        insta::allow_duplicates! {
            insta::assert_json_snapshot!(shown, @r#"
            {
              "type": "about:blank",
              "title": "Forbidden",
              "status": 403,
              "detail": "The client has or would get scopes of the admin API, and the access token must have each of them itself: admin:users:read admin:users:write."
            }
            "#);
        }
        for (method, path, body) in [
            ("PATCH", "/clients/reports", json!({ "scope": "openid admin:keys:write" })),
            ("PATCH", "/clients/strong", json!({ "client_name": "mine" })),
            ("PATCH", "/clients/strong", json!({ "scope": "a" })),
            ("PUT", "/clients/strong", service("a")),
            ("POST", "/clients/strong/secret", json!({})),
            // Roles are for those to give who may give them to people.
            (
                "POST",
                "/clients",
                json!({ "client_name": "x", "grant_types": ["client_credentials"], "roles": ["boss"] }),
            ),
            ("PATCH", "/clients/reports", json!({ "roles": ["boss"] })),
            ("PATCH", "/clients/boss", json!({ "client_name": "mine" })),
            ("POST", "/clients/boss/secret", json!({})),
        ] {
            let answer = registrar.call(method, path, &body).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}: {}", answer.body);
        }
    }
}

/// What is registered goes through the API's documents and comes back whole, whatever is added to it.
#[test]
fn the_api_knows_every_member_of_a_registration() {
    let document = json!({ "client_name": "x", "redirect_uris": ["https://x.example/cb"],
        "grant_types": ["authorization_code", "client_credentials"], "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256", "request_object_signing_alg": "HS256",
        "require_signed_request_object": true, "secret_transport": "either", "scope": "a b", "client_uri": "https://x.example", "logo_uri": "https://x.example/l",
        "policy_uri": "https://x.example/p", "tos_uri": "https://x.example/t", "jwks": { "keys": [] },
        "jwks_uri": "https://x.example/jwks", "request_uris": ["https://x.example/r"], "subject_type": "pairwise",
        "sector_identifier_uri": "https://x.example/s", "userinfo_signed_response_alg": "ES256", "default_max_age": 1,
        "default_acr_values": ["1"], "initiate_login_uri": "https://x.example/i", "contacts": ["a@x.example"],
        "id_token_signed_response_alg": "PS256", "access_token_signed_response_alg": "EdDSA", "audience": "x",
        "roles": ["r"], "access_token_lifetime": 60, "consent": "implied", "pkce": "optional", "profile": "compat",
        "refresh_tokens": "session", "post_logout_redirect_uris": ["https://x.example/bye"],
        "allowed_origins": ["https://x.example"],
        "frontchannel_logout_uri": "https://x.example/end", "frontchannel_logout_session_required": true,
        "backchannel_logout_uri": "https://x.example/back", "backchannel_logout_session_required": true });
    let Value::Object(members) = document.clone() else { unreachable!() };
    let details = ClientDetails::registered(members).unwrap();
    assert_eq!(Value::Object(details.document()), document, "this test doesn't know a member of the registration");
    let through: model::Registration = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(Value::Object(through.document()), document, "the API doesn't know a member of the registration");
}
