//! `Allow`, and CORS for routes that any origin may call.
//!
//! `/token`, `/revoke` and `/userinfo` read no cookie, so that scripts of any origin may call them: a browser-based
//! application needs them. The first-party API reads one, and is open to the origins that clients registered
//! ([`super::cross_origin`]). Pages are closed.

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};

use crate::route::{Cors, Route};

/// What scripts that may call may read of an answer, beside what browsers show them anyway (Fetch §3.2.3): what to present,
/// when to ask again, and how much is left before that.
pub(super) const EXPOSED: &str = "www-authenticate, retry-after, ratelimit, ratelimit-policy";

/// The value of `Allow` for a route.
pub fn allow(route: &Route) -> HeaderValue {
    let mut names: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
    if route.cors == Cors::AnyOrigin {
        names.push("OPTIONS");
    }
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("GET, HEAD"))
}

/// The answer to a preflight where any origin may call (Fetch §3.2.2); `None` for any other request.
pub fn preflight(route: &Route, request: &Request) -> Option<Response> {
    if route.cors != Cors::AnyOrigin || request.method() != Method::OPTIONS {
        return None;
    }
    let mut response = preflight_allowed(route, "86400");
    open_to_scripts(response.headers_mut());
    Some(response)
}

/// The answer to a preflight that is allowed, which browsers may cache for `max_age` seconds. Without the origin.
pub(super) fn preflight_allowed(route: &Route, max_age: &'static str) -> Response {
    let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, allow(route));
    let sent = HeaderValue::from_static("authorization, content-type");
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(max_age));
    response
}

/// Whether this is a HEAD where only GET is allowed. The framework's routes would answer it as a GET.
pub fn refuses(route: &Route, method: &Method) -> bool {
    method == Method::HEAD && route.methods.contains(&Method::GET) && !route.methods.contains(&Method::HEAD)
}

/// Adds the headers that depend on the route to an answer: `Allow` where the method isn't allowed (RFC 9110 §15.5.6),
/// and CORS for any origin.
pub fn complete(route: &Route, mut response: Response) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        // Once: the inner of two layers knows the path within the tenant.
        response.headers_mut().entry(header::ALLOW).or_insert_with(|| allow(route));
    }
    open(route, response.headers_mut());
    response
}

/// Opens an answer to scripts where any origin may call.
pub fn open(route: &Route, headers: &mut HeaderMap) {
    if route.cors == Cors::AnyOrigin {
        open_to_scripts(headers);
    }
}

fn open_to_scripts(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
