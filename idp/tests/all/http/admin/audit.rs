//! The audit log at `/v1/admin`.

use std::collections::BTreeSet;
use std::time::Duration;

use idp::domain::client::ClientAuthMethod;
use idp::service::audit_log;
use poem::http::StatusCode;
use serde_json::{Value, json};

use super::{Api, Operation, SCOPES, operations, service_token};
use crate::http::code_flow::redeem;
use crate::support::database::TestDatabase;
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, SECRET, World, basic, encode, request};

async fn found(api: &Api<'_>, query: &str) -> Vec<Value> {
    let answer = api.get(&format!("/audit{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
    answer.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn it_is_searched_by_all_that_a_line_says() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.pass(Duration::from_mins(1));
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, "ada@example.com", "not her password").await;
        world.pass(Duration::from_mins(1));
        Browser::new(&world, "").code("reports", "ada@example.com").await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let user = user.as_str().unwrap();

        let refused = found(&api, "?outcome=refused").await;
        assert_eq!(refused.len(), 1);
        let mut line = refused[0].clone();
        let id = line.as_object_mut().unwrap().remove("audit_id").unwrap();
        assert!(id.as_str().unwrap().parse::<uuid::Uuid>().is_ok());
        assert_eq!(
            line,
            json!({
                "time": "2030-01-01T00:01:00Z", "timestamp": 1_893_456_060_000_i64, "kind": "user.sign_in",
                "outcome": "refused", "user_id": user, "client_id": "reports", "address": "127.0.0.1",
                "detail": { "login": "ada@example.com", "amr": ["pwd"] },
            })
        );
        let kinds = async |query: &str| {
            found(&api, query).await.iter().map(|line| line["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let mut since = kinds("?since=2030-01-01T00:01:30Z").await;
        since.sort();
        assert_eq!(since, ["code.issued", "consent.answered", "user.sign_in"]);
        assert_eq!(kinds("?until=2030-01-01T00:01:30%2B01:00").await, [""; 0]);
        assert_eq!(kinds("?kind=user.sign_in").await, ["user.sign_in"; 2]);
        assert_eq!(kinds("?kind=user.sign_in&outcome=success&client_id=reports").await, ["user.sign_in"]);
        assert_eq!(kinds(&format!("?user_id={user}&actor=test")).await, ["user.created"]);
        assert_eq!(kinds("?address=127.0.0.1&kind=code.issued").await, ["code.issued"]);
        assert_eq!(kinds("?client_id=nobody").await, [""; 0]);
        assert_eq!(kinds("?actor=a%00b").await, [""; 0]);
    }
}

#[tokio::test]
async fn it_comes_in_parts_and_none_is_left_out() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for _ in 0..5 {
            // Some at the same time, some not.
            for _ in 0..2 {
                Browser::new(&world, "").code("reports", "ada@example.com").await;
            }
            world.pass(Duration::from_millis(1));
        }
        let all = found(&api, "?limit=200").await;
        let mut parts = Vec::new();
        let mut query = "?limit=3".to_owned();
        loop {
            let part = api.get(&format!("/audit{query}")).await.json();
            parts.extend(part["items"].as_array().unwrap().clone());
            let Some(next) = part["next_cursor"].as_str() else { break };
            query = format!("?limit=3&cursor={next}");
        }
        assert_eq!(parts, all);
        assert!(all.len() > 20);
        assert!(all.is_sorted_by_key(|line| -line["timestamp"].as_i64().unwrap()));
    }
}

#[tokio::test]
async fn what_cannot_be_understood_is_said_so() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        for (query, text) in [
            ("?limit=0", "limit"),
            ("?limit=201", "limit"),
            ("?cursor=x", "cursor: must be the next_cursor"),
            ("?cursor=1.x", "cursor: must be the next_cursor"),
            ("?kind=user", "There is no kind"),
            ("?outcome=maybe", "outcome: must be success, refused or failed"),
            ("?user_id=ada", "user_id: must be a UUID"),
            ("?client_id=%0a", "client_id: must be 1 to 128"),
            ("?since=yesterday", "since: must be a time such as"),
            ("?until=2030-13-01T00:00:00Z", "until: must be a time such as"),
        ] {
            let answer = api.get(&format!("/audit{query}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}: {}", answer.body);
            assert!(answer.body.contains(text), "{query}: {}", answer.body);
        }
    }
}

/// Operations that change something only under a condition of their own; their tests say that it is in the log.
const ELSEWHERE: [&str; 2] = ["/webhooks/{endpoint_id}/replay", "/clients/{client_id}/logout-tokens/replay"];

#[tokio::test]
async fn every_change_by_the_admin_api_is_in_it_with_who_made_it_and_from_where() {
    for operation in operations().into_iter().filter(|operation| operation.method != "GET") {
        if ELSEWHERE.contains(&operation.path.as_str()) {
            continue;
        }
        let database = TestDatabase::sqlite().await;
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        Browser::new(&world, "").code("reports", "ada@example.com").await;
        let user = api.get("/users?email=ada@example.com").await.json()["items"][0]["user_id"].clone();
        let mut kids = Vec::new();
        for _ in 0..2 {
            kids.push(api.post("/keys", &json!({ "alg": "ES256" })).await.json()["kid"].as_str().unwrap().to_owned());
        }
        if operation.path.ends_with("/retire") {
            for kid in &kids {
                let activated = api.post(&format!("/keys/{kid}/activate"), &json!({ "emergency": true })).await;
                assert_eq!(activated.status, StatusCode::OK, "{}", activated.body);
            }
        }
        let hook = api.post("/webhooks", &json!({ "url": "https://x.example/hook" })).await.json();
        let session = api.get("/sessions").await.json()["items"][0]["session_id"].clone();
        let path = operation.path.replace("{endpoint_id}", hook["endpoint_id"].as_str().unwrap());
        let path = path.replace("{session_id}", session.as_str().unwrap());
        let operation = Operation { path, ..operation };
        world.pass(Duration::from_secs(1));
        let token = service_token(&world, "", "operator", &SCOPES.join(" ")).await;
        let api = api.with(&token);
        let path = operation.at(user.as_str().unwrap(), "reports", &kids[0]);
        let answer = if path.starts_with("/keys/") {
            api.post(&path, &json!({ "emergency": true })).await
        } else {
            operation.send(&api, &path).await
        };
        let name = format!("{} {path}", operation.method);
        assert!(answer.status.is_success(), "{name}: {}", answer.body);
        // A lock-down ends the token that it was asked with.
        world.pass(Duration::from_secs(1));
        let api = api.with(&service_token(&world, "", "operator", &SCOPES.join(" ")).await);
        let lines = found(&api, "?since=2030-01-01T00:00:01Z&actor=client:operator").await;
        assert!(!lines.is_empty(), "{name} leaves no line");
        for line in lines {
            assert_eq!(
                (&line["outcome"], &line["address"]),
                (&"success".into(), &"127.0.0.1".into()),
                "{name}: {line}"
            );
        }
    }
}

#[tokio::test]
async fn every_refusal_of_somebody_known_is_in_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "service").await;
        let api = Api::new(&world, &tenant).await;
        let newest = async || found(&api, "?outcome=refused&limit=1").await.pop();
        let (reports, service) = (basic("reports", SECRET), basic("service", SECRET));
        let wrong = basic("reports", "not the secret, but as long as one would be");
        for (credentials, form, kind, client, error) in [
            (&wrong, "grant_type=authorization_code&code=x", "client.authentication", "reports", None),
            (
                &reports,
                "grant_type=authorization_code&code=x&redirect_uri=x&code_verifier=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "token.refused",
                "reports",
                Some("invalid_grant"),
            ),
            (&reports, "grant_type=authorization_code", "token.refused", "reports", Some("invalid_request")),
            (&reports, "grant_type=client_credentials", "token.refused", "reports", Some("unauthorized_client")),
            (
                &reports,
                "grant_type=refresh_token&refresh_token=x",
                "token.refused",
                "reports",
                Some("unauthorized_client"),
            ),
            (&service, "grant_type=client_credentials&scope=more", "token.refused", "service", Some("invalid_scope")),
            (&service, "grant_type=client_credentials&resource=x", "token.refused", "service", Some("invalid_target")),
        ] {
            world.pass(Duration::from_secs(1));
            let answer = world.post("/token", &[("authorization", credentials)], form).await;
            assert!(answer.status.is_client_error(), "{form}: {}", answer.body);
            let line = newest().await.unwrap();
            let said = (&line["kind"], &line["client_id"], &line["address"]);
            assert_eq!(said, (&kind.into(), &client.into(), &"127.0.0.1".into()), "{form}: {line}");
            if let Some(error) = error {
                assert_eq!(line["detail"]["error"], error, "{form}: {line}");
            }
        }

        // At the endpoints about a token: another client's, none, one that can't be taken back, and who may not ask.
        world.client(&tenant, "other", |_| {}).await;
        world.client(&tenant, "spa", |metadata| metadata.token_endpoint_auth_method = ClientAuthMethod::None).await;
        world.client(&tenant, "mine", |_| {}).await;
        let code = Browser::new(&world, "").code("mine", "ada@example.com").await;
        let tokens = redeem(&world, "", "mine", &code).await.json();
        let form = |name: &str| encode(&[("token", tokens[name].as_str().unwrap())]);
        let (access, id_token) = (form("access_token"), form("id_token"));
        let by_name = format!("{access}&client_id=spa");
        let other = basic("other", SECRET);
        for (path, credentials, form, kind, client, error) in [
            ("/revoke", &*wrong, &*access, "client.authentication", "reports", None),
            ("/revoke", &other, &access, "token.revoked", "other", Some("invalid_grant")),
            ("/revoke", &reports, "token=", "token.revoked", "reports", Some("invalid_request")),
            ("/revoke", &reports, &id_token, "token.revoked", "reports", Some("unsupported_token_type")),
            ("/introspect", &wrong, &access, "client.authentication", "reports", None),
            ("/introspect", &reports, "", "introspection.refused", "reports", Some("invalid_request")),
            ("/introspect", "", &by_name, "introspection.refused", "spa", Some("invalid_client")),
        ] {
            world.pass(Duration::from_secs(1));
            let headers = [("authorization", credentials)];
            let answer = world.post(path, if credentials.is_empty() { &[] } else { &headers }, form).await;
            assert!(answer.status.is_client_error(), "{path} {form}: {}", answer.body);
            let line = newest().await.unwrap();
            let said = (&line["kind"], &line["client_id"], &line["address"]);
            assert_eq!(said, (&kind.into(), &client.into(), &"127.0.0.1".into()), "{path} {form}: {line}");
            if let Some(error) = error {
                assert_eq!(line["detail"], json!({ "error": error }), "{path} {form}: {line}");
            }
        }
        // What isn't active is no refusal: whoever asks may ask.
        let before = newest().await;
        world.post("/introspect", &[("authorization", &other)], &access).await;
        assert_eq!(newest().await, before);

        // At the sign-in page: a wrong password, nobody, and one too many.
        world.pass(Duration::from_mins(20));
        for (name, times) in [("ada@example.com", 11), ("nobody@example.com", 1)] {
            for attempt in 1..=times {
                world.pass(Duration::from_secs(1));
                let mut browser = Browser::new(&world, "");
                let start = browser.authorize("reports", &[]).await;
                browser.sign_in(&start, name, "not her password").await;
                let api = api.with(&service_token(&world, "", "operator", &SCOPES.join(" ")).await);
                let line = found(&api, "?outcome=refused&limit=1").await.pop().unwrap();
                assert_eq!((&line["kind"], &line["client_id"]), (&"user.sign_in".into(), &"reports".into()), "{line}");
                assert_eq!(line["detail"]["amr"], json!(["pwd"]), "by what they tried to prove themselves");
                let known = line["user_id"].is_string();
                assert_eq!(known, name == "ada@example.com" && attempt <= 10, "{attempt}: {line}");
            }
        }
        // What a person declines, and what a token isn't enough for.
        world.pass(Duration::from_mins(20));
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        let asked = browser.sign_in(&start, "ada@example.com", PASSWORD).await;
        browser.consent(&asked, "deny").await;
        let narrow = service_token(&world, "", "operator", "admin:audit:read").await;
        assert_eq!(api.with(&narrow).get("/users").await.status, StatusCode::FORBIDDEN);
        let lines = found(&api.with(&narrow), "?outcome=refused&limit=2").await;
        let kinds: BTreeSet<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["access.refused", "consent.answered"].into());
    }
}

/// By the app that asks.
#[tokio::test]
async fn every_refusal_of_the_first_party_api_is_in_it() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let newest = async || found(&api, "?outcome=refused&limit=1").await.pop();
        world.service(&world.tenant().await, "service").await;
        let service = basic("service", SECRET);
        world.pass(Duration::from_secs(1));
        world.post("/v1/auth/m2m/token", &[("authorization", &service)], "scope=more").await;
        let line = newest().await.unwrap();
        assert_eq!((&line["kind"], &line["detail"]["error"]), (&"token.refused".into(), &"invalid_scope".into()));
        let person = json!({ "email": "eve@example.com", "password": PASSWORD });
        let cookie = json!({ "email": "ada@example.com", "password": PASSWORD, "cookie": true });
        for (path, body, kind, error) in [
            ("refresh", json!({}), "token.refused", "invalid_request"),
            ("refresh", json!({ "refresh_token": "made up" }), "token.refused", "invalid_grant"),
            ("logout", json!({}), "session.ended", "invalid_request"),
            ("register", person.clone(), "user.created", "access_denied"),
            ("signup", person, "user.created", "access_denied"),
            ("register", json!({ "email": "eve", "password": "short" }), "user.created", "invalid_request"),
            ("login", cookie.clone(), "user.sign_in", "wrong_origin"),
            ("register", cookie, "user.created", "wrong_origin"),
        ] {
            world.pass(Duration::from_secs(1));
            let headers = [("content-type", "application/json"), ("origin", "https://elsewhere.example")];
            let sent = request("POST", &format!("/v1/auth/{path}"), &headers, body.to_string().into_bytes());
            let answer = world.send(sent).await;
            assert!(answer.status.is_client_error(), "{path} {body}: {}", answer.body);
            let line = newest().await.unwrap();
            let said = (&line["kind"], &line["client_id"], &line["address"]);
            assert_eq!(said, (&kind.into(), &"first-party".into(), &"127.0.0.1".into()), "{path} {body}: {line}");
            assert_eq!(line["detail"], json!({ "error": error }), "{path} {body}: {line}");
        }
    }
}

#[tokio::test]
async fn a_sign_in_is_in_it_with_its_factors() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let api = Api::new(&world, &world.tenant().await).await;
        let mut browser = Browser::new(&world, "");
        "198.51.100.7".clone_into(&mut browser.address);
        browser.code("reports", "ada@example.com").await;
        let lines = found(&api, "?kind=user.sign_in").await;
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((&line["outcome"], &line["address"]), (&"success".into(), &"198.51.100.7".into()));
        assert_eq!(line["detail"]["amr"], json!(["pwd"]));
        assert!(line["detail"]["sid"].is_string() && line["user_id"].is_string(), "{line}");
    }
}

/// What somebody calls themselves, or writes into any field that is kept, stays in its place.
#[tokio::test]
async fn no_name_forges_a_line() {
    const FORGED: &str = "eve\n2030-01-01T00:00:00Z user.sign_in success\r\u{202e}\u{2028}\u{1b}[2K\u{9b}\u{0}";
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        let api = Api::new(&world, &tenant).await;
        world.pass(Duration::from_secs(1));
        let since = "?since=2030-01-01T00:00:01Z&limit=200";
        let form = encode(&[("grant_type", "client_credentials"), ("scope", FORGED), ("client_id", FORGED)]);
        world.post("/token", &[("authorization", &basic("reports", FORGED))], &form).await;
        world.post("/token", &[], &encode(&[("grant_type", FORGED), ("client_id", FORGED)])).await;
        let mut browser = Browser::new(&world, "");
        let start = browser.authorize("reports", &[]).await;
        browser.sign_in(&start, FORGED, FORGED).await;
        api.post("/users", &json!({ "username": FORGED, "profile": { "name": FORGED } })).await;
        api.post("/clients", &json!({ "client_name": FORGED })).await;
        let named = json!({ "username": "eve", "profile": { "name": "e\u{202e}ve\u{2028}" } });
        assert_eq!(api.post("/users", &named).await.status, StatusCode::CREATED);
        let lines = api.get(&format!("/audit{since}")).await.body;
        assert!(lines.contains("user.created"), "{lines}");
        assert!(!lines.contains("eve\\n2030"), "nothing of it is kept as it was typed: {lines}");
        assert!(!lines.chars().any(char::is_control), "and in the answer nothing begins a line: {lines}");
        assert!(matches!(
            audit_log::verify(&world.ctx, tenant.id, None).await.unwrap(),
            audit_log::Verdict::Intact { .. }
        ));
    }
}

#[tokio::test]
async fn a_tenant_sees_its_own() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let home = Api::new(&world, &world.tenant().await).await;
        let acme = world.other_tenant("acme").await;
        let away = Api::new(&world, &acme).await;
        let (ours, theirs) = (found(&home, "?limit=200").await, found(&away, "?limit=200").await);
        assert!(!ours.is_empty() && !theirs.is_empty());
        assert!(ours.iter().all(|line| !theirs.contains(line)));
        assert!(found(&away, "?client_id=reports").await.is_empty());
    }
}
