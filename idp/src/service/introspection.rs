//! Introspection (RFC 7662): what a token is worth now, told to those whom it concerns.
//!
//! A client sees the tokens that it was issued, and the access tokens that are for it: whose `aud` is the client itself, or
//! the audience that it registered. Of any other token, and of one that doesn't hold, nothing is said but that it isn't
//! active; which of the two it was is nobody's business.
//!
//! An access token that was seen before costs no database, and its answer isn't written twice while nothing about it
//! changes; what of it has been taken away is gone from the answer, be it a scope or a role. Of a refresh token the
//! database is asked.

use bytes::Bytes;
use keys::{Audience, TokenType};
use serde::Serialize;

use super::access_token::{self, AccessTokenError, Bearer, Presented};
use super::clients::ReadyClient;
use super::ctx::{Caller, Ctx};
use super::refresh_tokens::RefreshToken;
use super::{Failure, audit, issue, key_rings, subject, subject_identifier};
use crate::domain::audit::AuditKind;
use crate::domain::client::SubjectType;
use crate::domain::tenant::Tenant;
use crate::domain::user::Email;
use crate::domain::{ClientId, Secret, SessionId, TenantId};
use crate::store;

/// Notes in the audit log that a known client was refused to ask. A token that isn't active is no refusal.
pub async fn note_refusal(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    client: &ClientId,
    error: &str,
) -> Result<(), Failure> {
    Ok(audit::append_refusal(ctx, AuditKind::IntrospectionRefused, tenant, caller, client, error).await?)
}

/// What is said of a token (RFC 7662 §2.2): the claims that it has, as far as they are true still.
#[derive(Debug, Serialize)]
struct Said<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a Audience>,
    client_id: &'a ClientId,
    scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    tid: TenantId,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    roles: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
}

/// The whole answer about a token that isn't active.
const INACTIVE: &[u8] = br#"{"active":false}"#;

/// What a token is worth now, as JSON, for this authenticated client. A token's kind is seen by its form, whatever a hint
/// says.
pub async fn answer(ctx: &Ctx, tenant: &Tenant, client: &ReadyClient, token: &Secret) -> Result<Bytes, Failure> {
    if let Some(refresh_token) = ctx.refresh_keys.parse(token.expose()) {
        return of_refresh_token(ctx, tenant, client, &refresh_token).await;
    }
    match access_token::present(ctx, tenant, token).await {
        Ok(presented) if concerns(client, &presented) => of_access_token(tenant, &presented),
        Ok(_) | Err(AccessTokenError::Invalid(_)) => Ok(Bytes::from_static(INACTIVE)),
        Err(AccessTokenError::Failure(failure)) => Err(failure),
    }
}

fn concerns(client: &ReadyClient, presented: &Presented) -> bool {
    let audience = client.metadata.audience.as_deref();
    presented.client.id == client.id
        || presented.audience.contains(client.id.as_str())
        || audience.is_some_and(|audience| presented.audience.contains(audience))
}

/// What is said of an access token, written once: nothing in it depends on the time, or on who asks.
fn of_access_token(tenant: &Tenant, presented: &Presented) -> Result<Bytes, Failure> {
    if let Some(said) = presented.said.get() {
        return Ok(said.clone());
    }
    let made = written(&about(tenant, presented))?;
    Ok(presented.said.get_or_init(|| made).clone())
}

fn about<'a>(tenant: &'a Tenant, presented: &'a Presented) -> Said<'a> {
    let Presented { bearer, client, audience, scope, claims, said: _ } = presented;
    let (roles, email) = match bearer {
        Bearer::Person(subject) => {
            let user = &subject.live.user;
            // As in the token itself: an address would tell who it is to a client that isn't to know.
            let pairwise = client.metadata.subject_type == SubjectType::Pairwise;
            let email = user.email.as_ref().filter(|_| !pairwise || scope.contains("email"));
            (user.roles.iter().map(String::as_str).collect(), email.map(Email::as_str))
        }
        Bearer::Service if client.metadata.roles.is_empty() => (vec![issue::SERVICE_ROLE], None),
        Bearer::Service => (client.metadata.roles.iter().map(String::as_str).collect(), None),
    };
    Said {
        active: true,
        token_type: Some("Bearer"),
        iss: tenant.issuer.as_str(),
        sub: claims.registered.sub.as_deref(),
        aud: Some(audience),
        client_id: &client.id,
        scope: scope.to_string(),
        exp: claims.registered.exp,
        iat: claims.registered.iat,
        jti: claims.registered.jti.as_deref(),
        tid: tenant.id,
        roles,
        email,
        sid: claims.ours.sid,
        auth_time: claims.ours.auth_time,
    }
}

/// Of a refresh token, which only its client has any use for: it is active while it can be redeemed for the first time.
async fn of_refresh_token(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    token: &RefreshToken,
) -> Result<Bytes, Failure> {
    let (db, now) = (ctx.database.read(), ctx.now());
    let registered = &client.metadata.scope;
    let live = subject::live(db, tenant.id, token.grant(), registered, now).await?;
    let Ok(live) = live else { return Ok(Bytes::from_static(INACTIVE)) };
    let stored = store::refresh_tokens::find(db, tenant.id, token.grant()).await?;
    let current = stored.filter(|stored| stored.hash == token.hash() && now < stored.expires_at);
    let theirs = live.grant.client_id == client.id && client.created_at <= live.grant.created_at;
    let Some(stored) = current.filter(|_| theirs) else { return Ok(Bytes::from_static(INACTIVE)) };
    let sub = subject_identifier::of(ctx, tenant.id, client, live.user.id).await?;
    written(&Said {
        active: true,
        token_type: None,
        iss: tenant.issuer.as_str(),
        sub: Some(&sub),
        aud: None,
        client_id: &client.id,
        scope: live.grant.scope.to_string(),
        exp: Some(stored.expires_at.seconds()),
        iat: stored.rotated_at.map(crate::domain::Timestamp::seconds),
        jti: None,
        tid: tenant.id,
        roles: Vec::new(),
        email: None,
        sid: live.session.map(|session| session.id),
        auth_time: live.grant.authentication.map(|authentication| authentication.time.seconds()),
    })
}

fn written(value: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(value).map(Bytes::from).map_err(|error| {
        tracing::error!(error = %error, "an answer can't be written as JSON");
        Failure::Internal
    })
}

/// The algorithm of signed answers; advertised.
pub const SIGNING_ALGORITHM: keys::Algorithm = keys::Algorithm::Rs256;

/// A signed answer (RFC 9701 §5): an introspection answer, by whom, for whom, when.
#[derive(Serialize)]
struct Signed<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: i64,
    token_introspection: serde_json::Value,
}

/// The answer as a JWT for this client.
pub async fn sign(ctx: &Ctx, tenant: &Tenant, client: &ReadyClient, answer: &[u8]) -> Result<String, Failure> {
    let signer = key_rings::signer(ctx, tenant.id, SIGNING_ALGORITHM).await?;
    let said = serde_json::from_slice(answer).map_err(|error| {
        tracing::error!(error = %error, "an answer can't be signed");
        Failure::Internal
    })?;
    let claims =
        Signed { iss: tenant.issuer.as_str(), aud: &client.id, iat: ctx.now().seconds(), token_introspection: said };
    key_rings::sign(&signer, TokenType::Introspection, &claims)
}
