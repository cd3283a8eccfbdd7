//! Everything over HTTP, from the outside.

mod accounts;
mod authorize;
mod client_assertion;
pub(crate) mod code_flow;
mod consent;
mod form_post;
mod gates;
mod headers;
mod hints;
pub(crate) mod jose;
mod limits;
mod login;
mod metadata;
mod openapi;
mod sessions;
mod tenants;
mod token;
mod userinfo;
