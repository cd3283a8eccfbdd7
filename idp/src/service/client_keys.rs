//! The public keys of clients: registered (`jwks`), or fetched from where the client publishes them (`jwks_uri`).
//!
//! Fetched keys are kept as long as the answer says, a minute at least and an hour at most, and read again when a token
//! names one that isn't among them: that is how a client changes its keys (OpenID Connect Core §10.1.1). Both happen
//! once for many requests at a time, and at most once in `outbound.retry_interval` for a client, so that neither a
//! failing address nor a stranger's tokens, nor a stranger who hangs up, make this server a hammer. A failure refuses the request at hand; keys that
//! were fetched before stay good until their time is over, and not a moment longer.

use std::sync::Arc;
use std::time::Duration;

use keys::{ForeignJwks, MAX_JWKS_BYTES, VerificationPolicy, VerifiedJws, VerifyError, verify_jws};
use moka::future::Cache;
use thiserror::Error;

use super::clients::ReadyClient;
use super::ctx::Ctx;
use super::flights::Flights;
use super::outbound::OutboundError;
use crate::domain::{ClientId, TenantId, Timestamp};

/// How many clients' fetched keys are kept.
const CACHED: u64 = 10_000;
/// How long keys are kept if the answer doesn't say.
const USUAL_AGE: Duration = Duration::from_mins(10);
/// How long at least: an answer that may not be kept at all would be fetched for each request.
const LEAST_AGE: Duration = Duration::from_mins(1);
/// How long at most.
const MOST_AGE: Duration = Duration::from_hours(1);

type Key = (TenantId, ClientId, Arc<str>);

/// Keys that were fetched, by tenant, client and address: a client that changes its address begins anew.
#[derive(Clone, Debug)]
pub struct ClientKeyCache {
    kept: Cache<Key, Arc<Kept>>,
    fetches: Flights<Key, Arc<Kept>>,
}

impl Default for ClientKeyCache {
    fn default() -> Self {
        let kept = Cache::builder().max_capacity(CACHED).time_to_live(MOST_AGE).build();
        Self { kept, fetches: Flights::default() }
    }
}

/// What is known of one address.
#[derive(Debug)]
struct Kept {
    /// The keys that it had when it last answered.
    keys: Option<Arc<ForeignJwks>>,
    /// Until when these are good.
    fresh_until: Timestamp,
    /// When it was last asked; where that failed, when it had failed: what takes long to fail is no reason to ask again
    /// for each of those who waited.
    asked_at: Timestamp,
    /// What came of that, if not the keys.
    failure: Option<ClientKeyError>,
}

impl Kept {
    /// The keys, if they are good at `now`. None are after a clock was set back.
    fn usable(&self, now: Timestamp) -> Option<&Arc<ForeignJwks>> {
        self.keys.as_ref().filter(|_| now < self.fresh_until && now + MOST_AGE >= self.fresh_until)
    }

    /// Whether nothing better is to be had now. With `insufficient`, other keys than these would be better.
    fn is_enough(&self, ctx: &Ctx, insufficient: Option<&Arc<ForeignJwks>>) -> bool {
        let now = ctx.now();
        let others = |keys: &Arc<ForeignJwks>| insufficient.is_none_or(|old| !Arc::ptr_eq(old, keys));
        let just_asked = self.asked_at <= now && now < self.asked_at + ctx.config.outbound.retry_interval;
        just_asked || self.usable(now).is_some_and(others)
    }
}

/// Why a client's token isn't verified.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientKeyError {
    /// The client has registered no keys.
    #[error("the client has registered neither jwks nor jwks_uri")]
    NoKeys,
    /// Its keys can't be fetched.
    #[error("jwks_uri: {0}")]
    Unfetched(#[from] OutboundError),
    /// What is there is no JWK Set.
    #[error("jwks_uri: the document there must be a JWK Set (RFC 7517, section 5) of at most 100 keys")]
    NoJwks,
    /// The token itself.
    #[error(transparent)]
    Verify(#[from] VerifyError),
}

/// Verifies what a client signed with one of its key pairs. No request of our own when warm.
pub async fn verify(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ReadyClient,
    token: &str,
    policy: VerificationPolicy,
) -> Result<VerifiedJws, ClientKeyError> {
    let Some(uri) = &client.metadata.jwks_uri else {
        return if client.metadata.jwks.is_some() {
            Ok(verify_jws(token, client.keys(), policy)?)
        } else {
            Err(ClientKeyError::NoKeys)
        };
    };
    let key = (tenant, client.id.clone(), Arc::from(uri.as_str()));
    let known = keys_at(ctx, &key, None).await?;
    match verify_jws(token, known.keys(), policy) {
        // A key that isn't there yet, or one that took over another's name.
        Err(VerifyError::UnknownKid(_) | VerifyError::NoKey(_) | VerifyError::Signature) => {
            let newer = keys_at(ctx, &key, Some(&known)).await?;
            Ok(verify_jws(token, newer.keys(), policy)?)
        }
        result => Ok(result?),
    }
}

/// The keys at an address, fetched if need be. With `insufficient`, others than these if there can be any.
async fn keys_at(
    ctx: &Ctx,
    key: &Key,
    insufficient: Option<&Arc<ForeignJwks>>,
) -> Result<Arc<ForeignJwks>, ClientKeyError> {
    let cache = &ctx.client_keys;
    let kept = match cache.kept.get(key).await {
        Some(kept) if kept.is_enough(ctx, insufficient) => kept,
        _ => {
            let begin = || fetched(ctx.clone(), key.clone(), insufficient.cloned());
            cache.fetches.join(key.clone(), begin).await.ok_or(OutboundError::JustFailed)?
        }
    };
    match kept.usable(ctx.now()) {
        Some(keys) => Ok(Arc::clone(keys)),
        None => Err(kept.failure.clone().unwrap_or(ClientKeyError::Unfetched(OutboundError::JustFailed))),
    }
}

/// Fetches what is at an address and keeps it, unless somebody has just done so.
async fn fetched(ctx: Ctx, key: Key, insufficient: Option<Arc<ForeignJwks>>) -> Arc<Kept> {
    let cache = &ctx.client_keys.kept;
    let before = cache.get(&key).await;
    match before {
        Some(kept) if kept.is_enough(&ctx, insufficient.as_ref()) => kept,
        before => {
            let kept = Arc::new(fetch(&ctx, &key.2, before.as_deref()).await);
            cache.insert(key, Arc::clone(&kept)).await;
            kept
        }
    }
}

async fn fetch(ctx: &Ctx, uri: &str, before: Option<&Kept>) -> Kept {
    let asked_at = ctx.now();
    let fetched = ctx.outbound.get(uri, "application/jwk-set+json, application/json", MAX_JWKS_BYTES).await;
    let read = fetched.map_err(ClientKeyError::from).and_then(|fetched| {
        let age = fetched.max_age().unwrap_or(USUAL_AGE).clamp(LEAST_AGE, MOST_AGE);
        let keys = ForeignJwks::from_fetched(&fetched.body).map_err(|error| {
            tracing::warn!(uri, error = %error, "a client's keys can't be read");
            ClientKeyError::NoJwks
        })?;
        Ok((keys, age))
    });
    match read {
        Ok((keys, age)) => {
            for (index, error) in keys.skipped() {
                tracing::warn!(uri, index, error = %error, "a client's key can't be used");
            }
            Kept { keys: Some(Arc::new(keys)), fresh_until: asked_at + age, asked_at, failure: None }
        }
        Err(error) => Kept {
            keys: before.and_then(|before| before.keys.clone()),
            fresh_until: before.map_or(asked_at, |before| before.fresh_until),
            asked_at: ctx.now(),
            failure: Some(error),
        },
    }
}
