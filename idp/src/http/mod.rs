//! How the provider is reached: a folder per audience, a file per endpoint.

pub mod account;
pub mod admin;
pub mod api;
pub mod cross_origin;
pub mod error;
pub mod extract;
pub mod first_party;
pub mod health;
pub mod hot;
mod limit_headers;
pub mod management;
mod matched_route;
pub mod methods;
pub mod oidc;
#[expect(clippy::unused_async, reason = "the OpenAPI service takes async functions")]
pub mod openapi_service;
mod page_context;
pub mod pages;
pub mod rate_limit;
pub mod ready;
mod reference;
pub mod routes;
pub mod server;
pub mod site;
pub mod tenant_gate;
