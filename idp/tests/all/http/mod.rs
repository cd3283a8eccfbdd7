//! Everything over HTTP, from the outside.

mod authorize;
mod client_assertion;
pub(crate) mod code_flow;
mod consent;
mod gates;
mod headers;
pub(crate) mod jose;
mod limits;
mod login;
mod metadata;
mod openapi;
mod sessions;
mod tenants;
mod token;
mod userinfo;
