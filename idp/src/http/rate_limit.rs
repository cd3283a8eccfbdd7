//! Limits on how much one address may ask, and how callers are told of them: `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10), and 429 with `Retry-After` (RFC 6585 §4) in the form of the endpoint's errors.
//!
//! Keys, metadata, assets, health and metrics have no limits: they cost less than counting them would, or are read by few.

use std::net::IpAddr;
use std::sync::Arc;

use openapi::problem::CONTENT_TYPE;
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};
use serde_json::{Map, Value, json};

use super::cross_origin;
use super::error::oauth::OAuthError;
use super::error::problem;
use super::pages::{ErrorPage, Failure};
use super::ready::Ready;
use super::server::ClientAddress;
use super::site::Site;
use super::{limit_headers, matched_route, methods, page_context};
use crate::domain::TenantId;
use crate::route::{self, Cors, ErrorStyle, Route};
use crate::service::ctx::Ctx;
use crate::service::rate_limits::Usage;

/// Says in the OpenAPI document, of every operation under a limit, that it may refuse for it, and by which headers it tells
/// of it.
pub fn describe(document: &mut Value) {
    let headers = json!({
        "RateLimit": {
            "description": "What is left of the limit, and in how many seconds more comes back.",
            "schema": { "type": "string" },
        },
        "RateLimit-Policy": {
            "description": "The limit: how many requests in how many seconds.",
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "In how many seconds to ask again.",
            "required": true,
            "schema": { "type": "integer" },
        },
    });
    let named = |name: &String| (name.clone(), json!({ "$ref": format!("#/components/headers/{name}") }));
    let told: Map<String, Value> = headers.as_object().into_iter().flat_map(Map::keys).map(named).collect();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (_, operations) in paths.into_iter().flatten().filter(|(path, _)| route::of(path).limit.is_some()) {
        let operations = operations.as_object_mut().into_iter().flat_map(Map::values_mut);
        for responses in operations.filter_map(|operation| operation.get_mut("responses")?.as_object_mut()) {
            let refusal = responses.entry("429").or_insert_with(|| {
                json!({
                    "description": "Too many requests, or attempts; Retry-After says when again.",
                    "content": { CONTENT_TYPE: { "schema": { "$ref": "#/components/schemas/Problem" } } },
                })
            });
            if let Some(refusal) = refusal.as_object_mut() {
                refusal.insert("headers".to_owned(), Value::Object(told.clone()));
            }
        }
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert("headers".to_owned(), headers);
    }
}

/// Counts a request; `None` if nothing limits it.
pub async fn count(ctx: &Ctx, tenant: TenantId, route: &Route, address: IpAddr) -> Option<Usage> {
    let limited = route.limit?;
    ctx.rate_limits.count_address(&ctx.config.rate_limits, limited, tenant, address).await
}

/// An answer that can tell of a limit; none where there is nobody to tell.
pub trait Tells {
    /// Its headers.
    fn headers(&mut self) -> Option<&mut HeaderMap>;
}

impl Tells for Option<Ready> {
    fn headers(&mut self) -> Option<&mut HeaderMap> {
        self.as_mut().map(Ready::headers_mut)
    }
}

impl Tells for poem::Result<Response> {
    fn headers(&mut self) -> Option<&mut HeaderMap> {
        self.as_mut().ok().map(Response::headers_mut)
    }
}

/// Has a request that was counted answered, or refuses it where it goes too far; either way the caller is told what is left.
pub async fn hold<Q, A, R, T>(
    counted: Option<Usage>,
    request: Q,
    answer: impl FnOnce(Q) -> A,
    refuse: impl FnOnce(Q, Usage) -> R,
) -> T
where
    A: Future<Output = T>,
    R: Future<Output = T>,
    T: Tells,
{
    let Some(usage) = counted else { return answer(request).await };
    let mut answered = if usage.exceeded { refuse(request, usage).await } else { answer(request).await };
    if let Some(headers) = answered.headers() {
        limit_headers::write(&usage, headers);
    }
    answered
}

/// Stands before the routes of a tenant.
pub struct RateLimited<E> {
    ctx: Ctx,
    inner: E,
}

impl<E> RateLimited<E> {
    /// Before these routes.
    pub fn new(ctx: Ctx, inner: E) -> Self {
        Self { ctx, inner }
    }
}

impl<E: Endpoint> Endpoint for RateLimited<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let route = matched_route::of(&request);
        let usage = match (request.data::<Arc<Site>>(), ClientAddress::of(&request)) {
            // A browser's question whether a script may call isn't the call. It counts where the answer may cost a look
            // into the database.
            _ if request.method() == Method::OPTIONS && route.cors != Cors::RegisteredOrigins => None,
            (Some(site), Some(address)) => count(&self.ctx, site.tenant.id, route, address.ip()).await,
            (None, _) | (_, None) => None,
        };
        let answer = async |request| self.inner.call(request).await.map(IntoResponse::into_response);
        let refuse = async |request: Request, usage| {
            let refusal = methods::complete(route, refuse(&request, &usage));
            Ok(cross_origin::beyond_the_limit(&request, refusal).await)
        };
        hold(usage, request, answer, refuse).await
    }
}

/// The refusal of one that goes too far, in the form of the endpoint's errors.
fn refuse(request: &Request, usage: &Usage) -> Response {
    if matched_route::of(request).error_style == ErrorStyle::OAuth {
        return OAuthError::too_many_requests(*usage).into_response();
    }
    if page_context::wants_page(request) {
        let minutes = u32::try_from(usage.reset.div_ceil(60)).unwrap_or(u32::MAX);
        return ErrorPage::new(Failure::TooManyRequests { minutes }).render(&page_context::of(request));
    }
    let text = "There are too many requests from this address; try again later.";
    let mut response = problem::response(StatusCode::TOO_MANY_REQUESTS, text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(usage.reset));
    response
}
