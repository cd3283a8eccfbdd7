//! Problems (RFC 9457) with the reference of the request.

use openapi::Problem;
use poem::http::StatusCode;
use poem::{IntoResponse, Response};

use crate::telemetry::RequestId;

/// A problem with the reference of this request, ready to be sent.
pub fn response(status: StatusCode, text: &str) -> Response {
    body(status, text).into_response()
}

/// A problem with the reference of this request.
pub fn body(status: StatusCode, text: &str) -> Problem {
    let problem = Problem::new(status).detail(text);
    match RequestId::current() {
        Some(id) => problem.reference(id.to_string()),
        None => problem,
    }
}
