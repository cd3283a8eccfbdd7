//! The OpenAPI document: as checked in, whole, and true.

use idp::config::RateLimits;
use idp::domain::client::{ClientProfile, GrantType};
use std::collections::{BTreeMap, BTreeSet};

use idp::http::openapi_service::openapi_document;
use idp::route;
use poem::http::StatusCode;
use serde_json::Value;

use super::code_flow::redeem;
use crate::support::databases;
use crate::support::world::{Browser, PASSWORD, SECRET, World, basic};

fn document() -> Value {
    serde_json::from_str(&openapi_document().unwrap()).unwrap()
}

#[test]
fn the_document_is_the_one_that_is_checked_in() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../openapi/documents/signet.json");
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == openapi_document().unwrap(),
        "the API has changed: look at the difference after `signet openapi > openapi/documents/signet.json`"
    );
}

#[tokio::test]
async fn the_document_is_served() {
    for database in databases().await {
        let world = World::on(database.open().await).await;
        let answer = world.get("/openapi.json", &[]).await;
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, openapi_document().unwrap());
    }
}

/// What a client registers, as docs/specifications.md has it: the names in its first column, and the state of each.
fn registered_members(page: &str) -> BTreeMap<&str, &str> {
    let (_, table) = page.split_once("## What a client registers\n").unwrap();
    let rows = table.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with("| `"));
    let names = rows.flat_map(|row| {
        let mut cells = row.split(" | ");
        let (names, state) = (cells.next().unwrap(), cells.next().unwrap());
        names.split('`').skip(1).step_by(2).map(move |name| (name, state))
    });
    names.collect()
}

#[test]
fn the_page_on_specifications_has_every_member_of_a_client_and_no_other() {
    /// What other servers take and this one has anyway.
    const IMPLIED: [&str; 2] = ["response_types", "require_auth_time"];
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/specifications.md");
    let page = std::fs::read_to_string(page).unwrap();
    let on_page = registered_members(&page);
    let document = document();
    let schema = document["components"]["schemas"]["Client"]["properties"].as_object().unwrap();
    let members: BTreeSet<&str> = schema.keys().map(String::as_str).collect();
    let there = on_page.iter().filter(|(_, state)| **state == "there").map(|(name, _)| *name);
    let there: BTreeSet<&str> = there.filter(|name| !IMPLIED.contains(name)).collect();
    let unsaid: Vec<_> = members.difference(&there).collect();
    let unfounded: Vec<_> = there.difference(&members).collect();
    assert!(unsaid.is_empty(), "the page doesn't have as there: {unsaid:?}");
    assert!(unfounded.is_empty(), "the page has as there what no client has: {unfounded:?}");
    assert!(IMPLIED.iter().all(|name| on_page.get(name) == Some(&"there") && !members.contains(name)));
}

fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(target) if name == "$ref" => found.push(target),
                    _ => references(member, found),
                }
            }
        }
        Value::Array(members) => members.iter().for_each(|member| references(member, found)),
        _ => {}
    }
}

#[test]
fn every_reference_has_its_target_and_every_schema_its_reference() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for target in &found {
        let pointer = target.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{target}");
    }
    let used: BTreeSet<&str> = found.into_iter().collect();
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(used.contains(&*format!("#/components/schemas/{name}")), "nobody refers to {name}");
    }
}

#[test]
fn every_operation_under_a_limit_says_how_it_refuses_and_that_storage_may_fail() {
    let document = document();
    let mut under_a_limit = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let refusal = &operation["responses"]["429"];
            assert_eq!(refusal.is_object(), route::of(path).limit.is_some(), "{method} {path}");
            if !refusal.is_object() {
                continue;
            }
            under_a_limit += 1;
            for name in ["RateLimit", "RateLimit-Policy", "Retry-After"] {
                let header = &refusal["headers"][name]["$ref"];
                assert_eq!(header, &format!("#/components/headers/{name}"), "{method} {path}");
            }
            assert!(refusal["content"].is_object(), "{method} {path}");
            assert!(operation["responses"]["503"].is_object(), "{method} {path}");
        }
    }
    assert!(under_a_limit > 50, "{under_a_limit}");
}

#[test]
fn every_operation_says_what_it_is_and_what_it_answers() {
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(!operation["summary"].as_str().unwrap().is_empty(), "{method} {path}");
            assert!(!operation["tags"].as_array().unwrap().is_empty(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(!response["description"].as_str().unwrap().is_empty(), "{method} {path} {status}");
            }
        }
    }
}

/// The statuses that the document has for an operation.
fn documented(path: &str, method: &str) -> BTreeSet<u16> {
    let document = document();
    let responses = document["paths"][path][method]["responses"].as_object().unwrap();
    responses.keys().map(|status| status.parse().unwrap()).collect()
}

#[tokio::test]
async fn the_documented_statuses_are_those_that_are_seen() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        let tenant = world.tenant().await;
        world.service(&tenant, "robot").await;
        let mut browser = Browser::new(&world, "");
        let mut token = BTreeSet::new();
        let mut userinfo = BTreeSet::new();

        let code = browser.code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &code).await;
        token.insert(tokens.status.as_u16());
        token.insert(redeem(&world, "", "reports", &code).await.status.as_u16());
        token.insert(redeem(&world, "", "nobody", &code).await.status.as_u16());
        let huge = format!("access_token={}", "x".repeat(20_000));
        token.insert(world.post("/token", &[], &huge).await.status.as_u16());

        let fresh = Browser::new(&world, "").code("reports", "ada@example.com").await;
        let tokens = redeem(&world, "", "reports", &fresh).await.json();
        let mut other = Browser::new(&world, "");
        let start = other.authorize("reports", &[("scope", "email")]).await;
        let allowed = other.sign_in(&start, "ada@example.com", PASSWORD).await;
        let narrow = redeem(&world, "", "reports", &allowed.returned("code").unwrap()).await.json();
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        let narrow = format!("Bearer {}", narrow["access_token"].as_str().unwrap());
        let (whole, narrow) = (("authorization", bearer.as_str()), ("authorization", narrow.as_str()));
        for headers in [vec![whole], vec![narrow], vec![], vec![whole, whole]] {
            userinfo.insert(world.get("/userinfo", &headers).await.status.as_u16());
        }

        world
            .client(&tenant, "old", |metadata| {
                metadata.profile = ClientProfile::Compat;
                metadata.grant_types = [GrantType::Password].into();
            })
            .await;
        let old = [("authorization", &*basic("old", SECRET))];
        for _ in 0..11 {
            let guess = "grant_type=password&username=nobody&password=x";
            token.insert(world.post("/token", &old, guess).await.status.as_u16());
        }

        let too_large = world.post("/userinfo", &[], &huge).await.status.as_u16();

        let strict = world.peer_with(database.open().await, |config| {
            config.rate_limits = RateLimits { enabled: true, loopback: true, userinfo: 1, ..RateLimits::default() };
        });
        for _ in 0..2 {
            userinfo.insert(strict.get("/userinfo", &[whole]).await.status.as_u16());
        }
        strict.ctx.database.close().await;

        world.ctx.database.close().await;
        world.ctx.clients.invalidate_all();
        let robot = [("authorization", &*basic("robot", SECRET))];
        for (path, seen) in [("/token", &mut token), ("/userinfo", &mut userinfo)] {
            let answer = match path {
                "/token" => world.post(path, &robot, "grant_type=client_credentials").await,
                _ => world.get(path, &[whole]).await,
            };
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {}", answer.body);
            assert_eq!(answer.json()["error"], "temporarily_unavailable");
            assert_eq!(answer.header("retry-after"), Some("1"), "{path}");
            seen.insert(answer.status.as_u16());
        }
        assert_eq!(token, documented("/token", "post"));
        assert_eq!(userinfo, documented("/userinfo", "get"));
        userinfo.insert(too_large);
        assert_eq!(userinfo, documented("/userinfo", "post"));
    }
}
