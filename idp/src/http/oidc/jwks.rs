//! `/jwks` and `/.well-known/jwks.json` (RFC 7517 §5): bytes that were made once.

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::tenant::Tenant;
use crate::http::ready::Document;
use crate::service::ctx::Ctx;
use crate::service::{Failure, key_rings};

/// The tenant's public keys.
pub async fn document(ctx: &Ctx, tenant: &Tenant) -> Result<Document, Failure> {
    let ring = key_rings::ring(ctx, tenant.id).await?;
    let bytes = Bytes::from_owner(Arc::clone(ring.jwks()));
    Ok(Document::new(bytes, ring.etag(), ctx.config.tokens.jwks_max_age))
}
