//! The documents that a registration names: whether they can be fetched at all, and what the sector document says.

use std::collections::BTreeSet;

use thiserror::Error;

use super::ctx::Ctx;
use super::outbound::OutboundError;
use crate::domain::client::ClientMetadata;

/// The longest sector document, in bytes.
const MAX_SECTOR_DOCUMENT: usize = 64 * 1024;

/// What is wrong with a document that a registration names.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// It can't be fetched.
    #[error("{field}: {error}")]
    Unfetched {
        /// The field that names it.
        field: &'static str,
        /// Why.
        error: OutboundError,
    },
    /// The sector document is something else.
    #[error("sector_identifier_uri: the document there must be a JSON array of redirect URIs")]
    SectorDocument,
    /// The sector document leaves a redirect URI out (OpenID Connect Registration §5).
    #[error("sector_identifier_uri: the document there doesn't list the redirect URI {0}")]
    NotInSector(String),
}

/// Checks what a registration that is valid in itself says of the world. Keys aren't fetched: they may come later.
pub async fn check(ctx: &Ctx, metadata: &ClientMetadata) -> Result<(), DocumentError> {
    let request_uris = metadata.request_uris.iter().map(|uri| ("request_uris", uri));
    let jwks_uri = metadata.jwks_uri.iter().map(|uri| ("jwks_uri", uri));
    let backchannel = metadata.backchannel_logout_uri.iter().map(|uri| ("backchannel_logout_uri", uri));
    for (field, uri) in request_uris.chain(jwks_uri).chain(backchannel) {
        ctx.outbound.check(uri).map_err(|error| DocumentError::Unfetched { field, error })?;
    }
    let Some(uri) = &metadata.sector_identifier_uri else { return Ok(()) };
    let fetched = ctx.outbound.get(uri, "application/json", MAX_SECTOR_DOCUMENT).await;
    let fetched = fetched.map_err(|error| DocumentError::Unfetched { field: "sector_identifier_uri", error })?;
    let listed: BTreeSet<String> = serde_json::from_slice(&fetched.body).map_err(|_| DocumentError::SectorDocument)?;
    match metadata.redirect_uris.iter().find(|uri| !listed.contains(uri.as_str())) {
        Some(missing) => Err(DocumentError::NotInSector(missing.as_str().to_owned())),
        None => Ok(()),
    }
}
