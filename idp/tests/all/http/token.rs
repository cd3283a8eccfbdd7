//! `/token`: service tokens, client authentication, and each bad input with its answer.

use idp::domain::client::ClientAuthMethod;
use poem::http::StatusCode;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Answer, Browser, CALLBACK, SECRET, VERIFIER, World, basic, encode, payload, request};

async fn service_token(world: &World, form: &[(&str, &str)]) -> Answer {
    world.post("/token", &[("authorization", &basic("robot", SECRET))], &encode(form)).await
}

#[tokio::test]
async fn a_service_gets_its_own_token() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let answer = service_token(&world, &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let tokens = answer.json();
        assert_eq!(tokens["expires_in"], 300);
        assert_eq!(tokens["scope"], "reports:read reports:write");
        assert!(tokens.get("id_token").is_none());
        let claims = payload(tokens["access_token"].as_str().unwrap());
        assert_eq!(claims["aud"], "services");
        assert_eq!(claims["sub"], "robot");
        assert_eq!(claims["client_id"], "robot");
        assert_eq!(claims["roles"], serde_json::json!(["service"]));
        assert_eq!(claims["tid"], "00000000-0000-0000-0000-000000000000");
        assert!(claims.get("sid").is_none() && claims.get("email").is_none());

        let narrow = service_token(&world, &[("grant_type", "client_credentials"), ("scope", "reports:read")]).await;
        assert_eq!(narrow.json()["scope"], "reports:read");

        let of_old = [("authorization", &*basic("robot", SECRET))];
        let of_old = world.post("/v1/auth/m2m/token", &of_old, "").await;
        assert_eq!(payload(of_old.json()["access_token"].as_str().unwrap())["aud"], "services");

        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let userinfo = world.get("/userinfo", &[("authorization", &bearer)]).await;
        assert_eq!(userinfo.status, StatusCode::UNAUTHORIZED, "a service is nobody");
    }
}

/// One wrong request after the other, each with the whole answer.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn bad_requests_get_their_specified_error() {
    let code_form = |change: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", "nothing"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        for (name, value) in change {
            form.retain(|(found, _)| found != name);
            form.push((name, value));
        }
        encode(&form)
    };
    let reports = basic("reports", SECRET);
    let robot = basic("robot", SECRET);
    let long = "x".repeat(20_000);
    let client_error = r#"401 {"error":"invalid_client","error_description":"the client is unknown, disabled, or did not authenticate with its registered method and credentials"}"#;
    let (nobody, wrong, empty) = (basic("nobody", SECRET), basic("reports", "wrong"), basic("reports", ""));
    let cases: Vec<(&str, &str, String, &str)> = vec![
        (
            "empty body",
            &reports,
            String::new(),
            r#"400 {"error":"invalid_request","error_description":"grant_type is missing"}"#,
        ),
        (
            "empty grant type",
            &reports,
            "grant_type=".into(),
            r#"400 {"error":"invalid_request","error_description":"grant_type is missing"}"#,
        ),
        (
            "repeated grant type",
            &reports,
            "grant_type=client_credentials&grant_type=client_credentials".into(),
            r#"400 {"error":"invalid_request","error_description":"grant_type was sent more than once"}"#,
        ),
        (
            "password grant",
            &reports,
            "grant_type=password".into(),
            r#"400 {"error":"invalid_request","error_description":"username is missing"}"#,
        ),
        (
            "password grant, not registered",
            &reports,
            "grant_type=password&username=ada&password=x".into(),
            r#"400 {"error":"unauthorized_client","error_description":"this client may not use this grant type"}"#,
        ),
        (
            "grant not registered",
            &robot,
            code_form(&[]),
            r#"400 {"error":"unauthorized_client","error_description":"this client may not use this grant type"}"#,
        ),
        (
            "service grant not registered",
            &reports,
            "grant_type=client_credentials".into(),
            r#"400 {"error":"unauthorized_client","error_description":"this client may not use this grant type"}"#,
        ),
        (
            "scope beyond",
            &robot,
            "grant_type=client_credentials&scope=admin".into(),
            r#"400 {"error":"invalid_scope","error_description":"scope names something that this client may not get"}"#,
        ),
        (
            "scope malformed",
            &robot,
            "grant_type=client_credentials&scope=%22".into(),
            r#"400 {"error":"invalid_scope","error_description":"scope has a character that isn't allowed"}"#,
        ),
        (
            "no code",
            &reports,
            code_form(&[("code", "")]),
            r#"400 {"error":"invalid_request","error_description":"code is missing"}"#,
        ),
        (
            "unknown code",
            &reports,
            code_form(&[]),
            r#"400 {"error":"invalid_grant","error_description":"the code is unknown, has expired, was used before, or belongs to another client"}"#,
        ),
        (
            "no redirect_uri",
            &reports,
            code_form(&[("redirect_uri", "")]),
            r#"400 {"error":"invalid_request","error_description":"redirect_uri is missing"}"#,
        ),
        (
            "short verifier",
            &reports,
            code_form(&[("code_verifier", "short")]),
            r#"400 {"error":"invalid_request","error_description":"code_verifier must be 43 to 128 characters out of A-Z a-z 0-9 - . _ ~"}"#,
        ),
        (
            "wrong encoding",
            &reports,
            "grant_type=%zz".into(),
            r#"400 {"error":"invalid_request","error_description":"the body is wrongly encoded"}"#,
        ),
        (
            "not UTF-8",
            &reports,
            "grant_type=%ff".into(),
            r#"400 {"error":"invalid_request","error_description":"the body is wrongly encoded"}"#,
        ),
        (
            "huge",
            &reports,
            format!("grant_type={long}"),
            r#"413 {"error":"invalid_request","error_description":"the body is larger than 16 KiB"}"#,
        ),
        (
            "no client",
            "",
            code_form(&[]),
            r#"401 {"error":"invalid_client","error_description":"the request names no client"}"#,
        ),
        ("unknown client", &nobody, code_form(&[]), client_error),
        ("wrong secret", &wrong, code_form(&[]), client_error),
        (
            "empty secret",
            &empty,
            code_form(&[]),
            r#"401 {"error":"invalid_client","error_description":"the Authorization header must be HTTP Basic with client id and secret"}"#,
        ),
        ("no secret", "", code_form(&[("client_id", "reports")]), client_error),
        (
            "secret in the form instead",
            "",
            code_form(&[("client_id", "reports"), ("client_secret", SECRET)]),
            client_error,
        ),
        (
            "two ways at once",
            &reports,
            code_form(&[("client_secret", SECRET)]),
            r#"400 {"error":"invalid_request","error_description":"the client authenticates in more than one way; use one"}"#,
        ),
        (
            "two clients at once",
            &reports,
            code_form(&[("client_id", "robot")]),
            r#"400 {"error":"invalid_request","error_description":"client_id is not that of the Authorization header"}"#,
        ),
        (
            "bearer for basic",
            "Bearer abc",
            code_form(&[]),
            r#"401 {"error":"invalid_client","error_description":"the Authorization header must be HTTP Basic with client id and secret"}"#,
        ),
        (
            "assertion of another type",
            "",
            code_form(&[("client_assertion", "a.b.c")]),
            r#"400 {"error":"invalid_request","error_description":"client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}"#,
        ),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.client(&tenant, "reports", |_| {}).await;
        world.service(&tenant, "robot").await;
        for (name, authorization, form, expected) in &cases {
            let headers: &[(&str, &str)] = &[("authorization", authorization)];
            let headers = if authorization.is_empty() { &[] } else { headers };
            let answer = world.post("/token", headers, form).await;
            assert_eq!(answer.snapshot(), **expected, "{name}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{name}");
            let challenged = answer.header("www-authenticate").is_some();
            assert_eq!(challenged, answer.status == StatusCode::UNAUTHORIZED, "{name}");
        }
    }
}

#[tokio::test]
async fn other_media_types_and_methods_are_refused() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let json = request("POST", "/token", &[("content-type", "application/json")], b"{}".to_vec());
        assert_eq!(
            world.send(json).await.snapshot(),
            r#"400 {"error":"invalid_request","error_description":"the body must be application/x-www-form-urlencoded"}"#
        );
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let answer = world.send(request(method, "/token", &[], Vec::new())).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method}");
        }
    }
}

/// Each way to redeem a code wrongly is refused and leaves the code good for the right way.
#[tokio::test]
async fn a_wrong_redemption_changes_nothing() {
    let good = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    let other_verifier = VERIFIER.replace('0', "1");
    let changes: Vec<(&str, &str, &str, &str)> = vec![
        ("another client", "other", "redirect_uri", CALLBACK),
        ("another redirect URI", "reports", "redirect_uri", "https://client.example.com/callback2"),
        ("a redirect URI with a slash", "reports", "redirect_uri", "https://client.example.com/callback/"),
        ("another verifier", "reports", "code_verifier", &other_verifier),
        ("no verifier", "reports", "code_verifier", ""),
    ];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world.user(&tenant, "ada@example.com").await;
        world.client(&tenant, "reports", |_| {}).await;
        world.client(&tenant, "other", |_| {}).await;
        let code = Browser::new(&world, "").code("reports", "ada@example.com").await;
        for (name, client, parameter, value) in &changes {
            let mut form = good.to_vec();
            form.retain(|(found, _)| found != parameter);
            form.push((parameter, value));
            form.push(("code", &code));
            let answer = world.post("/token", &[("authorization", &basic(client, SECRET))], &encode(&form)).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {}", answer.body);
            assert_eq!(answer.json()["error"], "invalid_grant", "{name}");
        }
        assert_eq!(redeem(&world, "", "reports", &code).await.status, StatusCode::OK);
    }
}

/// Every client authentication method with every other method's credentials.
#[tokio::test]
async fn a_client_authenticates_by_its_registered_method_alone() {
    let methods = [ClientAuthMethod::ClientSecretBasic, ClientAuthMethod::ClientSecretPost, ClientAuthMethod::None];
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        for registered in methods {
            let id = registered.as_str();
            world.client(&tenant, id, |metadata| metadata.token_endpoint_auth_method = registered).await;
            for used in methods {
                let mut form = vec![("grant_type", "authorization_code"), ("code", "x"), ("redirect_uri", CALLBACK)];
                let header = basic(id, SECRET);
                let headers = [("authorization", header.as_str())];
                let headers = if used == ClientAuthMethod::ClientSecretBasic { &headers[..] } else { &[] };
                if used != ClientAuthMethod::ClientSecretBasic {
                    form.push(("client_id", id));
                }
                if used == ClientAuthMethod::ClientSecretPost {
                    form.push(("client_secret", SECRET));
                }
                let answer = world.post("/token", headers, &encode(&form)).await;
                let expected = if used == registered { "invalid_grant" } else { "invalid_client" };
                assert_eq!(answer.json()["error"], expected, "{registered:?} by {used:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_secret_may_come_either_way_where_the_registration_leaves_it_open() {
    use idp::domain::client::SecretTransport;
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let tenant = world.tenant().await;
        world
            .client(&tenant, "easy", |metadata| {
                metadata.grant_types = [idp::domain::client::GrantType::ClientCredentials].into();
                metadata.secret_transport = SecretTransport::Either;
            })
            .await;
        let form = [("grant_type", "client_credentials")];
        let header = world.post("/token", &[("authorization", &basic("easy", SECRET))], &encode(&form)).await;
        assert_eq!(header.status, StatusCode::OK, "{}", header.body);
        let named = [form[0], ("client_id", "easy")];
        let in_form = world.post("/token", &[], &encode(&[&named[..], &[("client_secret", SECRET)]].concat())).await;
        assert_eq!(in_form.status, StatusCode::OK, "{}", in_form.body);
        let without = world.post("/token", &[], &encode(&named)).await;
        assert_eq!(without.json()["error"], "invalid_client");
    }
}
