//! Each tenant's keys, parsed once and kept ready.
//!
//! A tenant's first key is made when it is first needed, and so is the first of each further algorithm: making a
//! tenant takes milliseconds, and ten thousand of them cost no key until somebody signs in. Two nodes that need the
//! same first key at once make two; the database lets one become active and both go on with that one.

use std::sync::Arc;
use std::time::Duration;

use keys::{
    Algorithm, KeyLifecycle, KeyRing, KeySpec, KeyState, Kid, PrivateKey, Purpose, RegisteredClaims, RingKey,
    RotationRules, Signer, TokenType, VerificationKey, VerifiedJws, VerifyError, verify_jws,
};
use moka::future::Cache;
use serde::Serialize;
use thiserror::Error;

use super::audit::Actor;
use super::ctx::Ctx;
use super::events::{self, EventBuilder};
use super::kept::Kept;
use super::{Failure, audit};
use crate::domain::TenantId;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::ClientMetadata;
use crate::domain::event::EventType;
use crate::store::change::Change;
pub use crate::store::signing_keys::StoredKey;
use crate::store::{self, StoreError};
use crate::telemetry;

/// How many tenants' keys are kept ready.
const CACHED: u64 = 10_000;
/// How long one is kept at most, should the news of its change ever be lost.
const KEPT: Duration = Duration::from_mins(5);

/// Key rings that were asked for, by tenant.
#[derive(Clone, Debug)]
pub struct KeyRings {
    ready: Kept<TenantId, Arc<KeyRing>>,
    /// First keys in the making: one at a time, as each keeps a core busy for up to a second.
    making: Cache<(TenantId, Algorithm), ()>,
}

impl Default for KeyRings {
    fn default() -> Self {
        Self {
            ready: Kept::new(CACHED, KEPT),
            making: Cache::builder().max_capacity(CACHED).time_to_live(KEPT).build(),
        }
    }
}

impl KeyRings {
    /// Forgets everything: something was changed elsewhere.
    pub fn invalidate_all(&self) {
        self.ready.invalidate_all();
    }
}

/// The tenant's key ring, with an active RS256 key in it. No database when warm.
pub async fn ring(ctx: &Ctx, tenant: TenantId) -> Result<Arc<KeyRing>, Failure> {
    ring_with(ctx, tenant, Algorithm::Rs256).await
}

/// What signs with that algorithm for the tenant, and the ring that it is in. No database when warm.
pub async fn signer(ctx: &Ctx, tenant: TenantId, algorithm: Algorithm) -> Result<Arc<Signer>, Failure> {
    let ring = ring_with(ctx, tenant, algorithm).await?;
    ring.signer(algorithm).map(Arc::clone).ok_or(Failure::Internal)
}

/// Signs claims, as a part of the request that is being answered.
pub fn sign<C: Serialize>(signer: &Signer, token_type: TokenType, claims: &C) -> Result<String, Failure> {
    Ok(telemetry::part("sign").of(|| signer.sign_jwt(token_type, claims))?)
}

/// An ID token of this tenant, whether it is good or over: one that says whom a request is about. Its key may have been
/// retired since, in its time; one that was retired in an emergency vouches for nothing. `None` if it isn't ours.
pub async fn id_token_hint(ctx: &Ctx, tenant: TenantId, token: &str) -> Result<Option<VerifiedJws>, Failure> {
    // Signed claims of userinfo are of the same type, and have neither date.
    let is_one = |verified: &VerifiedJws| {
        verified.claims::<RegisteredClaims>().is_ok_and(|claims| claims.exp.is_some() && claims.iat.is_some())
    };
    match ring(ctx, tenant).await?.verify(token, Purpose::IdToken) {
        Ok(verified) => return Ok(Some(verified).filter(is_one)),
        Err(VerifyError::UnknownKid(_)) => {}
        Err(_) => return Ok(None),
    }
    let rules = rules(ctx);
    let rows = store::signing_keys::list_all(ctx.database.read(), tenant).await?;
    let former = rows.iter().filter(|row| row.lifecycle.is_retired_in_time(&rules));
    let former: Vec<VerificationKey> = former.filter_map(|row| VerificationKey::try_from(&row.jwk).ok()).collect();
    Ok(verify_jws(token, &former, Purpose::IdToken).ok().filter(is_one))
}

async fn ring_with(ctx: &Ctx, tenant: TenantId, algorithm: Algorithm) -> Result<Arc<KeyRing>, Failure> {
    let KeyRings { ready, making } = &ctx.key_rings;
    let ring = match ready.get(&ctx.database, &tenant).await {
        Some(ring) => ring,
        None => load(ctx, tenant).await?,
    };
    if ring.signer(algorithm).is_some() {
        return Ok(ring);
    }
    let first = (tenant, algorithm);
    making.try_get_with(first, create_first(ctx, tenant, algorithm)).await.map_err(|error| *error)?;
    making.invalidate(&first).await;
    load(ctx, tenant).await
}

async fn load(ctx: &Ctx, tenant: TenantId) -> Result<Arc<KeyRing>, Failure> {
    let lookup = ctx.database.changes().begin();
    let rows = store::signing_keys::list_published(ctx.database.read(), tenant).await?;
    let ring = build(ctx, tenant, rows).map(Arc::new)?;
    ctx.key_rings.ready.keep(&ctx.database, lookup, &[Change::Keys(tenant)], tenant, Arc::clone(&ring)).await;
    Ok(ring)
}

fn build(ctx: &Ctx, tenant: TenantId, rows: Vec<StoredKey>) -> Result<KeyRing, Failure> {
    let internal = |error: &dyn std::error::Error| {
        tracing::error!(tenant = %tenant, error = %error, "a signing key can't be used: is the key-encryption key the right one?");
        Failure::Internal
    };
    let mut ring = Vec::with_capacity(rows.len());
    for row in rows {
        let state = row.lifecycle.state();
        let open = |public: &_| PrivateKey::open(&ctx.sealing, tenant.uuid().as_bytes(), public, &row.sealed_private);
        ring.extend(RingKey::of_state(state, row.jwk.clone(), open).map_err(|error| internal(&error))?);
    }
    KeyRing::build(ring).map_err(|error| internal(&error))
}

/// Makes a key off the runtime's threads: RSA takes up to a second.
async fn generate(ctx: &Ctx, tenant: TenantId, spec: KeySpec) -> Result<(PrivateKey, Vec<u8>), Failure> {
    let failed = |error: &dyn std::error::Error| {
        tracing::error!(tenant = %tenant, error = %error, "a signing key can't be made");
        Failure::Internal
    };
    let key = tokio::task::spawn_blocking(move || PrivateKey::generate(spec))
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    let sealed = key.seal(ctx.sealing.current(), tenant.uuid().as_bytes()).map_err(|error| failed(&error))?;
    Ok((key, sealed))
}

async fn create_first(ctx: &Ctx, tenant: TenantId, algorithm: Algorithm) -> Result<(), Failure> {
    let (key, sealed_private) = generate(ctx, tenant, KeySpec::from(algorithm)).await?;
    let now = ctx.now();
    let row = StoredKey {
        jwk: key.public_jwk().clone(),
        sealed_private,
        lifecycle: KeyLifecycle::first(now.millis()),
        created_at: now,
    };
    let event = audit::event(ctx, AuditKind::KeyChanged, Outcome::Success)
        .by(Actor::signet())
        .detail(serde_json::json!({ "kid": key.kid().as_str(), "alg": algorithm.name(), "state": "active" }));
    let told = tell_of(ctx, EventType::KeyActivated, key.kid(), algorithm).by(Actor::signet());
    ctx.database
        .write(async move |tx| {
            if store::signing_keys::insert_active_if_none(&tx, tenant, &row).await? {
                tx.record(tenant, told);
                tx.record(tenant, event);
            }
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(())
}

/// Why a key's state isn't changed.
#[derive(Debug, Error)]
pub enum KeyChangeError {
    /// The tenant has none of that name.
    #[error("there is no key {0}")]
    Unknown(String),
    /// A rule forbids it, now or ever.
    #[error(transparent)]
    Lifecycle(#[from] keys::LifecycleError),
    /// Somebody else changed it at the same time.
    #[error("the key was changed by somebody else at the same time; look again")]
    Raced,
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// How a key's state is to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyChange {
    /// Sign with it from now on; the one that signed before begins to retire.
    Activate,
    /// The same, though not every relying party may have seen it.
    ActivateInEmergency,
    /// Take it out of the JWKS.
    Retire,
    /// The same, though tokens that it signed may still be about: they fail from now on.
    RetireInEmergency,
}

/// The rules by which this installation's keys change.
pub fn rules(ctx: &Ctx) -> RotationRules {
    RotationRules {
        jwks_max_age: ctx.config.tokens.jwks_max_age,
        longest_token_life: ctx.config.tokens.longest().max(ClientMetadata::LONGEST_ACCESS_TOKEN_LIFETIME),
        margin: std::time::Duration::from_mins(1),
    }
}

/// All keys of a tenant, retired ones too, the oldest first.
pub async fn list(ctx: &Ctx, tenant: TenantId) -> Result<Vec<StoredKey>, Failure> {
    Ok(store::signing_keys::list_all(ctx.database.read(), tenant).await?)
}

/// Opens a private key only to see whether it can be opened.
///
/// # Errors
/// The key-encryption key isn't the one that it was sealed under, or the row was changed.
pub fn try_open(ctx: &Ctx, tenant: TenantId, key: &StoredKey) -> Result<(), keys::PrivateKeyError> {
    PrivateKey::open(&ctx.sealing, tenant.uuid().as_bytes(), &key.jwk, &key.sealed_private).map(drop)
}

/// Makes a key and publishes it; it signs once it is activated.
pub async fn stage(ctx: &Ctx, tenant: TenantId, spec: KeySpec, actor: impl Into<Actor>) -> Result<StoredKey, Failure> {
    let (key, sealed_private) = generate(ctx, tenant, spec).await?;
    let now = ctx.now();
    let row = StoredKey {
        jwk: key.public_jwk().clone(),
        sealed_private,
        lifecycle: KeyLifecycle::staged(now.millis()),
        created_at: now,
    };
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::KeyChanged, Outcome::Success)
        .by(&actor)
        .detail(serde_json::json!({ "kid": key.kid().as_str(), "alg": key.algorithm().name(), "state": "staged" }));
    let told = tell_of(ctx, EventType::KeyStaged, key.kid(), key.algorithm()).by(&actor);
    let stored = row.clone();
    ctx.database
        .write(async move |tx| {
            store::signing_keys::insert(&tx, tenant, &stored).await?;
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(row)
}

/// Changes a key's state, and with it that of the key that it takes over from. Both or neither.
pub async fn change(
    ctx: &Ctx,
    tenant: TenantId,
    kid: &str,
    change: KeyChange,
    actor: impl Into<Actor>,
) -> Result<StoredKey, KeyChangeError> {
    let rows = store::signing_keys::list_all(ctx.database.read(), tenant).await.map_err(Failure::from)?;
    let key = rows.iter().find(|row| row.jwk.kid().as_str() == kid);
    let key = key.ok_or_else(|| KeyChangeError::Unknown(kid.to_owned()))?;
    let now = ctx.now().millis();
    let rules = rules(ctx);
    let next = match change {
        KeyChange::Activate => key.lifecycle.activate(now, &rules)?,
        KeyChange::ActivateInEmergency => key.lifecycle.activate_in_emergency(now)?,
        KeyChange::Retire => key.lifecycle.retire(now, &rules)?,
        KeyChange::RetireInEmergency => key.lifecycle.retire_in_emergency(now)?,
    };
    let mut steps: Vec<(Kid, KeyState, KeyLifecycle)> = Vec::new();
    if next.state() == KeyState::Active {
        let algorithm = key.jwk.algorithm();
        let before =
            rows.iter().filter(|row| row.lifecycle.state() == KeyState::Active && row.jwk.algorithm() == algorithm);
        for row in before {
            let retiring = row.lifecycle.begin_retiring(now)?;
            steps.push((row.jwk.kid().clone(), KeyState::Active, retiring));
        }
    }
    steps.push((key.jwk.kid().clone(), key.lifecycle.state(), next));
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::KeyChanged, Outcome::Success)
        .by(&actor)
        .detail(serde_json::json!({ "kid": kid, "state": next.state().as_str() }));
    let what = match change {
        KeyChange::Activate | KeyChange::ActivateInEmergency => EventType::KeyActivated,
        KeyChange::Retire | KeyChange::RetireInEmergency => EventType::KeyRetired,
    };
    let told = tell_of(ctx, what, key.jwk.kid(), key.jwk.algorithm()).by(&actor);
    ctx.database
        .write(async move |tx| {
            for (kid, from, to) in steps {
                if !store::signing_keys::transition(&tx, tenant, &kid, from, &to).await? {
                    return Err(KeyChangeError::Raced);
                }
            }
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok(())
        })
        .await?;
    Ok(StoredKey { lifecycle: next, ..key.clone() })
}

/// Begins to tell others of a key.
fn tell_of(ctx: &Ctx, what: EventType, kid: &Kid, algorithm: Algorithm) -> EventBuilder {
    events::of(ctx, what).with("kid", kid.as_str()).with("alg", algorithm.name())
}

impl From<StoreError> for KeyChangeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}
