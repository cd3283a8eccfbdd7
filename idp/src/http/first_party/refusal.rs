//! How the first-party API says no: problems (RFC 9457), as the admin API does.

use poem::IntoResponse as _;
use poem::http::{HeaderValue, StatusCode, header};

use crate::domain::Timestamp;
use crate::domain::sign_up::Faults;
use crate::http::api::refusal::Refusal;
use crate::http::error::problem;
use crate::service::first_party::AppError;
use crate::service::sign_in::SignInError;
use crate::service::sign_up::SignUpError;
use crate::service::token::TokenError;

/// Too many attempts: 429, come back then.
fn too_many(now: Timestamp, until: Timestamp) -> Refusal {
    let mut response =
        problem::response(StatusCode::TOO_MANY_REQUESTS, "There were too many attempts; wait, then try again.");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(until.since(now).as_secs().max(1)));
    Refusal::ready(response.into_response())
}

/// Why somebody isn't signed in.
pub(super) fn sign_in(error: &SignInError, now: Timestamp) -> Refusal {
    match *error {
        SignInError::BadCredentials => {
            Refusal::new(StatusCode::UNAUTHORIZED, "the e-mail address, user name or password isn't right")
        }
        SignInError::TooManyAttempts { until } => too_many(now, until),
        SignInError::Failure(failure) => failure.into(),
    }
}

/// Why there is no account.
pub(super) fn sign_up(error: SignUpError, now: Timestamp) -> Refusal {
    match error {
        SignUpError::Closed => Refusal::new(StatusCode::FORBIDDEN, error),
        SignUpError::Taken => Refusal::new(StatusCode::CONFLICT, error),
        SignUpError::Faults(faults) => self::faults(&faults),
        SignUpError::TooManyAttempts { until } => too_many(now, until),
        SignUpError::Failure(failure) => failure.into(),
    }
}

/// What is wrong with an account, by member.
fn faults(faults: &Faults) -> Refusal {
    let texts = [
        faults.email.map(|fault| format!("email: {fault}")),
        faults.name.map(|fault| format!("name: {fault}")),
        faults.password.map(|fault| format!("password: {fault}")),
    ];
    Refusal::unprocessable(texts.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// Why a session doesn't go on.
pub(super) fn refresh(error: TokenError) -> Refusal {
    match error {
        TokenError::InvalidGrant(text) | TokenError::Noted(text) => Refusal::new(StatusCode::UNAUTHORIZED, text),
        TokenError::Failure(failure) => failure.into(),
        error @ (TokenError::UnauthorizedClient
        | TokenError::InvalidScope(_)
        | TokenError::InvalidTarget
        | TokenError::TooManyAttempts { .. }) => Refusal::bad_request(error),
    }
}

/// What the audit log says of why a session doesn't go on; `None` where it says so already, or something of ours failed.
pub(super) const fn refresh_code(error: &TokenError) -> Option<&'static str> {
    match error {
        TokenError::InvalidGrant(_) => Some("invalid_grant"),
        TokenError::UnauthorizedClient => Some("unauthorized_client"),
        TokenError::InvalidScope(_) => Some("invalid_scope"),
        TokenError::InvalidTarget => Some("invalid_target"),
        TokenError::TooManyAttempts { .. } => Some("temporarily_unavailable"),
        TokenError::Noted(_) | TokenError::Failure(_) => None,
    }
}

/// What the audit log says of why there is no account; `None` where it says so already, or something of ours failed.
pub(super) const fn sign_up_code(error: &SignUpError) -> Option<&'static str> {
    match error {
        SignUpError::Closed => Some("access_denied"),
        SignUpError::Faults(_) => Some("invalid_request"),
        SignUpError::Taken | SignUpError::TooManyAttempts { .. } | SignUpError::Failure(_) => None,
    }
}

impl From<AppError> for Refusal {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Unknown | AppError::Foreign(_) => Self::bad_request(error),
            AppError::Failure(failure) => failure.into(),
        }
    }
}
