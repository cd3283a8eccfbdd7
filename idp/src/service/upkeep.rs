//! What goes on in the background: learning of changes that others made, rotating keys, removing what has expired.
//! Every step is harmless when another node does it at the same time.

use std::time::Duration;

use keys::{KeySpec, KeyState};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::ctx::Ctx;
use super::key_rings::{self, KeyChange, KeyChangeError};
use super::Failure;
use crate::domain::{TenantId, Timestamp};
use crate::store::{self, StoreError};

/// How often changes are looked for: what an administrator changed holds everywhere after so long.
const CHANGES: Duration = Duration::from_secs(1);
/// How often expired rows are removed.
const CLEANING: Duration = Duration::from_secs(60);
/// How often keys are looked at.
const ROTATION: Duration = Duration::from_secs(600);
/// How many rows are removed in one transaction.
const BATCH: u64 = 500;
/// How long a revoked or ended session or grant is kept: as long as a token of it may live.
const AFTERLIFE: Duration = Duration::from_secs(24 * 3600);
/// How long after a change a lookup that began before it may still come to its end.
const SETTLING: Duration = Duration::from_secs(5);

/// Runs until `stop` is cancelled.
pub async fn run(ctx: Ctx, stop: CancellationToken) {
    let mut changes = every(CHANGES);
    let mut cleaning = every(CLEANING);
    let mut rotation = every(ROTATION);
    let mut seen = ChangesSeen::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = changes.tick() => follow_changes(&ctx, &mut seen).await,
            _ = cleaning.tick() => if let Err(error) = clean(&ctx).await {
                tracing::warn!(error = %error, "expired rows could not be removed; they will be next time");
            },
            _ = rotation.tick() => if let Err(error) = rotate(&ctx).await {
                tracing::warn!(error = %error, "signing keys could not be looked at; they will be next time");
            },
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut interval = tokio::time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// What [`follow_changes`] remembers from one look to the next.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChangesSeen {
    revision: Option<i64>,
    changed_at: Timestamp,
}

/// Forgets what is kept ready if anybody changed a tenant, a client or a key, on the command line or another node. If
/// the database can't be asked, it forgets as well: what can't be known to be right isn't used.
pub async fn follow_changes(ctx: &Ctx, seen: &mut ChangesSeen) {
    let revision = match store::changes::revision(ctx.database.read()).await {
        Ok(revision) => Some(revision),
        Err(error) => {
            tracing::warn!(error = %error, "changes can't be followed");
            None
        }
    };
    let now = ctx.now();
    if revision.is_none() || seen.revision != revision {
        *seen = ChangesSeen { revision, changed_at: now };
    }
    // More than once: a slow lookup that began before the change keeps what was, after everything was forgotten.
    if now < seen.changed_at + SETTLING {
        ctx.tenants.invalidate_all();
        ctx.clients.invalidate_all();
        ctx.key_rings.invalidate_all();
    }
}

/// Removes what has expired, in small batches, until nothing is left of it.
pub async fn clean(ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.now();
    loop {
        let removed = ctx.database.write(move |tx| Box::pin(clean_batch(tx, now))).await?;
        if removed == 0 {
            return Ok(());
        }
        tracing::debug!(rows = removed, "removed expired rows");
        tokio::task::yield_now().await;
    }
}

async fn clean_batch(tx: &impl store::Connection, now: Timestamp) -> Result<u64, StoreError> {
    let before = now - AFTERLIFE;
    Ok(store::authorization_flows::delete_expired(tx, now, BATCH).await?
        + store::authorization_codes::delete_expired(tx, now, BATCH).await?
        + store::client_assertions::delete_expired(tx, now, BATCH).await?
        + store::sign_in_limits::delete_stale(tx, before, BATCH).await?
        + store::grants::delete_expired(tx, before, BATCH).await?
        + store::sessions::delete_expired(tx, before, BATCH).await?)
}

/// Takes the keys of every tenant a step on where it is time.
pub async fn rotate(ctx: &Ctx) -> Result<(), Failure> {
    let mut after = None;
    loop {
        let tenants = store::tenants::list(ctx.database.read(), after, 200).await?;
        let Some(last) = tenants.last() else { return Ok(()) };
        after = Some(last.id);
        for tenant in &tenants {
            if let Err(error) = rotate_tenant(ctx, tenant.id).await {
                tracing::warn!(tenant = %tenant.id, error = %error, "a key could not be rotated");
            }
        }
    }
}

/// One step for each of the tenant's keys: a successor is staged before the active key's time is over, becomes active
/// once everybody has seen it, and what it replaced goes once nothing that it signed is valid any more.
async fn rotate_tenant(ctx: &Ctx, tenant: TenantId) -> Result<(), KeyChangeError> {
    const ACTOR: &str = "signet";
    let config = &ctx.config.keys;
    let now = ctx.now();
    let old_enough = |since: Option<i64>, age: Duration| {
        since.is_some_and(|since| now >= Timestamp::from_millis(since) + age)
    };
    let keys = store::signing_keys::list_published(ctx.database.read(), tenant).await.map_err(Failure::from)?;
    for key in &keys {
        let (kid, algorithm, life) = (key.jwk.kid().as_str(), key.jwk.algorithm(), &key.lifecycle);
        match life.state() {
            KeyState::Active => {
                let next_time = config.rotation_interval.saturating_sub(config.staging_time);
                let successor = keys.iter().any(|other| {
                    other.jwk.algorithm() == algorithm && other.lifecycle.state() == KeyState::Staged
                });
                if old_enough(life.activated_at(), next_time) && !successor {
                    key_rings::stage(ctx, tenant, KeySpec::from(algorithm), ACTOR).await?;
                }
            }
            KeyState::Staged => {
                let due = keys.iter().all(|other| {
                    other.jwk.algorithm() != algorithm
                        || other.lifecycle.state() != KeyState::Active
                        || old_enough(other.lifecycle.activated_at(), config.rotation_interval)
                });
                if due && old_enough(Some(life.staged_at()), config.staging_time) {
                    key_rings::change(ctx, tenant, kid, KeyChange::Activate, ACTOR).await?;
                }
            }
            KeyState::Retiring if old_enough(life.retiring_at(), config.retiring_time) => {
                key_rings::change(ctx, tenant, kid, KeyChange::Retire, ACTOR).await?;
            }
            KeyState::Retiring | KeyState::Retired => {}
        }
    }
    Ok(())
}
