//! Userinfo (OpenID Connect Core §5.3).

use keys::{ClaimRules, Purpose, RegisteredClaims};
use thiserror::Error;

use super::clients::{self, ClientLookupError};
use super::ctx::Ctx;
use super::{Failure, issue, key_rings, subject};
use crate::domain::Secret;
use crate::domain::claims::UserinfoClaims;
use crate::domain::tenant::Tenant;
use crate::store::StoreError;

/// Why there are no claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum UserinfoError {
    /// The token isn't one of ours, is too old, or was revoked.
    #[error("the access token is invalid, expired or revoked")]
    InvalidToken,
    /// The token wasn't given `openid`.
    #[error("the access token must have the scope openid")]
    InsufficientScope,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for UserinfoError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// The claims of the user whose access token this is, by the scopes of its grant.
pub async fn claims(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<UserinfoClaims, UserinfoError> {
    let ring = key_rings::ring(ctx, tenant.id).await?;
    let verified = ring.verify(token.expose(), Purpose::AccessToken).map_err(|_| UserinfoError::InvalidToken)?;
    let registered: RegisteredClaims = verified.claims().map_err(|_| UserinfoError::InvalidToken)?;
    let now = ctx.now();
    ClaimRules::at(now.seconds())
        .issuer(tenant.issuer.as_str())
        .check(&registered)
        .map_err(|_| UserinfoError::InvalidToken)?;
    let (Some(sub), Some(jti)) = (registered.sub, registered.jti) else { return Err(UserinfoError::InvalidToken) };
    let grant = issue::grant_of_jti(&jti).ok_or(UserinfoError::InvalidToken)?;
    let live = subject::live(ctx.database.read(), tenant.id, grant, now).await?;
    let live = live.map_err(|_| UserinfoError::InvalidToken)?;
    if live.user.id.to_string() != sub {
        return Err(UserinfoError::InvalidToken);
    }
    match clients::active(ctx, tenant.id, &live.grant.client_id).await {
        // A client that was deleted and made anew under the same name isn't the one that the grant was for.
        Ok(client) if client.created_at <= live.grant.created_at => {}
        Ok(_) | Err(ClientLookupError::Unknown) => return Err(UserinfoError::InvalidToken),
        Err(ClientLookupError::Failure(failure)) => return Err(failure.into()),
    }
    if !live.grant.scope.contains("openid") {
        return Err(UserinfoError::InsufficientScope);
    }
    Ok(UserinfoClaims::of(&live.user, &live.grant.scope))
}
