//! The one gate for access tokens that are presented to us: whether a token is one of this tenant's, and whether whoever
//! it belongs to may use it now. A token is verified once, and remembered as long as nothing about it changes. What it
//! may be used for is for the caller to ask ([`super::access`], [`super::userinfo`]).

use std::sync::Arc;
use std::time::{Duration, Instant};

use keys::{Audience, ClaimRules, Purpose, RegisteredClaims};
use serde::Deserialize;
use thiserror::Error;

use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::Ctx;
use super::kept::Kept;
use super::subject::{self, ReadySubject};
use super::{Failure, issue, key_rings};
use crate::domain::client::GrantType;
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, GrantId, Secret, SessionId, TenantId, Timestamp};
use crate::store;
use crate::store::changes::Change;
use crate::telemetry::metrics::{Lookup, Validity};

/// How many tokens are remembered.
const CACHED: u64 = 50_000;
/// How long one is remembered at most.
const KEPT: Duration = Duration::from_mins(5);

/// A token whose signature is good. Nothing is said of its time, or of what it belongs to.
#[derive(Debug)]
pub struct Verified {
    /// The registered claims.
    pub(super) registered: RegisteredClaims,
    /// Those beside them.
    pub(super) ours: Ours,
    /// SHA-256 of its `jti`.
    pub(super) jti_hash: Option<[u8; 32]>,
    grant: Option<GrantId>,
}

/// The claims beside the registered ones that say whose a token is.
#[derive(Debug, Deserialize)]
pub(super) struct Ours {
    /// To whom it was issued.
    pub(super) client_id: ClientId,
    #[serde(default)]
    scope: ScopeSet,
    /// The session that it was given in.
    #[serde(default)]
    pub(super) sid: Option<SessionId>,
    /// When a person proved who they are.
    #[serde(default)]
    pub(super) auth_time: Option<i64>,
}

impl Verified {
    /// Whether it is a service's own (RFC 6749 §4.4): those alone tell of no sign-in, and have their client as the
    /// subject.
    fn is_service(&self) -> bool {
        let signed_in = self.ours.sid.is_some() || self.ours.auth_time.is_some();
        !signed_in && self.registered.sub.as_deref() == Some(self.ours.client_id.as_str())
    }
}

/// Tokens that were verified, by tenant and SHA-256. Those that failed aren't remembered: there is no end of them.
#[derive(Clone, Debug)]
pub struct VerifiedTokens(Kept<(TenantId, [u8; 32]), Arc<Verified>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

/// Whose an access token is.
#[derive(Clone, Debug)]
pub enum Bearer {
    /// A person's, given to a client.
    Person(Arc<ReadySubject>),
    /// A service's own.
    Service,
}

/// An access token that holds now.
#[derive(Clone, Debug)]
pub struct Presented {
    /// Whose it is.
    pub bearer: Bearer,
    /// The client that it was issued to, which is active.
    pub client: Arc<ReadyClient>,
    /// Whom it is for.
    pub audience: Audience,
    /// What it allows: what it says, as far as that is still granted.
    pub scope: ScopeSet,
    /// What it says.
    pub claims: Arc<Verified>,
}

/// Why a token doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessTokenError {
    /// It isn't one of ours, is too old, or was revoked.
    #[error("the access token is invalid, expired or revoked")]
    Invalid,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Reads a token: signature, kind, issuer, dates, and whether it was revoked by itself. No database and no signature when
/// warm. Whether what it belongs to holds is not asked.
pub(super) async fn read(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Arc<Verified>, AccessTokenError> {
    let key = (tenant.id, token.sha256());
    let tokens = &ctx.verified_tokens.0;
    let lookups = &ctx.operations.metrics.verified_tokens;
    let verified = if let Some(verified) = tokens.get(&ctx.database, &key).await {
        lookups.count(Lookup::Hit);
        verified
    } else {
        lookups.count(Lookup::Miss);
        let lookup = ctx.database.changes().begin();
        let ring = key_rings::ring(ctx, tenant.id).await?;
        let jws = ring.verify(token.expose(), Purpose::AccessToken).map_err(|_| AccessTokenError::Invalid)?;
        let registered: RegisteredClaims = jws.claims().map_err(|_| AccessTokenError::Invalid)?;
        let ours = jws.claims().map_err(|_| AccessTokenError::Invalid)?;
        let grant = registered.jti.as_deref().and_then(issue::grant_of_jti);
        let jti_hash = registered.jti.as_deref().map(|jti| openssl::sha::sha256(jti.as_bytes()));
        let mut of = vec![Change::Keys(tenant.id)];
        if let Some(jti_hash) = jti_hash {
            let db = ctx.database.read();
            if store::denied_tokens::is_denied(db, tenant.id, &jti_hash).await.map_err(Failure::from)? {
                return Err(AccessTokenError::Invalid);
            }
            of.push(Change::Token(tenant.id, jti_hash));
        }
        let verified = Arc::new(Verified { registered, ours, jti_hash, grant });
        tokens.keep(&ctx.database, lookup, &of, key, Arc::clone(&verified)).await;
        verified
    };
    let rules = ClaimRules::at(ctx.now().seconds()).issuer(tenant.issuer.as_str());
    rules.check(&verified.registered).map_err(|_| AccessTokenError::Invalid)?;
    Ok(verified)
}

/// A person's access token that holds now.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whose it is, and what they granted.
    pub subject: Arc<ReadySubject>,
    claims: Arc<Verified>,
}

impl Person {
    /// What the token allows where that is less than what was granted: one that was refreshed for less (RFC 6749 §6).
    pub fn narrower(&self) -> Option<ScopeSet> {
        let (says, granted) = (&self.claims.ours.scope, &self.subject.live.grant.scope);
        (!granted.is_subset(says)).then(|| says.intersection(granted))
    }
}

/// The person whose access token this is, if it holds now. No database when warm.
pub async fn person(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Person, AccessTokenError> {
    let began = Instant::now();
    let found = of_person(ctx, tenant, token).await;
    note(ctx, began, &found);
    found
}

async fn of_person(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Person, AccessTokenError> {
    let claims = read(ctx, tenant, token).await?;
    Ok(Person { subject: subject_of(ctx, tenant, &claims).await?, claims })
}

/// Whoever's access token this is, if it holds now. No database when warm.
pub async fn present(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Presented, AccessTokenError> {
    let began = Instant::now();
    let found = look_at(ctx, tenant, token).await;
    note(ctx, began, &found);
    found
}

/// Counts a token that was presented, and what it was found to be.
fn note<T>(ctx: &Ctx, began: Instant, found: &Result<T, AccessTokenError>) {
    let metrics = &ctx.operations.metrics;
    metrics.validation.observe(began.elapsed());
    metrics.validations.count(match found {
        Ok(_) => Validity::Valid,
        Err(AccessTokenError::Invalid) => Validity::Invalid,
        Err(AccessTokenError::Failure(_)) => Validity::Error,
    });
}

async fn look_at(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Presented, AccessTokenError> {
    let verified = read(ctx, tenant, token).await?;
    let (bearer, client, granted) = if verified.is_service() {
        let client = service_of(ctx, tenant, &verified).await?;
        let granted = client.metadata.scope.clone();
        (Bearer::Service, client, granted)
    } else {
        let subject = subject_of(ctx, tenant, &verified).await?;
        let (client, granted) = (Arc::clone(&subject.client), subject.live.grant.scope.clone());
        (Bearer::Person(subject), client, granted)
    };
    let scope = verified.ours.scope.intersection(&granted);
    Ok(Presented { bearer, client, audience: verified.registered.aud.clone(), scope, claims: verified })
}

async fn subject_of(ctx: &Ctx, tenant: &Tenant, verified: &Verified) -> Result<Arc<ReadySubject>, AccessTokenError> {
    let grant = verified.grant.ok_or(AccessTokenError::Invalid)?;
    let subject = subject::ready(ctx, tenant.id, grant, ctx.now()).await?;
    let subject = subject.map_err(|_| AccessTokenError::Invalid)?;
    let theirs = subject.admits(verified.registered.sub.as_deref(), verified.ours.sid)
        && subject.live.grant.client_id == verified.ours.client_id;
    if theirs { Ok(subject) } else { Err(AccessTokenError::Invalid) }
}

async fn service_of(ctx: &Ctx, tenant: &Tenant, verified: &Verified) -> Result<Arc<ReadyClient>, AccessTokenError> {
    let iat = verified.registered.iat.ok_or(AccessTokenError::Invalid)?;
    // What was made in the very millisecond of an end of everything ends with it.
    let made = issue::made_at(verified.registered.jti.as_deref(), iat);
    let withdrawn = |since: Option<Timestamp>| since.is_some_and(|since| made <= since);
    if withdrawn(tenant.sessions_since) {
        return Err(AccessTokenError::Invalid);
    }
    match clients::active(ctx, tenant.id, &verified.ours.client_id).await {
        // A client that was deleted and made anew under the same name isn't the one that the token was for.
        Ok(client)
            if client.created_at <= made
                && !withdrawn(client.grants_since)
                && client.metadata.grant_types.contains(&GrantType::ClientCredentials) =>
        {
            Ok(client)
        }
        Ok(_) | Err(ClientLookupError::Unknown) => Err(AccessTokenError::Invalid),
        Err(ClientLookupError::Failure(failure)) => Err(failure.into()),
    }
}
