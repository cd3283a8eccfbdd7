//! How the admin API says no: each error in one place.

use poem::http::StatusCode;

use crate::domain::scope::{Scope, ScopeSet};
use crate::http::api::refusal::Refusal;
use crate::http::error::oauth::OAuthError;
use crate::service::access::{AccessError, USERS_WRITE};
use crate::service::clients::ClientChangeError;
use crate::service::consents::WithdrawError;
use crate::service::deliveries::ReplayError;
use crate::service::key_rings::KeyChangeError;
use crate::service::users::UserChangeError;
use crate::service::webhooks::WebhookError;

/// A request whose access token can't be found (RFC 6750 §3).
pub(super) fn bearer(error: OAuthError, scope: &str) -> Refusal {
    Refusal::ready(error.into_problem(scope))
}

/// An access token that isn't enough (RFC 6750 §3.1).
pub(super) fn access(error: AccessError, scope: &str) -> Refusal {
    let (status, code) = match error {
        AccessError::InvalidToken | AccessError::Audience => (StatusCode::UNAUTHORIZED, "invalid_token"),
        AccessError::Scope(_) | AccessError::Role(_) => (StatusCode::FORBIDDEN, "insufficient_scope"),
        AccessError::Failure(failure) => return failure.into(),
    };
    bearer(OAuthError::bearer(status, Some(code), error.to_string()), scope)
}

/// Somebody would hand on more than they have.
pub(super) fn hands_on(scope: &ScopeSet) -> Refusal {
    let names: Vec<&str> = scope.iter().map(Scope::as_str).filter(|s| s.starts_with("admin:")).collect();
    let detail = format!(
        "the client has or would get scopes of the admin API, and the access token must have each of them itself: {}",
        names.join(" ")
    );
    Refusal::new(StatusCode::FORBIDDEN, detail)
}

/// The client has roles, or would, and the bearer may not give any.
pub(super) fn gives_roles() -> Refusal {
    let detail =
        format!("the client has or would get roles, and the access token must have the scope {USERS_WRITE} for that");
    Refusal::new(StatusCode::FORBIDDEN, detail)
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
            ClientChangeError::NoSecretUsed | ClientChangeError::MadeAnew(_) => Self::rule(StatusCode::CONFLICT, error),
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
