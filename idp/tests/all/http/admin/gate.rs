//! The gate of the admin API: every route against every reason to refuse it, and every route against another tenant's
//! ids.

use std::time::Duration;

use idp::domain::client::{ClientStatus, GrantType};
use idp::domain::user::UserStatus;
use idp::service::{clients, users};
use poem::http::StatusCode;
use serde_json::Value;

use super::{Api, Operation, SCOPES, console, operations, operator, person_tokens, service_token};
use crate::support::databases;
use crate::support::world::{Answer, SECRET, World, basic, encode};

/// All scopes but one.
fn all_but(scope: &str) -> String {
    SCOPES.into_iter().filter(|known| *known != scope).collect::<Vec<_>>().join(" ")
}

/// Everything that the API shows: what must not change.
async fn state(api: &Api<'_>) -> Vec<Value> {
    let mut found = Vec::new();
    for path in ["/users", "/clients", "/keys"] {
        let mut list = api.get(path).await.json();
        for item in list["items"].as_array_mut().unwrap() {
            // Whoever signs in does something.
            item.as_object_mut().unwrap().remove("last_activity_at");
        }
        found.push(list);
    }
    found
}

#[track_caller]
fn refused(operation: &Operation, why: &str, answer: &Answer, status: u16, challenge: &str) {
    let Operation { method, path, scope, statuses } = operation;
    assert_eq!(answer.status.as_u16(), status, "{method} {path}, {why}: {}", answer.body);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{method} {path}, {why}");
    let expected = if challenge.is_empty() {
        format!(r#"Bearer realm="signet", scope="{scope}""#)
    } else {
        format!(r#"Bearer realm="signet", error="{challenge}", error_description="#)
    };
    let shown = answer.header("www-authenticate").unwrap();
    assert!(shown.starts_with(&expected), "{method} {path}, {why}: {shown}");
    assert!(shown.ends_with(&format!(r#"scope="{scope}""#)), "{method} {path}, {why}: {shown}");
    assert!(statuses.contains(&status), "{method} {path} doesn't document {status}");
}

#[tokio::test]
async fn every_route_is_closed_to_everybody_without_the_right() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let acme = world.other_tenant("acme").await;
        let foreign = Api::new(&world, &acme).await.token;
        console(&world, &tenant, "console").await;
        console(&world, &tenant, "closed").await;
        let all = SCOPES.join(" ");
        for (email, role) in [("boss@example.com", "admin"), ("off@example.com", "admin"), ("nobody@example.com", "x")]
        {
            world.person(&tenant, email, |new| new.roles = [role.to_owned()].into()).await;
        }
        for id in ["off", "again", "other-grant"] {
            operator(&world, &tenant, id, &all).await;
        }
        let api = Api::new(&world, &tenant).await;
        let expired = api.token.clone();
        let person_expired = person_tokens(&world, "", "console", "boss@example.com", &all).await;
        let deleted = person_tokens(&world, "", "closed", "boss@example.com", &all).await;
        world.pass(Duration::from_hours(1));

        let api = api.with(&service_token(&world, "", "operator", &all).await);
        let [off, again, other_grant] = [
            service_token(&world, "", "off", &all).await,
            service_token(&world, "", "again", &all).await,
            service_token(&world, "", "other-grant", &all).await,
        ];
        let nobody = person_tokens(&world, "", "console", "nobody@example.com", &all).await;
        let gone = person_tokens(&world, "", "console", "off@example.com", &all).await;
        let of_closed = person_tokens(&world, "", "closed", "boss@example.com", &all).await;
        let boss = person_tokens(&world, "", "console", "boss@example.com", &all).await;
        let for_others = world
            .post(
                "/token",
                &[("authorization", &basic("operator", SECRET))],
                &encode(&[("grant_type", "client_credentials")]),
            )
            .await
            .json();

        users::set_status(&world.ctx, &tenant, "off@example.com", UserStatus::Disabled, "test").await.unwrap();
        clients::set_status(&world.ctx, tenant.id, &"off".parse().unwrap(), ClientStatus::Disabled, "test")
            .await
            .unwrap();
        clients::set_status(&world.ctx, tenant.id, &"closed".parse().unwrap(), ClientStatus::Disabled, "test")
            .await
            .unwrap();
        let codes_only = |client: &idp::domain::client::Client| {
            let mut details = idp::domain::client_details::ClientDetails::from(client);
            details.metadata.grant_types = [GrantType::AuthorizationCode].into();
            details.metadata.redirect_uris = vec!["https://x.example/cb".parse().unwrap()];
            Ok::<_, clients::ClientChangeError>(details)
        };
        let other = "other-grant".parse().unwrap();
        clients::update(&world.ctx, tenant.id, &other, None, codes_only, "test").await.unwrap();
        world.pass(Duration::from_secs(1));
        clients::delete(&world.ctx, tenant.id, &"again".parse().unwrap(), "test").await.unwrap();
        operator(&world, &tenant, "again", &all).await;

        let text = |tokens: &Value, name: &str| tokens[name].as_str().unwrap().to_owned();
        let untouched = state(&api).await;
        let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id.to_string();
        let kid = untouched[2]["items"][0]["kid"].as_str().unwrap().to_owned();
        let tampered = format!("{}x", api.token);
        for operation in operations() {
            let path = operation.at(&user, "reports", &kid);
            let without = world
                .send(crate::support::world::request(&operation.method, &format!("/v1/admin{path}"), &[], Vec::new()))
                .await;
            refused(&operation, "no token", &without, 401, "");
            let narrow = service_token(&world, "", "operator", &all_but(&operation.scope)).await;
            let person_narrow =
                person_tokens(&world, "", "console", "boss@example.com", &all_but(&operation.scope)).await;
            for (why, token, status, challenge) in [
                ("nonsense", "nonsense".to_owned(), 401, "invalid_token"),
                ("tampered with", tampered.clone(), 401, "invalid_token"),
                ("expired", expired.clone(), 401, "invalid_token"),
                ("expired, a person's", text(&person_expired, "access_token"), 401, "invalid_token"),
                ("another tenant's", foreign.clone(), 401, "invalid_token"),
                ("for something else", text(&for_others, "access_token"), 401, "invalid_token"),
                ("an ID token", text(&boss, "id_token"), 401, "invalid_token"),
                ("a disabled client's", off.clone(), 401, "invalid_token"),
                ("of a client that was made anew", again.clone(), 401, "invalid_token"),
                ("of a client that isn't a service any more", other_grant.clone(), 401, "invalid_token"),
                ("a person's, of a disabled client", text(&of_closed, "access_token"), 401, "invalid_token"),
                ("a person's, of a disabled client, and old", text(&deleted, "access_token"), 401, "invalid_token"),
                ("a disabled person's", text(&gone, "access_token"), 401, "invalid_token"),
                ("without the scope", narrow, 403, "insufficient_scope"),
                ("a person's, without the scope", text(&person_narrow, "access_token"), 403, "insufficient_scope"),
                ("a person's, without the role", text(&nobody, "access_token"), 403, "insufficient_scope"),
            ] {
                let answer = operation.send(&api.with(&token), &path).await;
                refused(&operation, why, &answer, status, challenge);
            }
        }
        assert_eq!(state(&api).await, untouched, "something was changed");
    }
}

#[tokio::test]
async fn every_route_is_open_to_services_and_administrators_with_its_scope() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        console(&world, &tenant, "console").await;
        world.person(&tenant, "boss@example.com", |new| new.roles = ["admin".to_owned()].into()).await;
        // A lock-down ends the tokens that it is asked with.
        for operation in operations().into_iter().filter(|operation| operation.path != "/lock-down") {
            let service = service_token(&world, "", "operator", &operation.scope).await;
            let person = person_tokens(&world, "", "console", "boss@example.com", &operation.scope).await;
            for token in [&service, person["access_token"].as_str().unwrap()] {
                let path = operation.at("00000000-0000-7000-8000-000000000000", "no-such-client", "no-such-key");
                let answer = match operation.method.as_str() {
                    // Something that can't be, so that nothing is made.
                    "POST" if !operation.has_parameters() => {
                        api.with(token).post(&path, &serde_json::json!({ "bits": 1 })).await
                    }
                    _ => operation.send(&api.with(token), &path).await,
                };
                let status = answer.status.as_u16();
                let expected = match operation.method.as_str() {
                    "GET" if !operation.has_parameters() => 200,
                    "POST" if operation.path == "/keys" => 422,
                    "POST" if !operation.has_parameters() => 400,
                    _ => 404,
                };
                assert_eq!(status, expected, "{} {}: {}", operation.method, operation.path, answer.body);
                assert!(operation.statuses.contains(&status), "{} {} {status}", operation.method, operation.path);
            }
        }
    }
}

#[tokio::test]
async fn ids_of_one_tenant_are_nothing_in_another() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let home = Api::new(&world, &tenant).await;
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        let untouched = state(&home).await;
        let user = users::find(&world.ctx, &tenant, "ada@example.com").await.unwrap().id.to_string();
        let kid = untouched[2]["items"][0]["kid"].as_str().unwrap().to_owned();
        for operation in operations().into_iter().filter(Operation::has_parameters) {
            let answer = operation.send(&away, &operation.at(&user, "reports", &kid)).await;
            assert_eq!(
                answer.status,
                StatusCode::NOT_FOUND,
                "{} {}: {}",
                operation.method,
                operation.path,
                answer.body
            );
        }
        assert_eq!(state(&home).await, untouched, "something was changed");
        let listed = away.get("/users").await.json();
        assert_eq!(listed["items"], serde_json::json!([]), "lists have the tenant's own alone");
    }
}

#[tokio::test]
async fn what_was_taken_away_counts_at_once() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        console(&world, &tenant, "console").await;
        let boss = world.person(&tenant, "boss@example.com", |new| new.roles = ["admin".to_owned()].into()).await;
        let tokens = person_tokens(&world, "", "console", "boss@example.com", "admin:users:read").await;
        let as_boss = api.with(tokens["access_token"].as_str().unwrap());
        assert_eq!(as_boss.get("/users").await.status, StatusCode::OK);
        let path = format!("/users/{}", boss.id);
        assert_eq!(api.patch(&path, &serde_json::json!({ "roles": ["clerk"] })).await.status, StatusCode::OK);
        assert_eq!(as_boss.get("/users").await.status, StatusCode::FORBIDDEN, "the role");

        operator(&world, &tenant, "helper", "admin:users:read admin:keys:read").await;
        let helper = api.with(&service_token(&world, "", "helper", "admin:users:read admin:keys:read").await);
        assert_eq!(helper.get("/users").await.status, StatusCode::OK);
        let narrower = serde_json::json!({ "scope": "admin:keys:read" });
        assert_eq!(api.patch("/clients/helper", &narrower).await.status, StatusCode::OK);
        assert_eq!(helper.get("/users").await.status, StatusCode::FORBIDDEN, "the scope");
        assert_eq!(helper.get("/keys").await.status, StatusCode::OK);

        let person = world.person(&tenant, "chief@example.com", |new| new.roles = ["admin".to_owned()].into()).await;
        let tokens =
            person_tokens(&world, "", "console", "chief@example.com", "admin:users:read admin:keys:read").await;
        let chief = api.with(tokens["access_token"].as_str().unwrap());
        assert_eq!(chief.get(&format!("/users/{}", person.id)).await.status, StatusCode::OK);
        let narrower = serde_json::json!({ "scope": "openid admin:keys:read" });
        assert_eq!(api.patch("/clients/console", &narrower).await.status, StatusCode::OK);
        assert_eq!(chief.get("/users").await.status, StatusCode::FORBIDDEN, "the scope of a person's application");
        assert_eq!(chief.get("/keys").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_token_for_the_api_is_for_nothing_else() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        operator(&world, &tenant, "both", "reports:read admin:users:read").await;
        let ask = async |resource: &str| {
            let form = encode(&[("grant_type", "client_credentials"), ("resource", resource)]);
            world.post("/token", &[("authorization", &basic("both", SECRET))], &form).await
        };
        let answer = ask("http://127.0.0.1:8080/v1/admin").await.json();
        assert_eq!(answer["scope"], "admin:users:read", "no scope of something else");
        let claims = crate::support::world::payload(answer["access_token"].as_str().unwrap());
        assert_eq!(claims["aud"], "http://127.0.0.1:8080/v1/admin");
        for other in
            ["https://api.example.com", "http://127.0.0.1:8080/v1/admin/", "http://127.0.0.1:8080/t/acme/v1/admin"]
        {
            let answer = ask(other).await.snapshot();
            assert_eq!(
                answer,
                r#"400 {"error":"invalid_target","error_description":"resource must be the admin API's: the issuer and /v1/admin"}"#
            );
        }
    }
}
