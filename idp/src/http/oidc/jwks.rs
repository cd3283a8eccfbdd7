//! `/jwks` and `/.well-known/jwks.json` (RFC 7517 §5): bytes that were made once.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};

use crate::http::error::oauth::OAuthError;
use crate::http::extract::visit::Call;
use crate::service::key_rings;

/// The tenant's public keys.
pub async fn get(call: &Call, request: &Request) -> Result<Response, OAuthError> {
    let ring = key_rings::ring(&call.ctx, call.tenant_id()).await?;
    let bytes = Bytes::from_owner(Arc::clone(ring.jwks()));
    Ok(ready(request, bytes, ring.etag(), call.ctx.config.tokens.jwks_max_age))
}

/// A document that everybody may read and keep, from any origin: 304 if they have it.
pub fn ready(request: &Request, bytes: Bytes, etag: &str, max_age: Duration) -> Response {
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let matches = |tag: &str| tag == "*" || tag.trim_start_matches("W/") == etag;
    let fresh = known.is_some_and(|known| known.split(',').map(str::trim).any(matches));
    let mut response = Response::default();
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Ok(control) = HeaderValue::try_from(format!("public, max-age={}", max_age.as_secs())) {
        headers.insert(header::CACHE_CONTROL, control);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if fresh {
        response.set_status(StatusCode::NOT_MODIFIED);
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.set_body(bytes);
    }
    response
}
