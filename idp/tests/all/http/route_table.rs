//! The route table against the router, the OpenAPI document and the account console.

use std::collections::{BTreeMap, BTreeSet};

use idp::http::account;
use idp::http::openapi_service::openapi_document;
use idp::route::{Audience, Cors, ROUTES, Route};
use idp::telemetry::RouteLabel;
use poem::http::{Method, StatusCode};
use serde_json::Value;

use crate::support::databases;
use crate::support::world::{World, request};

const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE];

/// The rows that the public port serves.
fn public() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| route.audience != Audience::Management)
}

/// A path of the route.
fn example(route: &Route) -> String {
    let id = "00000000-0000-7000-8000-000000000000";
    let segments = route.path.split('/').map(|segment| if segment.starts_with('{') { id } else { segment });
    segments.collect::<Vec<_>>().join("/").replace("{file}", "css")
}

#[tokio::test]
async fn the_router_takes_the_methods_of_each_row_and_no_others() {
    for database in databases().await {
        let world = World::furnished(&database).await;
        for route in public() {
            let mut allow: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
            allow.extend((route.cors == Cors::AnyOrigin).then_some("OPTIONS"));
            for method in &METHODS {
                let answer = world.send(request(method.as_str(), &example(route), &[], Vec::new())).await;
                let name = format!("{method} {}", route.path);
                if route.methods.contains(method) {
                    assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{name}");
                } else {
                    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{name}: {}", answer.body);
                    assert_eq!(answer.header("allow"), Some(&*allow.join(", ")), "{name}");
                }
            }
        }
    }
}

#[test]
fn every_operation_of_the_document_has_a_row_and_the_reverse() {
    let document: Value = serde_json::from_str(&openapi_document().unwrap()).unwrap();
    let mut described: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let methods = operations.as_object().unwrap().keys().map(|method| method.to_uppercase());
        described.insert(path, methods.collect());
    }
    let is_described = |route: &&Route| {
        route.audience != Audience::Page && (route.audience != Audience::Shared || route.path.starts_with("/v1/"))
    };
    let mut rows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for route in public().filter(is_described) {
        let methods = route.methods.iter().filter(|method| **method != Method::HEAD).map(Method::to_string);
        rows.insert(route.path, methods.collect());
    }
    assert_eq!(rows, described);
}

#[test]
fn every_address_of_the_console_has_a_row() {
    for address in account::ADDRESSES {
        let route = idp::route::of(address.path);
        assert_eq!((route.path, route.audience), (address.path, Audience::Page));
        assert_eq!(address.get, route.methods.contains(&Method::GET), "{}", address.path);
        assert_eq!(address.post, route.methods.contains(&Method::POST), "{}", address.path);
    }
}

#[test]
fn each_path_has_one_row_and_is_its_own_label() {
    let paths: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
    assert_eq!(paths.len(), ROUTES.len());
    for path in paths {
        assert_eq!(idp::route::of(path).path, path);
        assert_eq!(RouteLabel::of(path).template(), path);
        assert_eq!(RouteLabel::of(&format!("/t/acme{path}")).template(), path);
    }
}
