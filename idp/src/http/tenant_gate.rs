//! The gate that finds the tenant of a request.
//!
//! It removes the tenant's prefix from the path, so that every route exists once and is the same for all tenants. A path
//! of another tenant can't be reached past it.

use std::sync::Arc;

use poem::http::uri::{PathAndQuery, Uri};
use poem::{Endpoint, IntoResponse, Request, Response};

use super::error::fallback;
use super::error::oauth::OAuthError;
use super::extract::cookies;
use super::matched_route;
use super::site::{NotATenant, Tenants, split_tenant};
use crate::route::{self, ErrorStyle};
use crate::service::ctx::Ctx;
use crate::service::tenants::TenantLookupError;

/// Finds the tenant of a request and hands it on, with the tenant's prefix taken off the path.
pub struct TenantGate<E> {
    inner: E,
    ctx: Ctx,
    tenants: Tenants,
}

impl<E> TenantGate<E> {
    /// Stands before the routes.
    pub fn new(ctx: Ctx, tenants: Tenants, inner: E) -> Self {
        Self { inner, ctx, tenants }
    }
}

impl<E: Endpoint> Endpoint for TenantGate<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let split = match split_tenant(request.uri().path()) {
            Ok(split) => split,
            Err(NotATenant) => return Ok(fallback::not_found(&request)),
        };
        let site = match self.tenants.site(&self.ctx, split.as_ref().map(|(slug, _)| slug)).await {
            Ok(site) => site,
            Err(TenantLookupError::Unknown) => return Ok(fallback::unknown_tenant(&request)),
            Err(TenantLookupError::Failure(failure)) => {
                let path = split.as_ref().map_or_else(|| request.uri().path(), |(_, path)| path);
                let oauth = (route::of(path).error_style == ErrorStyle::OAuth)
                    .then(|| OAuthError::from(failure).into_response());
                return Ok(oauth.unwrap_or_else(|| fallback::failure(&request, failure)));
            }
        };
        if let Some((_, path)) = split {
            let uri = with_path(request.uri(), &path);
            *request.uri_mut() = uri;
            matched_route::record(&mut request);
        }
        request.extensions_mut().insert(Arc::clone(&site));
        let mut response = self.inner.call(request).await.map(IntoResponse::into_response)?;
        cookies::follow_sessions(&mut response, &site.cookies);
        Ok(response)
    }
}

fn with_path(uri: &Uri, path: &str) -> Uri {
    let text = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(text).ok();
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
