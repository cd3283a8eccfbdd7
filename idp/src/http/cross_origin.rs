//! Scripts of pages elsewhere that call the first-party API (Fetch §3.2, CORS).
//!
//! They may where a client of the tenant registered their origin (`allowed_origins`), with cookies and all: the answer names
//! that origin, never `*`, and says that it depends on it. Every other page's script learns nothing of an answer. What
//! looks at no cookie is open to all instead: see [`super::methods`].

use std::sync::Arc;

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Endpoint, IntoResponse, Request, Response};

use super::error::{fallback, problem};
use super::matched_route;
use super::methods::{self, EXPOSED};
use super::site::Site;
use crate::domain::origin::Origin;
use crate::route::{Cors, Route};
use crate::service::ctx::Ctx;
use crate::service::{Failure, origins};

/// How long browsers may keep the answer to a preflight, in seconds. What it allows is decided anew at each call.
const KEPT: &str = "600";

/// Stands before the addresses of a tenant.
pub struct CrossOrigin<E>(pub E);

impl<E: Endpoint> Endpoint for CrossOrigin<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let route = matched_route::of(&request);
        if route.cors != Cors::RegisteredOrigins {
            return self.0.call(request).await.map(IntoResponse::into_response);
        }
        let origin = match allowed(&request).await {
            Ok(origin) => origin,
            Err(failure) => return Ok(fallback::failure(&request, failure)),
        };
        let mut response = if is_preflight(&request) {
            preflight(origin.is_some(), route)
        } else {
            self.0.call(request).await.map(IntoResponse::into_response)?
        };
        open(response.headers_mut(), origin.as_ref());
        Ok(response)
    }
}

/// The answer to a request that goes too far. The database isn't asked for it, whatever origin it names: where the origin
/// is known to be allowed its scripts can read the refusal, and a browser's question for one is answered, for the script
/// could not learn otherwise that it is to wait.
pub async fn beyond_the_limit(request: &Request, refusal: Response) -> Response {
    let route = matched_route::of(request);
    if route.cors != Cors::RegisteredOrigins {
        return refusal;
    }
    let origin = kept(request).await;
    let asks = origin.is_some() && is_preflight(request);
    let mut response = if asks { preflight(true, route) } else { refusal };
    open(response.headers_mut(), origin.as_ref());
    response
}

/// The origin of a request, if its scripts are known to be allowed to call.
async fn kept(request: &Request) -> Option<Origin> {
    let (origin, ctx, site) = (of(request)?, request.data::<Ctx>()?, request.data::<Arc<Site>>()?);
    origins::is_kept(ctx, site.tenant.id, &origin).await.then_some(origin)
}

/// The origin of a request, if its scripts may call.
async fn allowed(request: &Request) -> Result<Option<Origin>, Failure> {
    let Some(origin) = of(request) else { return Ok(None) };
    let (Some(ctx), Some(site)) = (request.data::<Ctx>(), request.data::<Arc<Site>>()) else { return Ok(None) };
    Ok(origins::may_call(ctx, site.tenant.id, &origin).await?.then_some(origin))
}

/// The one origin that a request says it comes from.
fn of(request: &Request) -> Option<Origin> {
    let mut values = request.headers().get_all(header::ORIGIN).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()?.parse().ok()
}

fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    *request.method() == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn preflight(may_call: bool, route: &Route) -> Response {
    if !may_call {
        let text = "Scripts of this origin may not call: no client of this tenant has it among its allowed_origins.";
        return problem::response(StatusCode::FORBIDDEN, text);
    }
    methods::preflight_allowed(route, KEPT)
}

/// Says that the answer depends on the origin, and opens it to the one that may call.
fn open(headers: &mut HeaderMap, origin: Option<&Origin>) {
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let Some(origin) = origin.and_then(|origin| HeaderValue::try_from(origin.as_str()).ok()) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
