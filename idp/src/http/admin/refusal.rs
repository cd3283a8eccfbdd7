//! How the admin API says no: problems (RFC 9457), each error in one place. A problem says what happened and what to do
//! next; its `reference` is the line in the log.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};

use super::RULE;
use crate::domain::merge_patch::FieldError;
use crate::domain::scope::{Scope, ScopeSet};
use crate::http::error::fallback;
use crate::http::error::oauth::OAuthError;
use crate::service::Failure;
use crate::service::access::{AccessError, USERS_WRITE};
use crate::service::clients::ClientChangeError;
use crate::service::consents::WithdrawError;
use crate::service::deliveries::ReplayError;
use crate::service::key_rings::KeyChangeError;
use crate::service::users::UserChangeError;
use crate::service::webhooks::WebhookError;

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

    /// A problem of this status.
    pub(in crate::http) fn new(status: StatusCode, detail: impl std::fmt::Display) -> Self {
        Self(Box::new(fallback::problem(status, &sentence(&detail.to_string()))))
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
        let problem = fallback::described(status, &sentence(&detail.to_string()));
        Self(Box::new(problem.kind(RULE, "A rule forbids it").into_response()))
    }

    /// There is no room now.
    pub(super) fn later(detail: impl std::fmt::Display) -> Self {
        let mut response = fallback::problem(StatusCode::SERVICE_UNAVAILABLE, &sentence(&detail.to_string()));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        Self(Box::new(response))
    }

    /// It was changed since the caller saw it.
    pub(in crate::http) fn stale(detail: impl std::fmt::Display) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, detail)
    }

    /// A request whose access token can't be found (RFC 6750 §3).
    pub(in crate::http) fn bearer(error: OAuthError, scope: &str) -> Self {
        Self(Box::new(error.into_problem(scope)))
    }

    /// An access token that isn't enough (RFC 6750 §3.1).
    pub(in crate::http) fn access(error: AccessError, scope: &str) -> Self {
        let (status, code) = match error {
            AccessError::InvalidToken | AccessError::Audience => (StatusCode::UNAUTHORIZED, "invalid_token"),
            AccessError::Scope(_) | AccessError::Role(_) => (StatusCode::FORBIDDEN, "insufficient_scope"),
            AccessError::Failure(failure) => return failure.into(),
        };
        Self::bearer(OAuthError::bearer(status, Some(code), error.to_string()), scope)
    }

    /// Somebody would hand on more than they have.
    pub(in crate::http) fn hands_on(scope: &ScopeSet) -> Self {
        let names: Vec<&str> = scope.iter().map(Scope::as_str).filter(|s| s.starts_with("admin:")).collect();
        let detail = format!(
            "the client has or would get scopes of the admin API, and the access token must have each of them itself: {}",
            names.join(" ")
        );
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// The client has roles, or would, and the bearer may not give any.
    pub(in crate::http) fn gives_roles() -> Self {
        let detail = format!(
            "the client has or would get roles, and the access token must have the scope {USERS_WRITE} for that"
        );
        Self::new(StatusCode::FORBIDDEN, detail)
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
            Failure::Unavailable | Failure::Busy => fallback::problem(
                StatusCode::SERVICE_UNAVAILABLE,
                "The service can't answer right now; nothing was changed, try again in a moment.",
            ),
            Failure::Internal => {
                fallback::problem(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
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

impl From<UserChangeError> for Refusal {
    fn from(error: UserChangeError) -> Self {
        match error {
            UserChangeError::Nameless | UserChangeError::Role | UserChangeError::Field(_) => Self::unprocessable(error),
            UserChangeError::Password(_) => Self::rule(StatusCode::UNPROCESSABLE_ENTITY, error),
            UserChangeError::EmailTaken | UserChangeError::UsernameTaken => Self::new(StatusCode::CONFLICT, error),
            UserChangeError::Unknown(_) => Self::not_found(error),
            UserChangeError::Stale => Self::stale(error),
            UserChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ClientChangeError> for Refusal {
    fn from(error: ClientChangeError) -> Self {
        match error {
            ClientChangeError::Name | ClientChangeError::Field(_) | ClientChangeError::Metadata(_) => {
                Self::unprocessable(error)
            }
            ClientChangeError::Secret | ClientChangeError::Document(_) => {
                Self::rule(StatusCode::UNPROCESSABLE_ENTITY, error)
            }
            ClientChangeError::NoSecretUsed => Self::rule(StatusCode::CONFLICT, error),
            ClientChangeError::Taken(_) => Self::new(StatusCode::CONFLICT, error),
            ClientChangeError::Unknown(_) => Self::not_found(error),
            ClientChangeError::Stale => Self::stale(error),
            ClientChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<KeyChangeError> for Refusal {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Unknown(_) => Self::not_found(error),
            KeyChangeError::Lifecycle(_) => Self::rule(StatusCode::CONFLICT, error),
            KeyChangeError::Raced => Self::new(StatusCode::CONFLICT, error),
            KeyChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<WebhookError> for Refusal {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Field(_) | WebhookError::Address(_) => Self::unprocessable(error),
            WebhookError::TooMany => Self::rule(StatusCode::CONFLICT, error),
            WebhookError::Unknown(_) => Self::not_found(error),
            WebhookError::Stale => Self::stale(error),
            WebhookError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ReplayError> for Refusal {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Unknown(_) => Self::not_found(error),
            ReplayError::Failure(failure) => failure.into(),
        }
    }
}

impl From<WithdrawError> for Refusal {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Unknown(..) => Self::not_found(error),
            WithdrawError::Failure(failure) => failure.into(),
        }
    }
}
