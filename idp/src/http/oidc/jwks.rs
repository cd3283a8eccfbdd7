//! `/jwks` and `/.well-known/jwks.json` (RFC 7517 §5): bytes that were made once.

use std::sync::Arc;

use bytes::Bytes;

use crate::http::ready::Document;
use crate::http::site::Site;
use crate::service::ctx::Ctx;
use crate::service::{Failure, key_rings};

/// The tenant's public keys.
pub async fn document(ctx: &Ctx, site: &Site) -> Result<Document, Failure> {
    let ring = key_rings::ring(ctx, site.tenant.id).await?;
    let bytes = Bytes::from_owner(Arc::clone(ring.jwks()));
    Ok(site.metadata.beside(bytes, ring.etag()))
}
