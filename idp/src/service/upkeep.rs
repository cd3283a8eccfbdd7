//! What goes on in the background: learning of changes that others made, rotating keys, removing what has expired.
//! Of several nodes the one that holds the lease cleans and rotates; yet every step is harmless when another node does it
//! at the same time.

use std::collections::BTreeSet;
use std::time::Duration;

use keys::{KeySpec, KeyState};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::ctx::Ctx;
use super::deliveries;
use super::key_rings::{self, KeyChange, KeyChangeError};
use super::leases::Lease;
use super::operations::measures;
use super::sessions::ending;
use super::{Failure, audit_log, relay};
use crate::domain::client::ClientMetadata;
use crate::domain::{TenantId, Timestamp};
use crate::store::signing_keys::Due;
use crate::store::{self, StoreError, Tx};

/// How often changes are looked for where no request does.
const CHANGES: Duration = Duration::from_secs(1);
/// How often expired rows are removed.
const CLEANING: Duration = Duration::from_mins(1);
/// How often keys are looked at.
const ROTATION: Duration = Duration::from_mins(10);
/// How many rows are removed in one transaction.
const BATCH: u64 = 500;
/// How long a revoked or ended session or grant is kept: as long as a token of it may live.
const AFTERLIFE: Duration = ClientMetadata::LONGEST_ACCESS_TOKEN_LIFETIME;

/// Runs until `stop` is cancelled. The tasks wait for nothing of one another: a change holds everywhere at once
/// while ten thousand rows are being removed.
pub async fn run(ctx: Ctx, stop: CancellationToken) {
    let following = async {
        let mut ticks = every(CHANGES);
        follow_changes(&ctx).await;
        while next(&mut ticks, &stop).await {
            follow_changes(&ctx).await;
        }
    };
    let cleaning = async {
        let mut ticks = every(CLEANING);
        while next(&mut ticks, &stop).await {
            let work = async {
                if let Err(error) = ending::sweep(&ctx).await {
                    tracing::warn!(error = %error, "sessions that ended could not be written down; they will be next time");
                }
                if let Err(error) = ending::lapse(&ctx).await {
                    tracing::warn!(error = %error, "sessions whose time is up could not be told of; they will be next time");
                }
                if let Err(error) = relay::clean(&ctx).await {
                    tracing::warn!(error = %error, "events that everybody has could not be removed; they will be next time");
                }
                if let Err(error) = audit_log::prune(&ctx).await {
                    tracing::warn!(error = %error, "old lines of the audit log could not be removed; they will be next time");
                }
                clean(&ctx).await
            };
            if let Some(Err(error)) = unless(&stop, Lease::CLEANING.hold(&ctx, work)).await.map(flat) {
                tracing::warn!(error = %error, "expired rows could not be removed; they will be next time");
            }
        }
    };
    let rotating = async {
        let mut ticks = every(ROTATION);
        while next(&mut ticks, &stop).await {
            let work = Lease::ROTATION.hold(&ctx, rotate(&ctx));
            if let Some(Err(error)) = unless(&stop, work).await.map(flat) {
                tracing::warn!(error = %error, "signing keys could not be looked at; they will be next time");
            }
        }
    };
    let relaying = relay::run(&ctx, &stop);
    let counting = measures::keep_fresh(&ctx, &stop);
    tokio::join!(relaying, following, cleaning, rotating, counting, deliveries::run(&ctx, &stop));
    for lease in [Lease::CLEANING, Lease::ROTATION] {
        if let Err(error) = lease.release(&ctx).await {
            tracing::debug!(error = %error, lease = lease.name, "a lease could not be given back; it ends by itself");
        }
    }
}

/// What the work under a lease came to; another node's is none of ours.
fn flat<E: From<StoreError>>(done: Result<Option<Result<(), E>>, StoreError>) -> Result<(), E> {
    done?.unwrap_or(Ok(()))
}

/// The work, unless the end comes first. It may be left at any point: what was begun in the database is finished there.
async fn unless<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        () = stop.cancelled() => None,
        done = work => Some(done),
    }
}

/// Whether it is time for the next round rather than for the end.
async fn next(ticks: &mut Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    }
}

/// Rounds of so long, the first after one: a start has better things to do.
fn every(period: Duration) -> Interval {
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Learns what others have changed, though nobody asks: the first request of the day needn't wait for it.
pub async fn follow_changes(ctx: &Ctx) {
    ctx.operations.note_background_work();
    ctx.database.catch_up().await;
}

/// Removes what has expired, in small batches, until nothing is left of it, and gives back the room that it took, and
/// what others removed before.
pub async fn clean(ctx: &Ctx) -> Result<(), StoreError> {
    let (now, keep_dead) = (ctx.now(), ctx.config.deliveries.keep_dead);
    loop {
        // By themselves: they are the only ones whose people are noted in, and a person's row comes before all else.
        let sessions = ctx.database.write(async move |tx| forget_sessions(&tx, now).await).await?;
        let removed = sessions + ctx.database.write(async move |tx| clean_batch(&tx, now, keep_dead).await).await?;
        if removed == 0 {
            return ctx.database.shrink().await;
        }
        tracing::debug!(rows = removed, "removed expired rows");
        tokio::task::yield_now().await;
    }
}

async fn clean_batch(tx: &Tx, now: Timestamp, keep_dead: Duration) -> Result<u64, StoreError> {
    let before = now - AFTERLIFE;
    Ok(store::authorization_flows::delete_expired(tx, now, BATCH).await?
        + store::authorization_codes::delete_expired(tx, now, BATCH).await?
        + store::deliveries::delete_dead(tx, now - keep_dead, BATCH).await?
        + store::client_assertions::delete_expired(tx, before, BATCH).await?
        + store::sign_in_limits::delete_stale(tx, before, BATCH).await?
        + store::refresh_tokens::delete_expired(tx, before, BATCH).await?
        + store::grants::delete_expired(tx, before, BATCH).await?
        + store::denied_tokens::delete_expired(tx, before, BATCH).await?)
}

async fn forget_sessions(tx: &Tx, now: Timestamp) -> Result<u64, StoreError> {
    store::sessions::delete_expired(tx, now - AFTERLIFE, BATCH).await
}

/// Takes the keys a step on where it is time. Tenants whose keys aren't due cost nothing.
pub async fn rotate(ctx: &Ctx) -> Result<(), Failure> {
    let config = &ctx.config.keys;
    let now = ctx.now();
    let due = Due {
        active_before: now - config.rotation_interval.saturating_sub(config.staging_time),
        staged_before: now - config.staging_time,
        retiring_before: now - config.retiring_time,
    };
    for tenant in store::signing_keys::tenants_due(ctx.database.read(), &due).await? {
        if let Err(error) = rotate_tenant(ctx, tenant).await {
            tracing::warn!(tenant = %tenant, error = %error, "a key could not be rotated");
        }
    }
    Ok(())
}

/// One step for each of the tenant's keys: a successor is staged before the active key's time is over, becomes active
/// once everybody has seen it, and what it replaced goes once nothing that it signed is valid any more.
async fn rotate_tenant(ctx: &Ctx, tenant: TenantId) -> Result<(), KeyChangeError> {
    const ACTOR: &str = "signet";
    let (config, rules, now) = (&ctx.config.keys, key_rings::rules(ctx), ctx.now());
    let old_enough =
        |since: Option<i64>, age: Duration| since.is_some_and(|since| now >= Timestamp::from_millis(since) + age);
    let allowed = |from: Option<i64>| from.is_some_and(|from| now >= Timestamp::from_millis(from));
    let keys = store::signing_keys::list_published(ctx.database.read(), tenant).await.map_err(Failure::from)?;
    let mut taken_over = BTreeSet::new();
    for key in &keys {
        let (kid, algorithm, life) = (key.kid().as_str(), key.algorithm(), &key.lifecycle);
        let others = |state: KeyState| {
            keys.iter().filter(move |other| other.algorithm() == algorithm && other.lifecycle.state() == state)
        };
        match life.state() {
            KeyState::Active => {
                let next_time = config.rotation_interval.saturating_sub(config.staging_time);
                if old_enough(life.activated_at(), next_time) && others(KeyState::Staged).next().is_none() {
                    key_rings::stage(ctx, tenant, KeySpec::from(algorithm), ACTOR).await?;
                }
            }
            KeyState::Staged => {
                let known =
                    old_enough(Some(life.staged_at()), config.staging_time) && allowed(life.may_activate_at(&rules));
                let due = others(KeyState::Active)
                    .all(|active| old_enough(active.lifecycle.activated_at(), config.rotation_interval));
                // Two nodes may have staged one each: the second one's turn is the next time.
                if known && due && taken_over.insert(algorithm) {
                    key_rings::change(ctx, tenant, kid, KeyChange::Activate, ACTOR).await?;
                }
            }
            KeyState::Retiring => {
                if old_enough(life.retiring_at(), config.retiring_time) && allowed(life.may_retire_at(&rules)) {
                    key_rings::change(ctx, tenant, kid, KeyChange::Retire, ACTOR).await?;
                }
            }
            KeyState::Retired => {}
        }
    }
    Ok(())
}
