//! Revocation (RFC 7009): a client gives back a token that it has no use for any more.
//!
//! With a refresh token its grant ends, and every access token of it. An access token ends alone: a row denies it until it
//! would have ended by itself. Both hold at the very next check, on every node.

use keys::Purpose;
use thiserror::Error;

use super::access_token::{self, AccessTokenError};
use super::clients::ReadyClient;
use super::ctx::{Caller, Ctx};
use super::refresh_tokens::RefreshToken;
use super::{Failure, audit, key_rings};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, Secret, TenantId, Timestamp};
use crate::store::{self, StoreError};
use crate::telemetry::metrics::Operation;

/// Notes in the audit log that a client that proved itself was refused to give a token back: it may not be its own.
pub async fn note_refusal(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    client: &ClientId,
    error: &str,
) -> Result<(), Failure> {
    Ok(audit::append_refusal(ctx, AuditKind::TokenRevoked, tenant, caller, client, error).await?)
}

/// Why a token isn't revoked. One that is unknown, or over anyhow, is no error: it doesn't work, as was wished (§2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RevocationError {
    /// It was issued to another client (§2.1).
    #[error("the token was issued to another client")]
    Foreign,
    /// It is an ID token, which nothing can take back.
    #[error("only access tokens and refresh tokens can be revoked")]
    UnsupportedTokenType,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Revokes a token of this client. A token's kind is seen by its form, whatever a hint says.
pub async fn revoke(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    caller: &Caller,
    token: &Secret,
) -> Result<(), RevocationError> {
    let result = try_to_revoke(ctx, tenant, client, caller, token).await;
    ctx.operations.metrics.operation(Operation::Revoke, &result);
    result
}

async fn try_to_revoke(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    caller: &Caller,
    token: &Secret,
) -> Result<(), RevocationError> {
    let event = audit::event(ctx, AuditKind::TokenRevoked, Outcome::Success).client(&client.id).from(caller);
    if let Some(token) = ctx.refresh_keys.parse(token.expose()) {
        return of_refresh_token(ctx, tenant, client, &token, event).await;
    }
    let claims = match access_token::read(ctx, tenant, token).await {
        Ok(claims) => claims,
        Err(AccessTokenError::Failure(failure)) => return Err(failure.into()),
        Err(AccessTokenError::Invalid(_)) => {
            let ring = key_rings::ring(ctx, tenant.id).await?;
            let is_id_token = ring.verify(token.expose(), Purpose::IdToken).is_ok();
            return if is_id_token { Err(RevocationError::UnsupportedTokenType) } else { Ok(()) };
        }
    };
    if claims.ours.client_id != client.id {
        return Err(RevocationError::Foreign);
    }
    let (Some(jti_hash), Some(exp)) = (claims.jti_hash, claims.registered.exp) else { return Ok(()) };
    let event = event.detail(serde_json::json!({ "token": "access_token", "jti": claims.registered.jti }));
    let (tenant, expires_at) = (tenant.id, Timestamp::from_seconds(exp));
    ctx.database
        .write(async move |tx| {
            if store::denied_tokens::deny(&tx, tenant, &jti_hash, expires_at).await? {
                tx.record(tenant, event);
            }
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(())
}

async fn of_refresh_token(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    token: &RefreshToken,
    event: audit::AuditBuilder,
) -> Result<(), RevocationError> {
    let db = ctx.database.read();
    let found = store::grants::find(db, tenant.id, token.grant()).await.map_err(Failure::from)?;
    let Some(grant) = found else { return Ok(()) };
    let stored = store::refresh_tokens::find(db, tenant.id, grant.id).await.map_err(Failure::from)?;
    let hash = token.hash();
    // One that was somebody's once, however long ago; not one that names a grant and is made up.
    let given = token.is_ours() || stored.is_some_and(|now| now.hash == hash || now.former_hash == Some(hash));
    if !given {
        return Ok(());
    }
    if grant.client_id != client.id || client.created_at > grant.created_at {
        return Err(RevocationError::Foreign);
    }
    let event = event.user(grant.user_id).detail(serde_json::json!({ "token": "refresh_token" }));
    let (tenant, now) = (tenant.id, ctx.now());
    ctx.database
        .write(async move |tx| {
            if store::grants::revoke(&tx, tenant, grant.id, now).await? {
                tx.record(tenant, event);
            }
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(())
}
