//! The one gate for access tokens that are presented to us: whether a token is one of this tenant's, and whether whoever
//! it belongs to may use it now. A token is verified once, and remembered as long as nothing about it changes; with whom
//! it belongs to it is remembered as long as nothing about either changes. Time is asked at each use. What it may be used
//! for is for the caller to ask ([`super::access`], [`super::userinfo`]).

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use keys::{Audience, ClaimRules, Purpose, RegisteredClaims};
use serde::Deserialize;
use thiserror::Error;

use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::Ctx;
use super::kept::Kept;
use super::subject::{self, ReadySubject, SubjectRefused};
use super::{Failure, issue, key_rings};
use crate::domain::client::{Client, GrantType};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, GrantId, Secret, SessionId, TenantId, Timestamp};
use crate::store;
use crate::store::change::Change;
use crate::telemetry::metrics::{Lookup, Validity};

/// How many tokens are remembered.
const CACHED: u64 = 50_000;
/// How many are remembered with whom they belong to.
const HELD: u64 = 20_000;
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

    /// Whether it is this tenant's and its time has come and isn't up.
    fn is_in_time(&self, tenant: &Tenant, now: Timestamp) -> bool {
        ClaimRules::at(now.seconds()).issuer(tenant.issuer.as_str()).check(&self.registered).is_ok()
    }

    /// When it was made; `None` if it doesn't say so.
    fn made(&self) -> Option<Timestamp> {
        self.registered.iat.map(|iat| issue::made_at(self.registered.jti.as_deref(), iat))
    }

    /// Whether this, a service's own, is still what such a client of the tenant may have: it ends with all that either had,
    /// and a client that was deleted and made anew under the same name isn't the one that it was for.
    fn goes_on(&self, tenant: &Tenant, client: &Client) -> bool {
        if let Some(known) = self.registered.jti.as_deref().and_then(issue::Ends::of_jti) {
            return known == issue::Ends::of(tenant, client);
        }
        // What an early version made in the very millisecond of an end of everything ends with it.
        let ends = [tenant.sessions_since, client.grants_since];
        self.made().is_some_and(|made| client.created_at <= made && ends.into_iter().flatten().all(|end| end < made))
    }

    /// What may change about the token itself.
    fn made_of(&self, tenant: TenantId) -> Vec<Change> {
        let mut of = vec![Change::Keys(tenant)];
        of.extend(self.jti_hash.map(|jti_hash| Change::Token(tenant, jti_hash)));
        of
    }
}

/// Tokens that were verified, by tenant and SHA-256. Those that failed aren't remembered: there is no end of them.
#[derive(Clone, Debug)]
pub struct VerifiedTokens {
    verified: Kept<(TenantId, [u8; 32]), Arc<Verified>>,
    /// Those that held, with all that this depended on. They are good for less long than the others: a change of a
    /// person takes theirs away, and their signatures needn't be verified again for that.
    held: Kept<(TenantId, [u8; 32]), Arc<Presented>>,
}

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self { verified: Kept::new(CACHED, KEPT), held: Kept::new(HELD, KEPT) }
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
#[derive(Debug)]
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
    /// What introspection says of it to those whom it concerns: made when it is first asked for.
    pub(super) said: OnceLock<Bytes>,
}

impl Presented {
    /// The person whose it is, and what they granted; `None` if it is a service's own.
    pub fn person(&self) -> Option<&Arc<ReadySubject>> {
        match &self.bearer {
            Bearer::Person(subject) => Some(subject),
            Bearer::Service => None,
        }
    }

    /// Whether it allows less than what was granted: one that was refreshed for less (RFC 6749 §6).
    pub fn is_narrower(&self, granted: &ScopeSet) -> bool {
        !granted.is_subset(&self.claims.ours.scope)
    }

    /// Whether it holds still, if nothing that it is made of has changed. Time passes without a change; and the tenant
    /// may be one from before a change that the rest is made after.
    fn holds(&self, tenant: &Tenant, now: Timestamp) -> bool {
        let whose = match &self.bearer {
            Bearer::Person(subject) => subject.is_live(now),
            Bearer::Service => self.claims.goes_on(tenant, &self.client),
        };
        whose && self.claims.is_in_time(tenant, now)
    }

    /// All that may change about it; eight things at most.
    fn made_of(&self, tenant: TenantId) -> Vec<Change> {
        let mut of = self.claims.made_of(tenant);
        match &self.bearer {
            Bearer::Person(subject) => of.extend(subject.made_of(tenant)),
            Bearer::Service => of.extend([Change::Client(tenant, self.client.id.clone()), Change::Tenant(tenant)]),
        }
        of
    }
}

/// What speaks against a token: for those who look for a mistake. Who presents it learns no more than that it is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenRefused {
    /// It isn't an access token of this tenant's, or its signature isn't good.
    #[error("it isn't an access token that this tenant issued")]
    Foreign,
    /// Its time hasn't come, or is up.
    #[error("its time hasn't come, or is up")]
    Time,
    /// It was revoked by itself (RFC 7009).
    #[error("it was revoked")]
    Revoked,
    /// Its `jti` names no grant.
    #[error("its jti names no grant")]
    NoGrant,
    /// What it belongs to is over, or may not be used.
    #[error(transparent)]
    Subject(SubjectRefused),
    /// Its grant is another person's, or another client's.
    #[error("its grant isn't that of the person and the client that it names")]
    Mismatch,
    /// A service's own, and there was an end of everything since.
    #[error("all that its client or its tenant had was ended since it was issued")]
    Ended,
    /// A service's own, and its client may have none any more.
    #[error("its client may not use client_credentials any more")]
    GrantType,
}

/// Why a token doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessTokenError {
    /// It isn't one of ours, is too old, or was revoked.
    #[error("the access token is invalid, expired or revoked")]
    Invalid(TokenRefused),
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<TokenRefused> for AccessTokenError {
    fn from(refused: TokenRefused) -> Self {
        Self::Invalid(refused)
    }
}

impl From<SubjectRefused> for AccessTokenError {
    fn from(refused: SubjectRefused) -> Self {
        Self::Invalid(TokenRefused::Subject(refused))
    }
}

/// Reads a token: signature, kind, issuer, dates, and whether it was revoked by itself. No database and no signature when
/// warm. Whether what it belongs to holds is not asked.
pub(super) async fn read(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Arc<Verified>, AccessTokenError> {
    let verified = verify(ctx, tenant, token).await?;
    if verified.is_in_time(tenant, ctx.now()) { Ok(verified) } else { Err(TokenRefused::Time.into()) }
}

/// The same at whatever time.
async fn verify(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Arc<Verified>, AccessTokenError> {
    let key = (tenant.id, token.sha256());
    let tokens = &ctx.verified_tokens.verified;
    let lookups = &ctx.operations.metrics.verified_tokens;
    if let Some(verified) = tokens.get(&ctx.database, &key).await {
        lookups.count(Lookup::Hit);
        return Ok(verified);
    }
    lookups.count(Lookup::Miss);
    let lookup = ctx.database.changes().begin();
    let ring = key_rings::ring(ctx, tenant.id).await?;
    let jws = ring.verify(token.expose(), Purpose::AccessToken).map_err(|_| TokenRefused::Foreign)?;
    let registered: RegisteredClaims = jws.claims().map_err(|_| TokenRefused::Foreign)?;
    let ours = jws.claims().map_err(|_| TokenRefused::Foreign)?;
    let grant = registered.jti.as_deref().and_then(issue::grant_of_jti);
    let jti_hash = registered.jti.as_deref().map(|jti| openssl::sha::sha256(jti.as_bytes()));
    if let Some(jti_hash) = jti_hash {
        let db = ctx.database.read();
        if store::denied_tokens::is_denied(db, tenant.id, &jti_hash).await.map_err(Failure::from)? {
            return Err(TokenRefused::Revoked.into());
        }
    }
    let verified = Arc::new(Verified { registered, ours, jti_hash, grant });
    let of = verified.made_of(tenant.id);
    tokens.keep(&ctx.database, lookup, &of, key, Arc::clone(&verified)).await;
    Ok(verified)
}

/// Whoever's access token this is, if it holds now. No database when warm.
pub async fn present(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Arc<Presented>, AccessTokenError> {
    let began = Instant::now();
    let found = look_at(ctx, tenant, token).await;
    note(ctx, began, &found);
    found
}

/// What speaks against a token, whatever its time: `None` if nothing does. For those who look for a mistake.
pub(super) async fn refusal(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Option<TokenRefused>, Failure> {
    let found = match verify(ctx, tenant, token).await {
        Ok(verified) => bearer(ctx, tenant, &verified).await.map(drop),
        Err(error) => Err(error),
    };
    match found {
        Ok(()) => Ok(None),
        Err(AccessTokenError::Invalid(refused)) => Ok(Some(refused)),
        Err(AccessTokenError::Failure(failure)) => Err(failure),
    }
}

/// Counts a token that was presented, and what it was found to be.
fn note(ctx: &Ctx, began: Instant, found: &Result<Arc<Presented>, AccessTokenError>) {
    let metrics = &ctx.operations.metrics;
    metrics.validation.observe(began.elapsed());
    metrics.validations.count(match found {
        Ok(_) => Validity::Valid,
        Err(AccessTokenError::Invalid(_)) => Validity::Invalid,
        Err(AccessTokenError::Failure(_)) => Validity::Error,
    });
}

async fn look_at(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Arc<Presented>, AccessTokenError> {
    let (database, key) = (&ctx.database, (tenant.id, token.sha256()));
    let held = &ctx.verified_tokens.held;
    if let Some(presented) = held.get(database, &key).await.filter(|presented| presented.holds(tenant, ctx.now())) {
        ctx.operations.metrics.verified_tokens.count(Lookup::Hit);
        return Ok(presented);
    }
    let lookup = database.changes().begin();
    let verified = read(ctx, tenant, token).await?;
    let (bearer, client, granted) = bearer(ctx, tenant, &verified).await?;
    let (scope, audience) = (verified.ours.scope.intersection(&granted), verified.registered.aud.clone());
    let presented = Presented { bearer, client, audience, scope, claims: verified, said: OnceLock::new() };
    let (of, presented) = (presented.made_of(tenant.id), Arc::new(presented));
    held.keep(database, lookup, &of, key, Arc::clone(&presented)).await;
    Ok(presented)
}

/// Whose a token is, if that goes on, with its client and what was granted.
async fn bearer(
    ctx: &Ctx,
    tenant: &Tenant,
    verified: &Verified,
) -> Result<(Bearer, Arc<ReadyClient>, ScopeSet), AccessTokenError> {
    if verified.is_service() {
        let client = service_of(ctx, tenant, verified).await?;
        let granted = client.metadata.scope.clone();
        return Ok((Bearer::Service, client, granted));
    }
    let subject = subject_of(ctx, tenant, verified).await?;
    let (client, granted) = (Arc::clone(&subject.client), subject.live.grant.scope.clone());
    Ok((Bearer::Person(subject), client, granted))
}

async fn subject_of(ctx: &Ctx, tenant: &Tenant, verified: &Verified) -> Result<Arc<ReadySubject>, AccessTokenError> {
    let grant = verified.grant.ok_or(TokenRefused::NoGrant)?;
    let subject = subject::ready(ctx, tenant.id, grant, ctx.now()).await??;
    if subject.live.grant.client_id != verified.ours.client_id {
        return Err(TokenRefused::Mismatch.into());
    }
    let sub = verified.registered.sub.as_deref();
    if subject.admits(sub, verified.ours.sid) {
        Ok(subject)
    } else if subject.admits(sub, None) {
        // The grant goes on, but not the session that the token is of.
        Err(SubjectRefused::Session.into())
    } else {
        Err(TokenRefused::Mismatch.into())
    }
}

async fn service_of(ctx: &Ctx, tenant: &Tenant, verified: &Verified) -> Result<Arc<ReadyClient>, AccessTokenError> {
    let client = match clients::active(ctx, tenant.id, &verified.ours.client_id).await {
        Ok(client) => client,
        Err(ClientLookupError::Unknown) => return Err(SubjectRefused::Client.into()),
        Err(ClientLookupError::Failure(failure)) => return Err(failure.into()),
    };
    if !verified.goes_on(tenant, &client) {
        return Err(TokenRefused::Ended.into());
    }
    if !client.metadata.grant_types.contains(&GrantType::ClientCredentials) {
        return Err(TokenRefused::GrantType.into());
    }
    Ok(client)
}
