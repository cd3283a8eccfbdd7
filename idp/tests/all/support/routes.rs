//! Every operation of the OpenAPI document, and every page of the route table with each of its methods.

use idp::http::openapi_service::openapi_document;
use idp::route::{Audience, ROUTES};
use poem::http::Method;
use serde_json::Value;

/// An id that nothing has.
const NO_ID: &str = "00000000-0000-7000-8000-000000000000";

/// An address, and a method that it takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    pub(crate) method: String,
    /// With its parameters in braces.
    pub(crate) path: String,
    /// What the document calls the kind of token that it wants.
    pub(crate) scheme: Option<String>,
}

impl Route {
    fn new(method: &str, path: &str) -> Self {
        Self { method: method.to_uppercase(), path: path.to_owned(), scheme: None }
    }

    /// `GET /authorize`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path with ids that nothing has.
    pub(crate) fn at(&self) -> String {
        let named = self.path.split('/').map(|part| if part.starts_with('{') { NO_ID } else { part });
        named.collect::<Vec<_>>().join("/").replace("{file}", "css")
    }

    /// Whether people open it.
    pub(crate) fn is_page(&self) -> bool {
        idp::route::of(&self.path).audience == Audience::Page
    }
}

/// All of them.
pub(crate) fn all() -> Vec<Route> {
    let document: Value = serde_json::from_str(&openapi_document().unwrap()).unwrap();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schemes = operation["security"].as_array().into_iter().flatten();
            let scheme = schemes.filter_map(Value::as_object).flat_map(|scheme| scheme.keys().cloned()).next();
            found.push(Route { scheme, ..Route::new(method, path) });
        }
    }
    for page in ROUTES.iter().filter(|route| route.audience == Audience::Page) {
        let methods = page.methods.iter().filter(|method| **method != Method::HEAD);
        found.extend(methods.map(|method| Route::new(method.as_str(), page.path)));
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}
