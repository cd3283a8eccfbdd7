//! Everything over HTTP, from the outside.

mod accounts;
mod authorize;
pub(crate) mod claims;
mod client_assertion;
mod client_methods;
mod client_secret_jwt;
pub(crate) mod code_flow;
mod consent;
mod form_post;
pub(crate) mod gates;
mod headers;
mod hints;
mod id_token;
pub(crate) mod jose;
mod jwks_uri;
mod limits;
mod login;
mod metadata;
mod openapi;
mod pairwise;
mod request_object;
mod request_uri;
mod sessions;
mod signed_userinfo;
mod tenants;
mod token;
pub(crate) mod userinfo;
