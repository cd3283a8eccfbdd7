//! How the JSON APIs say no: problems (RFC 9457). A problem says what happened and what to do next; its `reference` is the
//! line in the log. What an API makes of its own errors is its own: see the `refusal` of each.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};

use super::RULE;
use crate::domain::merge_patch::FieldError;
use crate::http::error::problem;
use crate::service::Failure;

/// A refusal, ready to be sent.
#[derive(Debug)]
pub(in crate::http) struct Refusal(Box<Response>);

/// What an endpoint comes to.
pub(in crate::http) type Result<T> = std::result::Result<T, Refusal>;

impl Refusal {
    /// A response that says no by itself.
    pub(in crate::http) fn ready(response: Response) -> Self {
        Self(Box::new(response))
    }

    /// Whether it asks who is there: no token came, or one that doesn't hold.
    pub(in crate::http) fn is_unauthorized(&self) -> bool {
        self.0.status() == StatusCode::UNAUTHORIZED
    }

    /// Whether somebody who is known may not.
    pub(in crate::http) fn is_forbidden(&self) -> bool {
        self.0.status() == StatusCode::FORBIDDEN
    }

    /// A problem of this status.
    pub(in crate::http) fn new(status: StatusCode, detail: impl std::fmt::Display) -> Self {
        Self(Box::new(problem::response(status, &sentence(&detail.to_string()))))
    }

    /// The request can't be used as it is.
    pub(in crate::http) fn bad_request(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// There is no such thing, or none in this tenant.
    pub(in crate::http) fn not_found(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// A rule forbids what was asked for.
    pub(in crate::http) fn unprocessable(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// A rule forbids it, whatever it is asked with: a password that is easy to guess, a key that must wait.
    pub(in crate::http) fn rule(status: StatusCode, detail: impl std::fmt::Display) -> Self {
        let problem = problem::body(status, &sentence(&detail.to_string()));
        Self(Box::new(problem.kind(RULE, "A rule forbids it").into_response()))
    }

    /// There is no room now.
    pub(in crate::http) fn later(detail: impl std::fmt::Display) -> Self {
        let mut response = problem::response(StatusCode::SERVICE_UNAVAILABLE, &sentence(&detail.to_string()));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        Self(Box::new(response))
    }

    /// It was changed since the caller saw it.
    pub(in crate::http) fn stale(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }
}

/// An error's text as a sentence. The name of a member at its beginning stays as it is on the wire.
fn sentence(text: &str) -> String {
    let first_word = text.split(' ').next().unwrap_or_default();
    let text: String = if first_word.ends_with(':') || first_word.contains('_') {
        text.to_owned()
    } else {
        let mut chars = text.chars();
        let first = chars.next().map(char::to_uppercase).into_iter().flatten();
        first.chain(chars).collect()
    };
    if text.ends_with(['.', '!', '?']) { text } else { text + "." }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        *self.0
    }
}

impl From<Refusal> for poem::Error {
    fn from(refusal: Refusal) -> Self {
        Self::from_response(*refusal.0)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let mut response = match failure {
            Failure::Unavailable | Failure::Busy => problem::response(
                StatusCode::SERVICE_UNAVAILABLE,
                "The service can't answer right now; nothing was changed, try again in a moment.",
            ),
            Failure::Internal => {
                problem::response(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
            }
        };
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        Self(Box::new(response))
    }
}

impl From<FieldError> for Refusal {
    fn from(error: FieldError) -> Self {
        Self::unprocessable(error)
    }
}
