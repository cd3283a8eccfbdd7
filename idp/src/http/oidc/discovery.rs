//! `/.well-known/openid-configuration` (OpenID Connect Discovery §4) and `/.well-known/oauth-authorization-server`
//! (RFC 8414 §3): bytes that were made once.

use poem::{Request, Response};

use super::jwks::ready;
use crate::http::extract::visit::Call;

/// The metadata of the tenant's issuer.
pub fn get(call: &Call, request: &Request) -> Response {
    let document = &call.site.metadata;
    ready(request, document.bytes.clone(), &document.etag, call.ctx.config.tokens.jwks_max_age)
}
