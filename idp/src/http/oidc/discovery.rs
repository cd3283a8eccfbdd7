//! `/.well-known/openid-configuration` (OpenID Connect Discovery §4) and `/.well-known/oauth-authorization-server`
//! (RFC 8414 §3): bytes that were made once.

use crate::http::ready::Document;
use crate::http::site::Site;

/// The metadata of the tenant's issuer.
pub fn document(site: &Site) -> &Document {
    &site.metadata
}
