//! `/.well-known/openid-configuration` (OpenID Connect Discovery §4) and `/.well-known/oauth-authorization-server`
//! (RFC 8414 §3): bytes that were made once.

use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;
use poem_openapi::types::Any;

use crate::http::error::oauth::OAuthErrorBody;
use crate::http::ready::Document;
use crate::http::site::Site;

/// The answers of an endpoint for a JSON document, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum DocumentAnswers {
    /// The document.
    #[oai(status = 200)]
    Document(Json<Any<serde_json::Value>>),
    /// You have it already.
    #[oai(status = 304)]
    NotModified,
    /// Come back later.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
}

/// The metadata of the tenant's issuer.
pub fn document(site: &Site) -> &Document {
    &site.metadata
}
