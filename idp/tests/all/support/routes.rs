//! Every address within a tenant with each of its methods, as the OpenAPI document, the list of pages and that of the
//! account console have them: what is to hold everywhere is asked of all of these.

use idp::http::account;
use idp::http::routes::{PAGES, openapi_document};
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
        named.collect::<Vec<_>>().join("/").replace(":rest", "css")
    }

    /// Whether people open it.
    pub(crate) fn is_page(&self) -> bool {
        PAGES.iter().any(|(path, _)| *path == self.path) || self.path.starts_with("/account")
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
    for (path, methods) in PAGES {
        found.extend(methods.iter().map(|method| Route::new(method, path)));
    }
    for address in account::ADDRESSES {
        found.extend(address.get.then(|| Route::new("GET", address.path)));
        found.extend(address.post.then(|| Route::new("POST", address.path)));
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}
