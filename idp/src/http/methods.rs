//! Which methods an address takes, and who may call it from a page elsewhere.
//!
//! `/token`, `/revoke` and `/userinfo` may be called by scripts of any origin, since they look at no cookie: an application that
//! lives in the browser alone could do nothing otherwise. The first-party API, which looks at one, may be called by the
//! origins that clients registered ([`super::cross_origin`]). Pages may be called by none.

use super::{account, admin, first_party};
use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};

/// What scripts that may call may read of an answer, beside what browsers show them anyway (Fetch §3.2.3): what to present,
/// when to ask again, and how much is left before that.
pub(super) const EXPOSED: &str = "www-authenticate, retry-after, ratelimit, ratelimit-policy";

/// What is known of an address before its endpoint is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods {
    allow: &'static str,
    cross_origin: bool,
}

impl Methods {
    /// Of an address within a tenant.
    pub fn of(path: &str) -> Self {
        let (allow, cross_origin) = match path {
            "/token" | "/revoke" => ("POST, OPTIONS", true),
            "/userinfo" => ("GET, HEAD, POST, OPTIONS", true),
            // No page's script can keep the secret that the first needs.
            "/introspect" | "/logout/confirm" => ("POST", false),
            path if path.starts_with("/v1/auth/") => (first_party::methods(path), false),
            // No HEAD: opening one of these takes a request as far as it goes without the person, which may be a code.
            "/authorize" | "/login" | "/signup" | "/select-account" | "/consent" => ("GET, POST", false),
            "/logout" => ("GET, HEAD, POST", false),
            path if path.starts_with("/account") => (account::methods(path), false),
            path if path.starts_with("/v1/admin/") => (admin::methods(path), false),
            _ => ("GET, HEAD", false),
        };
        Self { allow, cross_origin }
    }

    /// The answer to a browser that asks whether a script may call (Fetch §3.2.2); `None` for any other request.
    pub fn preflight(self, request: &Request) -> Option<Response> {
        if !self.cross_origin || request.method() != Method::OPTIONS {
            return None;
        }
        let mut response = Response::builder().status(StatusCode::NO_CONTENT).finish();
        let headers = response.headers_mut();
        open_to_scripts(headers);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(self.allow));
        let sent = HeaderValue::from_static("authorization, content-type");
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
        Some(response)
    }

    /// Whether this is a HEAD where there is only GET. The framework's routes would take the one for the other.
    pub fn refuses(self, method: &Method) -> bool {
        method == Method::HEAD && self.allow.starts_with("GET") && !self.allow.contains("HEAD")
    }

    /// Adds what follows from the address to an answer: `Allow` where the method wasn't one of these (RFC 9110
    /// §15.5.6), and leave to scripts.
    pub fn complete(self, mut response: Response) -> Response {
        if response.status() == StatusCode::METHOD_NOT_ALLOWED {
            // Once: the inner of two knows the address within its tenant.
            response.headers_mut().entry(header::ALLOW).or_insert(HeaderValue::from_static(self.allow));
        }
        self.leave(response.headers_mut());
        response
    }

    /// Leave to scripts alone.
    pub fn leave(self, headers: &mut HeaderMap) {
        if self.cross_origin {
            open_to_scripts(headers);
        }
    }
}

fn open_to_scripts(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
