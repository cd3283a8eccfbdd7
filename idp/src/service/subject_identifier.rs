//! The `sub` under which a client knows a user (OpenID Connect Core §8).
//!
//! A pairwise one is an HMAC of the client's sector and the user's id under a salt of the tenant's: the same each time,
//! different in every sector, and nobody without the salt can tell which two belong together. Decided against keeping
//! a row for each: there would be one for each person and sector, written on the way to a token.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::SealContext;
use moka::future::Cache;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::Failure;
use super::ctx::Ctx;
use crate::domain::client::{Client, SubjectType};
use crate::domain::{TenantId, UserId};
use crate::store::{self, StoreError};

/// How many tenants' salts are kept ready.
const CACHED: u64 = 10_000;
/// How long one is kept after its last use.
const KEPT: Duration = Duration::from_hours(1);

/// A tenant's salt as OpenSSL wants it.
struct Salt(PKey<Private>);

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt")
    }
}

/// Salts that were asked for, by tenant. One never changes, so nothing has to be forgotten.
#[derive(Clone, Debug)]
pub struct PairwiseSalts(Cache<TenantId, Arc<Salt>>);

impl Default for PairwiseSalts {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CACHED).time_to_idle(KEPT).build())
    }
}

/// The user's `sub` for this client. Everything that tells a client of a user, or is told of one, asks here. No
/// database when warm.
pub async fn of(ctx: &Ctx, tenant: TenantId, client: &Client, user: UserId) -> Result<String, Failure> {
    match client.metadata.subject_type {
        SubjectType::Public => Ok(user.to_string()),
        SubjectType::Pairwise => {
            let salt = ctx.pairwise_salts.0.try_get_with(tenant, salt(ctx, tenant)).await.map_err(|error| *error)?;
            pairwise(&salt, client, user).map_err(|error| {
                tracing::error!(error = %error, "a pairwise subject identifier can't be made");
                Failure::Internal
            })
        }
    }
}

fn pairwise(salt: &Salt, client: &Client, user: UserId) -> Result<String, openssl::error::ErrorStack> {
    // A client that shares no sector is one of its own. The kinds are told apart by their first byte, the parts by
    // the first one's length.
    let (kind, sector) = client.metadata.sector().map_or((1, client.id.to_string()), |host| (0, host));
    let mut hmac = Signer::new(MessageDigest::sha256(), &salt.0)?;
    hmac.update(&[kind])?;
    hmac.update(&(sector.len() as u64).to_be_bytes())?;
    hmac.update(sector.as_bytes())?;
    hmac.update(user.uuid().as_bytes())?;
    Ok(URL_SAFE_NO_PAD.encode(hmac.sign_to_vec()?))
}

/// What a tenant's salt is sealed for.
pub(super) fn seal_context(tenant: TenantId) -> SealContext {
    SealContext::new("pairwise salt", &[tenant.uuid().as_bytes()])
}

async fn salt(ctx: &Ctx, tenant: TenantId) -> Result<Arc<Salt>, Failure> {
    let broken = |error: &dyn std::error::Error| {
        tracing::error!(tenant = %tenant, error = %error, "the salt of pairwise subjects can't be used: is the key-encryption key the right one?");
        Failure::Internal
    };
    let context = seal_context(tenant);
    let sealed = if let Some(sealed) = store::pairwise_salts::find(ctx.database.read(), tenant).await? {
        sealed
    } else {
        let drawn = zeroize::Zeroizing::new(ctx.random.bytes::<32>());
        let sealed = ctx.sealing.current().seal(drawn.as_slice(), &context).map_err(|error| broken(&error))?;
        let now = ctx.now();
        ctx.database
            .write(async move |tx| store::pairwise_salts::insert_if_none(&tx, tenant, sealed, now).await)
            .await
            .map_err(|error: StoreError| Failure::from(error))?
    };
    let salt = ctx.sealing.open(&sealed, &context).map_err(|error| broken(&error))?;
    PKey::hmac(&salt).map(Salt).map(Arc::new).map_err(|error| broken(&error))
}
