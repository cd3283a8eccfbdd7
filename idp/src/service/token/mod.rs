//! The token endpoint's grants, one file each.

pub mod authorization_code;
pub mod client_credentials;
pub mod password;
pub mod refresh_token;

use thiserror::Error;

use super::ctx::{Caller, Ctx};
use super::issue::AccessToken;
use super::{Failure, audit};
use crate::domain::audit::AuditKind;
use crate::domain::client::GrantType;
use crate::domain::{ClientId, Secret, TenantId, Timestamp};
use crate::store::StoreError;
use crate::telemetry::metrics::{Operation, TokenKind};

/// What a grant gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: AccessToken,
    /// The ID token, for a person who was asked for `openid`.
    pub id_token: Option<String>,
    /// The refresh token, where `offline_access` was granted.
    pub refresh_token: Option<Secret>,
}

/// Why a grant gives nothing (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// The code is unknown, expired, used, or bound to something else.
    #[error("{0}")]
    InvalidGrant(&'static str),
    /// The same, and the audit log tells of it already: a code or token that was used before, a wrong password.
    #[error("{0}")]
    Noted(&'static str),
    /// The client may not use this grant.
    #[error("this client may not use this grant type")]
    UnauthorizedClient,
    /// Something was asked for that the client may not get.
    #[error("{0}")]
    InvalidScope(String),
    /// A token was asked for that is for something that isn't here (RFC 8707 §2).
    #[error("resource must be the admin API's: the issuer and /v1/admin")]
    InvalidTarget,
    /// Too many wrong passwords for this name, or from this address.
    #[error("too many attempts; try again later")]
    TooManyAttempts {
        /// When the next attempt counts anew.
        until: Timestamp,
    },
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Counts what a grant came to, and its refresh token. Access tokens are counted where they are issued.
fn count(ctx: &Ctx, operation: Operation, result: &Result<Tokens, TokenError>) {
    let metrics = &ctx.operations.metrics;
    metrics.operation(operation, result);
    if result.as_ref().is_ok_and(|tokens| tokens.refresh_token.is_some()) {
        metrics.tokens.count(TokenKind::Refresh);
    }
}

/// Notes in the audit log that a client that proved itself was given nothing; `grant_type` is absent where it named none.
/// What was wrong with what it presented is told there where somebody may have stolen it.
pub async fn note_refusal(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    client: &ClientId,
    (grant_type, error): (Option<GrantType>, &str),
) -> Result<(), Failure> {
    let detail = match grant_type {
        Some(grant_type) => serde_json::json!({ "grant_type": grant_type, "error": error }),
        None => serde_json::json!({ "error": error }),
    };
    let event = audit::refusal(ctx, AuditKind::TokenRefused, caller, client).detail(detail);
    Ok(audit::append(ctx, tenant, event).await?)
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}
