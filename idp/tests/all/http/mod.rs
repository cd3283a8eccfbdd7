//! Everything over HTTP, from the outside.

mod authorize;
mod client_assertion;
pub(crate) mod code_flow;
pub(crate) mod jose;
mod metadata;
mod openapi;
mod tenants;
mod token;
mod userinfo;
