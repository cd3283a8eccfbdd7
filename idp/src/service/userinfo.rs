//! Userinfo (OpenID Connect Core §5.3).

use bytes::Bytes;
use keys::TokenType;
use thiserror::Error;

use super::access_token::{self, AccessTokenError, Presented};
use super::ctx::{Caller, Ctx};
use super::subject::ReadySubject;
use super::{Failure, access, key_rings};
use crate::domain::Secret;
use crate::domain::claims::{UserClaims, UserinfoClaims};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;

/// Why there are no claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UserinfoError {
    /// The token isn't one of ours, is too old, was revoked, or is a service's own.
    #[error("the access token is invalid, expired or revoked")]
    InvalidToken,
    /// The token wasn't given `openid`.
    #[error("the access token must have the scope openid")]
    InsufficientScope,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<AccessTokenError> for UserinfoError {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Invalid(_) => Self::InvalidToken,
            AccessTokenError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// Claims of a user, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Userinfo {
    /// A JSON object.
    Json(Bytes),
    /// A signed JWT, for clients that registered an algorithm for it (§5.3.2).
    Jwt(Bytes),
}

/// The claims of the user whose access token this is, by what it allows. No database when warm. A refusal of a token that
/// holds is in the audit log, with where the request comes from.
pub async fn answer(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: impl FnOnce() -> Caller,
    token: &Secret,
) -> Result<Userinfo, UserinfoError> {
    let presented = access_token::present(ctx, tenant, token).await?;
    let scope = &presented.scope;
    let subject = match presented.person() {
        Some(subject) if scope.contains("openid") => subject,
        Some(_) => return Err(refuse(ctx, tenant, &caller(), &presented, UserinfoError::InsufficientScope).await),
        None => return Err(refuse(ctx, tenant, &caller(), &presented, UserinfoError::InvalidToken).await),
    };
    let bytes = match (subject.userinfo.get(), presented.is_narrower(&subject.live.grant.scope)) {
        (Some(ready), false) => ready.clone(),
        (None, false) => {
            let made = claims(ctx, tenant, subject, scope).await?;
            subject.userinfo.get_or_init(|| made).clone()
        }
        (_, true) => claims(ctx, tenant, subject, scope).await?,
    };
    Ok(match subject.client.metadata.userinfo_signed_response_alg {
        None => Userinfo::Json(bytes),
        Some(_) => Userinfo::Jwt(bytes),
    })
}

/// Notes the refusal of a token that holds.
async fn refuse(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    presented: &Presented,
    error: UserinfoError,
) -> UserinfoError {
    let reason = match presented.person() {
        Some(_) => "at userinfo the access token must have the scope openid",
        None => "at userinfo the access token must be a person's",
    };
    match access::note_refusal(ctx, tenant, caller, presented, reason).await {
        Ok(()) => error,
        Err(failure) => failure.into(),
    }
}

/// What is said of a subject to a token of this scope. Nothing else in it depends on the token, or on the time.
async fn claims(ctx: &Ctx, tenant: &Tenant, subject: &ReadySubject, scope: &ScopeSet) -> Result<Bytes, Failure> {
    let ReadySubject { live, client, sub, .. } = subject;
    let about = UserClaims::at_userinfo(&live.user, scope, live.grant.claims.as_ref(), &client.metadata.scope);
    let Some(algorithm) = client.metadata.userinfo_signed_response_alg else {
        let json = serde_json::to_vec(&UserinfoClaims { iss: None, aud: None, sub, about });
        return json.map(Bytes::from).map_err(|error| {
            tracing::error!(error = %error, "claims can't be written as JSON");
            Failure::Internal
        });
    };
    let claims = UserinfoClaims { iss: Some(tenant.issuer.as_str()), aud: Some(&client.id), sub, about };
    let signer = key_rings::signer(ctx, tenant.id, algorithm).await?;
    key_rings::sign(&signer, TokenType::IdToken, &claims).map(Bytes::from)
}
