//! Userinfo (OpenID Connect Core §5.3).

use keys::{ClaimRules, Purpose, RegisteredClaims, TokenType};
use thiserror::Error;

use super::clients::{self, ClientLookupError};
use super::ctx::Ctx;
use super::{Failure, issue, key_rings, subject, subject_identifier};
use crate::domain::Secret;
use crate::domain::claims::{UserClaims, UserinfoClaims};
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

/// Claims of a user, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Userinfo {
    /// A JSON object.
    Json(Vec<u8>),
    /// A signed JWT, for clients that registered an algorithm for it (§5.3.2).
    Jwt(String),
}

/// The claims of the user whose access token this is, by what its grant allows.
pub async fn answer(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Userinfo, UserinfoError> {
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
    let client = match clients::active(ctx, tenant.id, &live.grant.client_id).await {
        // A client that was deleted and made anew under the same name isn't the one that the grant was for.
        Ok(client) if client.created_at <= live.grant.created_at => client,
        Ok(_) | Err(ClientLookupError::Unknown) => return Err(UserinfoError::InvalidToken),
        Err(ClientLookupError::Failure(failure)) => return Err(failure.into()),
    };
    if subject_identifier::of(ctx, tenant.id, &client, live.user.id).await? != sub {
        return Err(UserinfoError::InvalidToken);
    }
    if !live.grant.scope.contains("openid") {
        return Err(UserinfoError::InsufficientScope);
    }
    let about = UserClaims::at_userinfo(&live.user, &live.grant, &client.metadata.scope);
    match client.metadata.userinfo_signed_response_alg {
        None => json(&UserinfoClaims { iss: None, aud: None, sub: &sub, about }),
        Some(algorithm) => {
            let claims = UserinfoClaims { iss: Some(tenant.issuer.as_str()), aud: Some(&client.id), sub: &sub, about };
            let signer = key_rings::signer(ctx, tenant.id, algorithm).await?;
            let jwt = signer.sign_jwt(TokenType::IdToken, &claims).map_err(Failure::from)?;
            Ok(Userinfo::Jwt(jwt))
        }
    }
}

fn json(claims: &UserinfoClaims<'_>) -> Result<Userinfo, UserinfoError> {
    serde_json::to_vec(claims).map(Userinfo::Json).map_err(|error| {
        tracing::error!(error = %error, "claims can't be written as JSON");
        Failure::Internal.into()
    })
}
