//! The short way to what programs ask most: keys and metadata, claims, what a token is worth, tokens. It is taken as soon
//! as a request's head is there; all that is made for the others (the framework's request, the layers around the
//! routes, the search among them) would cost as much as these answers do.
//!
//! The same endpoints stand in the OpenAPI service, which describes them and answers whatever isn't plain: other methods,
//! tenants that aren't there, a token that doesn't hold.

use std::sync::Arc;

use poem::http::{HeaderValue, header};
use poem::{Endpoint, Request, Response};

use super::extract::oauth_form;
use super::extract::visit::{Call, caller};
use super::methods;
use super::oidc::{discovery, introspect, jwks, token, userinfo};
use super::rate_limit;
use super::ready::{Ready, whole};
use super::server::{Asked, Served};
use super::site::{Site, Tenants, split_tenant};
use crate::http::error::oauth::OAuthError;
use crate::route::{self, FastPath};
use crate::service::ctx::Ctx;

/// The short way, and all the others.
pub struct Hot<E> {
    pub(super) ctx: Ctx,
    pub(super) tenants: Tenants,
    pub(super) rest: E,
}

impl<E: Endpoint<Output = Response> + 'static> Served for Hot<E> {
    type Rest = E;

    async fn ready(&self, asked: &mut Asked<'_>) -> Option<Ready> {
        let (slug, path) = split_tenant(asked.path).ok()?.map_or((None, None), |(slug, path)| (Some(slug), Some(path)));
        let path = path.as_deref().unwrap_or(asked.path);
        let route = route::of(path);
        let endpoint = route.fast_path_of(asked.method)?;
        let site = self.tenants.site(&self.ctx, slug.as_ref()).await.ok()?;
        let usage = rate_limit::count(&self.ctx, site.tenant.id, route, asked.client).await;
        let answer = async |asked| self.answer(endpoint, site, asked).await;
        let refuse = async |_, usage| Some(OAuthError::too_many_requests(usage).into_ready());
        let mut answer = rate_limit::hold(usage, asked, answer, refuse).await?;
        methods::open(route, answer.headers_mut());
        answer.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Some(answer)
    }

    fn rest(&self) -> &E {
        &self.rest
    }
}

impl<E> Hot<E> {
    async fn answer(&self, endpoint: FastPath, site: Arc<Site>, asked: &mut Asked<'_>) -> Option<Ready> {
        Some(match endpoint {
            FastPath::Metadata => discovery::document(&site).answer(asked.headers),
            FastPath::Jwks => jwks::document(&self.ctx, &site).await.ok()?.answer(asked.headers),
            // Not left to the others, who would count it again.
            FastPath::Userinfo => {
                let caller = || caller(asked.headers, asked.client);
                let claims = userinfo::answer(&self.ctx, &site.tenant, caller, asked.headers, None).await;
                claims.unwrap_or_else(OAuthError::into_ready)
            }
            FastPath::Introspect | FastPath::Token => {
                let call = Call { ctx: self.ctx.clone(), site, caller: caller(asked.headers, asked.client) };
                // From here on there is no other way: the body is read once.
                let form = oauth_form::read(asked.headers, std::mem::take(asked.body)).await.map_err(OAuthError::form);
                let answered = match form {
                    Ok(form) if endpoint == FastPath::Token => token::answer(&call, asked.headers, &form).await,
                    Ok(form) => introspect::answer(&call, asked.headers, &form).await,
                    Err(error) => Err(error),
                };
                answered.unwrap_or_else(OAuthError::into_ready)
            }
        })
    }
}

/// For callers in this process, who have the framework's request.
impl<E: Endpoint<Output = Response> + 'static> Endpoint for Hot<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let mut body = request.take_body();
        let client = super::server::ClientAddress::of(&request).map(super::server::ClientAddress::ip);
        if let Some(client) = client {
            let (method, path, headers) = (request.method(), request.uri().path(), request.headers());
            if let Some(ready) = self.ready(&mut Asked { method, path, headers, client, body: &mut body }).await {
                return Ok(whole(ready));
            }
        }
        request.set_body(body);
        self.rest.call(request).await
    }
}
