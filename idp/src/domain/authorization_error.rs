//! What is wrong with an authorization request, and who is told (RFC 6749 §4.1.2.1).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::error_description::ErrorDescription;
use super::parameters::ParameterError;

/// A request that must not be answered by a redirect: the user reads it (RFC 6749 §4.1.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UntrustedRequest {
    /// Missing, repeated or malformed `client_id`.
    #[error("client_id: {0}")]
    ClientId(String),
    /// No such client, or one that is switched off.
    #[error("client_id: there is no such client")]
    UnknownClient,
    /// Missing `redirect_uri`.
    #[error("redirect_uri is missing")]
    RedirectUriMissing,
    /// Repeated or malformed `redirect_uri`.
    #[error("redirect_uri {0}")]
    RedirectUri(String),
    /// Not one of those registered.
    #[error("redirect_uri is not registered for this client")]
    RedirectUriMismatch,
    /// A request object that can't be used, and nothing beside it says where to tell that.
    #[error("{0}")]
    RequestObject(String),
}

impl UntrustedRequest {
    /// The parameter at fault.
    pub const fn parameter(&self) -> &'static str {
        match self {
            Self::ClientId(_) | Self::UnknownClient => "client_id",
            Self::RedirectUriMissing | Self::RedirectUri(_) | Self::RedirectUriMismatch => "redirect_uri",
            Self::RequestObject(_) => "request",
        }
    }
}

/// An error code for the client (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorizationErrorCode {
    /// A parameter is missing, repeated or wrong.
    InvalidRequest,
    /// The client may not use this flow.
    UnauthorizedClient,
    /// The user or a rule said no.
    AccessDenied,
    /// Not a response type of ours.
    UnsupportedResponseType,
    /// Nothing that this client may get was asked for.
    InvalidScope,
    /// Something of ours went wrong.
    ServerError,
    /// Try again later.
    TemporarilyUnavailable,
    /// `prompt=none`, and nobody is signed in.
    LoginRequired,
    /// `prompt=none`, and consent wasn't given.
    ConsentRequired,
    /// The class of authentication that is essential to the client isn't to be had here (OpenID Connect Unmet
    /// Authentication Requirements §2).
    UnmetAuthenticationRequirements,
    /// The request object can't be used (RFC 9101 §7).
    InvalidRequestObject,
    /// There is no request object at `request_uri` (RFC 9101 §7).
    InvalidRequestUri,
    /// `request` isn't supported.
    RequestNotSupported,
    /// `request_uri` isn't supported.
    RequestUriNotSupported,
    /// `registration` isn't supported.
    RegistrationNotSupported,
    /// `resource` names nothing that tokens are made for (RFC 8707 §2).
    InvalidTarget,
}

impl AuthorizationErrorCode {
    /// Whether it only says that the person must be asked, which `prompt=none` forbids: what an application that looks
    /// whether somebody is still signed in is told every few minutes.
    pub const fn asks_for_the_person(self) -> bool {
        matches!(self, Self::LoginRequired | Self::ConsentRequired)
    }

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::AccessDenied => "access_denied",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::InvalidRequestObject => "invalid_request_object",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidTarget => "invalid_target",
        }
    }
}

/// An error that goes back to the client by redirect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}: {description}", .code.as_str())]
pub struct AuthorizationError {
    /// The error code.
    pub code: AuthorizationErrorCode,
    /// A sentence for the client's developer.
    pub description: ErrorDescription,
}

impl AuthorizationError {
    /// With a sentence for the client's developer.
    pub fn new(code: AuthorizationErrorCode, description: impl AsRef<str>) -> Self {
        Self { code, description: ErrorDescription::new(description) }
    }
}

impl From<ParameterError> for AuthorizationError {
    fn from(error: ParameterError) -> Self {
        Self::new(AuthorizationErrorCode::InvalidRequest, error.to_string())
    }
}
