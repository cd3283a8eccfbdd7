//! The management's port: `/metrics`, and `/health` with what is wrong. It is apart from the public one, where neither is for
//! strangers, so that no rule of a proxy has to be right for that.

use bytes::Bytes;
use poem::http::{self, HeaderValue, StatusCode, header};
use poem::web::Data;
use poem::{Endpoint, EndpointExt as _, IntoResponse, Request, Response, Route, get, handler};

use super::health;
use super::server::{Asked, Served};
use crate::config::Management;
use crate::domain::Secret;
use crate::service::ctx::Ctx;
use crate::service::operations::measures;
use crate::telemetry::metrics::Format;

/// What the management's port serves.
pub struct ManagementPort<E>(E);

/// Its addresses.
pub fn port(ctx: Ctx) -> ManagementPort<impl Endpoint<Output = Response>> {
    let routes = Route::new()
        .at("/metrics", get(metrics))
        .at("/health", get(ready))
        .at("/health/live", get(health::live))
        .at("/health/ready", get(ready))
        .data(ctx);
    ManagementPort(Refusing(routes))
}

impl<E: Endpoint + 'static> Served for ManagementPort<E> {
    type Rest = E;

    async fn ready(&self, _asked: &mut Asked<'_>) -> Option<http::Response<Bytes>> {
        None
    }

    fn rest(&self) -> &E {
        &self.0
    }
}

/// For callers in this process, who have the framework's request.
impl<E: Endpoint<Output = Response> + 'static> Endpoint for ManagementPort<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        self.0.call(request).await
    }
}

/// `GET /metrics`.
#[handler]
async fn metrics(Data(ctx): Data<&Ctx>, request: &Request) -> Response {
    if !may_see(&ctx.config.management, request) {
        let mut refusal = health::answer(StatusCode::UNAUTHORIZED, r#"{"status":"unauthorized"}"#.to_owned());
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return refusal;
    }
    page(ctx, request).await
}

/// The page of metrics, in the format that is asked for.
pub(super) async fn page(ctx: &Ctx, request: &Request) -> Response {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let mut answer = health::answer(StatusCode::OK, measures::page(ctx, format).await);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    answer
}

/// `GET /health/ready`: in detail for those who may see it, as on the public port for others.
#[handler]
async fn ready(Data(ctx): Data<&Ctx>, request: &Request) -> poem::Result<Response> {
    if may_see(&ctx.config.management, request) {
        return Ok(health::detailed(ctx).await);
    }
    Ok(health::brief(ctx).await)
}

/// Whether a request has the token, where there is one.
fn may_see(config: &Management, request: &Request) -> bool {
    config.token.as_ref().is_none_or(|token| presents(token, request))
}

/// Whether a request on the public port has the token of a management's port that there is.
pub(super) fn may_see_from_outside(config: &Management, request: &Request) -> bool {
    config.address.is_some() && config.token.as_ref().is_some_and(|token| presents(token, request))
}

fn presents(token: &Secret, request: &Request) -> bool {
    let presented =
        request.headers().get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    // Hashes are of one length, whatever was presented.
    let expected = openssl::sha::sha256(token.expose().as_bytes());
    presented.is_some_and(|presented| openssl::memcmp::eq(&openssl::sha::sha256(presented), &expected))
}

/// Says what there isn't as JSON.
struct Refusing<E>(E);

impl<E: Endpoint> Endpoint for Refusing<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        Ok(self.0.call(request).await.map_or_else(
            |error| {
                let status = error.status();
                health::answer(status, format!(r#"{{"status":{}}}"#, status.as_u16()))
            },
            IntoResponse::into_response,
        ))
    }
}
