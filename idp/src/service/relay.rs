//! Takes events from the outbox to those who are to be told: Redis channels, and the queue of webhooks.
//!
//! Each way has a cursor for each tenant, and goes on from there; what isn't taken stays. A node claims a tenant's cursor
//! before it publishes to Redis, so that two nodes don't tell the same at the same time; a claim is over by itself after
//! a while, so that a node that is killed holds nobody up. Webhooks are put into their queue in the transaction that
//! moves the cursor.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::ctx::Ctx;
use super::webhooks;
use crate::domain::TenantId;
use crate::store::outbox::{self, Backlog, Consumer};
use crate::store::{self, StoreError};

/// How often the outbox is looked at where nobody says that something is in it.
const LOOKS: Duration = Duration::from_secs(1);
/// How long it rests after each look: a look takes as much of the database as some of the changes that it is told of, and
/// takes what many of them say at once. An event after a quiet time isn't kept waiting.
const REST: Duration = Duration::from_millis(25);
/// How long nothing is tried after Redis failed for the first time; each further time it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How many events are taken at a time.
const BATCH: u64 = 500;
/// How much longer than Redis is waited for a claim on a tenant's cursor is good: for what the database takes.
const MARGIN: Duration = Duration::from_secs(5);
/// How many events are removed in one transaction.
const REMOVED: u64 = 500;

/// Relays until `stop` is cancelled.
pub async fn run(ctx: &Ctx, stop: &CancellationToken) {
    let node = Uuid::from_bytes(ctx.random.bytes());
    let mut looks = tokio::time::interval_at(Instant::now() + LOOKS, LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut written = ctx.database.changes().events();
    let (mut redis_pause, mut redis_not_before) = (FIRST_PAUSE, Instant::now());
    while !stop.is_cancelled() {
        if let Err(error) = to_webhooks(ctx).await {
            tracing::warn!(error = %error, "events could not be put into the queue of webhooks; they will be next time");
        }
        if ctx.redis.is_configured() && Instant::now() >= redis_not_before {
            match to_redis(ctx, node).await {
                Ok(true) => redis_pause = FIRST_PAUSE,
                Ok(false) => {
                    redis_not_before = Instant::now() + redis_pause;
                    redis_pause = (redis_pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => {
                    tracing::warn!(error = %error, "events could not be read for Redis; they will be next time");
                }
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(REST)).await.is_none() {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => {}
            _ = written.changed() => {}
            _ = looks.tick() => {}
        }
    }
}

/// Publishes all that waits for Redis; `false` if Redis failed, and the rest waits on.
///
/// # Errors
/// The database can't be reached.
pub async fn to_redis(ctx: &Ctx, node: Uuid) -> Result<bool, StoreError> {
    for Backlog { tenant, .. } in outbox::backlogs(ctx.database.read(), Consumer::Redis).await? {
        if !of_tenant_to_redis(ctx, node, tenant).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn of_tenant_to_redis(ctx: &Ctx, node: Uuid, tenant: TenantId) -> Result<bool, StoreError> {
    loop {
        let (now, term) = (ctx.now(), ctx.redis.patience() + MARGIN);
        let claimed = ctx
            .database
            .write(async move |tx| outbox::claim(&tx, tenant, Consumer::Redis, node, now, term).await)
            .await?;
        // Another node is at it.
        let Some(from) = claimed else { return Ok(true) };
        let events = outbox::after(ctx.database.read(), tenant, from, BATCH).await?;
        let published = match events.last() {
            None => None,
            Some(last) => match ctx.redis.publish(&events).await {
                Ok(()) => Some(last.position),
                Err(error) => {
                    tracing::warn!(%tenant, error = %error, "Redis takes no events; they wait until it does");
                    give_back(ctx, node, tenant).await?;
                    return Ok(false);
                }
            },
        };
        let Some(to) = published else {
            give_back(ctx, node, tenant).await?;
            return Ok(true);
        };
        ctx.database
            .write(async move |tx| outbox::take(&tx, tenant, Consumer::Redis, from, to).await)
            .await
            .map_err(|error: StoreError| error)?;
    }
}

async fn give_back(ctx: &Ctx, node: Uuid, tenant: TenantId) -> Result<(), StoreError> {
    ctx.database.write(async move |tx| outbox::release(&tx, tenant, Consumer::Redis, node).await).await
}

/// Puts all that waits for webhooks into their queue.
///
/// # Errors
/// The database can't be reached.
pub async fn to_webhooks(ctx: &Ctx) -> Result<(), StoreError> {
    for Backlog { tenant, taken, .. } in outbox::backlogs(ctx.database.read(), Consumer::Webhooks).await? {
        let mut from = taken;
        while let Some(to) = webhooks::enqueue(ctx, tenant, from, BATCH).await? {
            from = to;
        }
    }
    Ok(())
}

/// Removes events that everybody has and that are older than the configuration says.
///
/// # Errors
/// The database can't be reached.
pub async fn clean(ctx: &Ctx) -> Result<(), StoreError> {
    let before = ctx.now() - ctx.config.events.retention;
    let consumers: &[Consumer] =
        if ctx.redis.is_configured() { &[Consumer::Redis, Consumer::Webhooks] } else { &[Consumer::Webhooks] };
    loop {
        let removed = ctx
            .database
            .write(async move |tx| store::outbox::delete_taken(&tx, consumers, before, REMOVED).await)
            .await?;
        if removed == 0 {
            return Ok(());
        }
        tracing::debug!(events = removed, "removed events that everybody has");
        tokio::task::yield_now().await;
    }
}
