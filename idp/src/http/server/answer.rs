//! One request: from what hyper read to what it writes.

use std::any::Any;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use http::uri::Scheme;
use http::{StatusCode, request};
use http_body_util::combinators::BoxBody;
use http_body_util::{Either, Full};
use hyper::body::{Body as _, Incoming};
use poem::web::{LocalAddr, RemoteAddr};
use poem::{Addr, Body, Endpoint, Request, Response};

use super::body::{LimitedBody, Refusal, Verdict};
use super::client_address::forwarded;
use super::problem::problem;
use super::served::{Asked, Observed, Served};
use super::shared::Connection;
use super::watch::{AwaitedBody, Watch};
use crate::telemetry::{RequestHead, RequestId, RequestLine};

/// Answers a request, whatever happens: a panic is a 500, a body beyond its limits a 413 or 408. Writes the line of the
/// log, and the reference into the answer.
pub(super) async fn answer<E: Served>(
    connection: Arc<Connection<E>>,
    request: http::Request<Incoming>,
) -> Result<http::Response<Written>, Infallible> {
    let _running = connection.watch.request();
    let (head, incoming) = request.into_parts();
    let (client, scheme) = if connection.behind_proxy {
        forwarded(&connection.shared.config, &head.headers, connection.peer, &connection.scheme)
    } else {
        (connection.peer, connection.scheme.clone())
    };
    let id = connection.shared.ids.draw();
    let Observed { metrics, traces, addresses } = &connection.shared.observed;
    let asked =
        RequestHead { method: &head.method, uri: &head.uri, headers: &head.headers, https: scheme == Scheme::HTTPS };
    let observers = (metrics.as_deref(), traces.as_ref());
    let line = RequestLine::begin(id, asked, addresses.of(client.ip()), observers);
    let place = line.place().cloned();
    let answering = async {
        let response = call(&connection, head, (client, scheme), incoming).await;
        line.end(response.status(), response.body().size_hint().exact());
        response
    };
    let mut response = id.scope_in(place, answering).await;
    response.headers_mut().insert(RequestId::HEADER, id.to_header());
    Ok(response)
}

/// An answer's body: whole, or as the framework has it.
pub(super) type Written = Either<Full<Bytes>, BoxBody<Bytes, io::Error>>;

/// Gives what is ready, or calls the endpoint.
async fn call<E: Served>(
    connection: &Connection<E>,
    head: request::Parts,
    (client, scheme): (SocketAddr, Scheme),
    incoming: Incoming,
) -> http::Response<Written> {
    let config = &connection.shared.config;
    let (mut body, verdict) = if incoming.is_end_stream() {
        (Body::empty(), None)
    } else {
        let most = config.max_body_bytes.get() as u64;
        let verdict = Verdict::default();
        let body = LimitedBody::new(incoming, most, config.body_timeout, verdict.clone());
        if declared_length(&head.headers) > most {
            // Whoever asks before sending is told at once.
            if !head.headers.contains_key(EXPECT) {
                body.discard().await;
            }
            return refuse(Refusal::TooLong.status());
        }
        (Body::from(BoxBody::new(body)), Some(verdict))
    };
    let served = &connection.shared.served;
    let answer = async {
        let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
        let mut asked = Asked { method, path, headers, client: client.ip(), body: &mut body };
        if let Some(ready) = served.ready(&mut asked).await {
            return ready.map(|body| Either::Left(Full::new(body)));
        }
        let local = LocalAddr(Addr::SocketAddr(connection.local));
        let head = (head, local, RemoteAddr(Addr::SocketAddr(client)), scheme);
        boxed(&connection.watch, served.rest().get_response(Request::from_parts(head.into(), body)).await)
    };
    match AssertUnwindSafe(answer).catch_unwind().await {
        Ok(response) => match verdict.and_then(|verdict| verdict.get()) {
            Some(refusal) => refuse(refusal.status()),
            None => response,
        },
        Err(panic) => {
            tracing::error!(message = words(&*panic), "a handler panicked");
            refuse(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

fn boxed(watch: &Arc<Watch>, response: Response) -> http::Response<Written> {
    http::Response::<BoxBody<Bytes, io::Error>>::from(response).map(|body| {
        // One that is there as a whole keeps nobody waiting.
        let awaited = body.size_hint().exact().is_none();
        Either::Right(if awaited { BoxBody::new(AwaitedBody::new(body, Arc::clone(watch))) } else { body })
    })
}

/// `Content-Length`, which hyper has checked; 0 for a body that comes in chunks.
fn declared_length(headers: &HeaderMap) -> u64 {
    headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// An answer that no endpoint gave, as a problem (RFC 9457) that says nothing but its status.
fn refuse(status: StatusCode) -> http::Response<Written> {
    let mut response = http::Response::new(Either::Left(Full::new(Bytes::from(problem(status, None)))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no words")
}
