//! Errors of the OAuth endpoints (RFC 6749 §5.2, RFC 6750 §3.1).

use std::time::Duration;

use poem::error::ResponseError;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Response};
use poem_openapi::Object;
use serde::Serialize;
use thiserror::Error;

use super::form::FormError;
use super::problem;
use crate::domain::error_description::ErrorDescription;
use crate::domain::parameters::ParameterError;
use crate::http::limit_headers;
use crate::http::ready::{Ready, unkept, whole};
use crate::service::Failure;
use crate::service::client_authentication::{ClientAuthenticationError, REFUSAL};
use crate::service::rate_limits::Usage;
use crate::service::revocation::RevocationError;
use crate::service::token::TokenError;
use crate::service::userinfo::UserinfoError;

/// An error of an OAuth endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{code}: {description}")]
pub struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: ErrorDescription,
    /// Value of `WWW-Authenticate`.
    challenge: Option<String>,
    /// Value of `Retry-After`, in seconds.
    retry_after: Option<u32>,
    /// The limit that was exceeded.
    usage: Option<Usage>,
    /// Whether the audit log tells of it already.
    noted: bool,
}

/// Body of an error (RFC 6749 §5.2).
#[derive(Debug, Serialize, Object)]
pub struct OAuthErrorBody {
    /// The error code.
    pub error: String,
    /// A sentence for the client's developer.
    pub error_description: String,
}

impl OAuthError {
    /// An error with status 400.
    pub fn bad_request(code: &'static str, description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            description: ErrorDescription::new(description),
            challenge: None,
            retry_after: None,
            usage: None,
            noted: false,
        }
    }

    /// The error code, if a rule refused and the audit log doesn't tell of it yet; `None` where something of ours failed.
    pub fn refusal(&self) -> Option<&'static str> {
        (self.status.is_client_error() && !self.noted).then_some(self.code)
    }

    /// A parameter is missing, repeated or wrong.
    pub fn invalid_request(description: impl AsRef<str>) -> Self {
        Self::bad_request("invalid_request", description)
    }

    /// The form can't be read: 413 if it is too large.
    pub fn form(error: FormError) -> Self {
        let status = match error {
            FormError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            FormError::ContentType | FormError::Unreadable => StatusCode::BAD_REQUEST,
        };
        Self { status, ..Self::invalid_request(error.to_string()) }
    }

    /// The client didn't prove itself: 401, with a challenge for HTTP Basic (RFC 6749 §5.2).
    pub fn invalid_client(description: impl AsRef<str>) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            challenge: Some(r#"Basic realm="signet", charset="UTF-8""#.to_owned()),
            ..Self::bad_request("invalid_client", description)
        }
    }

    /// The access token is missing, wrong or not enough (RFC 6750 §3). A request without one gets a challenge
    /// without an error code.
    pub fn bearer(status: StatusCode, code: Option<&'static str>, description: impl AsRef<str>) -> Self {
        let description = ErrorDescription::new(description);
        let challenge = match code {
            Some(code) => format!(r#"Bearer realm="signet", error="{code}", error_description="{description}""#),
            None => r#"Bearer realm="signet""#.to_owned(),
        };
        let code = code.unwrap_or("invalid_token");
        Self { status, challenge: Some(challenge), ..Self::bad_request(code, description.as_str()) }
    }

    /// The same as a problem (RFC 9457), for APIs: its challenge also names the scope that is needed.
    pub fn into_problem(mut self, scope: &str) -> Response {
        self.challenge = self.challenge.map(|challenge| format!(r#"{challenge}, scope="{scope}""#));
        self.into_challenge()
    }

    /// The same as a problem (RFC 9457), for APIs that need no scope.
    pub fn into_challenge(self) -> Response {
        let mut text = String::from(self.description);
        if let Some(first) = text.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let mut response = problem::response(self.status, &(text + "."));
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// Too many wrong passwords: 429, come back then. The audit log tells of each attempt.
    pub fn too_many(wait: Duration) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1)),
            noted: true,
            ..Self::bad_request("temporarily_unavailable", "too many attempts; try again later")
        }
    }

    /// Too many requests from an address, or of a client: 429, come back then.
    pub fn too_many_requests(usage: Usage) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(u32::try_from(usage.reset).unwrap_or(u32::MAX).max(1)),
            usage: Some(usage),
            ..Self::bad_request("temporarily_unavailable", "too many requests; try again later")
        }
    }

    /// Something of ours isn't there: 503, come back later.
    pub fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            retry_after: Some(1),
            ..Self::bad_request("temporarily_unavailable", "the service can't answer right now; try again in a moment")
        }
    }

    /// Something of ours went wrong: 500.
    pub fn server_error() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            ..Self::bad_request("server_error", "something went wrong on our side; it is in the log")
        }
    }
}

impl OAuthError {
    /// The answer.
    pub fn into_ready(self) -> Ready {
        let body = OAuthErrorBody { error: self.code.to_owned(), error_description: self.description.into() };
        let mut response = unkept("application/json", serde_json::to_vec(&body).unwrap_or_default());
        *response.status_mut() = self.status;
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(usage) = &self.usage {
            limit_headers::write(usage, response.headers_mut());
        }
        response
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        whole(self.into_ready())
    }
}

impl ResponseError for OAuthError {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn as_response(&self) -> Response {
        self.clone().into_response()
    }
}

impl From<ParameterError> for OAuthError {
    fn from(error: ParameterError) -> Self {
        Self::invalid_request(error.to_string())
    }
}

impl From<Failure> for OAuthError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable | Failure::Busy => Self::unavailable(),
            Failure::Internal => Self::server_error(),
        }
    }
}

impl From<ClientAuthenticationError> for OAuthError {
    fn from(error: ClientAuthenticationError) -> Self {
        match error {
            ClientAuthenticationError::Refused(_) => Self::invalid_client(REFUSAL),
            ClientAuthenticationError::TooMany(usage) => Self::too_many_requests(usage),
            ClientAuthenticationError::Failure(failure) => failure.into(),
        }
    }
}

impl From<TokenError> for OAuthError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::InvalidGrant(text) => Self::bad_request("invalid_grant", text),
            TokenError::Noted(text) => Self { noted: true, ..Self::bad_request("invalid_grant", text) },
            TokenError::UnauthorizedClient => Self::bad_request("unauthorized_client", error.to_string()),
            TokenError::InvalidTarget => Self::bad_request("invalid_target", error.to_string()),
            TokenError::TooManyAttempts { .. } => Self::too_many(Duration::from_secs(1)),
            TokenError::InvalidScope(text) => Self::bad_request("invalid_scope", text),
            TokenError::Failure(failure) => failure.into(),
        }
    }
}

impl From<RevocationError> for OAuthError {
    fn from(error: RevocationError) -> Self {
        match error {
            // RFC 6749 §5.2 has this code for what was issued to another client.
            RevocationError::Foreign => Self::bad_request("invalid_grant", error.to_string()),
            RevocationError::UnsupportedTokenType => Self::bad_request("unsupported_token_type", error.to_string()),
            RevocationError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UserinfoError> for OAuthError {
    fn from(error: UserinfoError) -> Self {
        match error {
            UserinfoError::InvalidToken => {
                Self::bearer(StatusCode::UNAUTHORIZED, Some("invalid_token"), error.to_string())
            }
            UserinfoError::InsufficientScope => {
                Self::bearer(StatusCode::FORBIDDEN, Some("insufficient_scope"), error.to_string())
            }
            UserinfoError::Failure(failure) => failure.into(),
        }
    }
}
