//! Those who follow a tenant's events over a connection that stays open, a bounded number of them.
//!
//! A follower reads the outbox from a place on, as the other ways of delivery do, so that it misses nothing while it is
//! away for less than events are kept. It is asked again and again whether it still may.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::access::{self, AccessError, Need};
use super::ctx::{Caller, Ctx};
use crate::domain::event::OutboxEvent;
use crate::domain::tenant::Tenant;
use crate::domain::{Secret, TenantId};
use crate::store::{self, StoreError};

/// How long a follower waits at most before it looks by itself: another node may have written something.
const LOOKS: Duration = Duration::from_secs(1);
/// How often a follower that hears nothing is told that somebody is there.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many events are read at a time.
const BATCH: u64 = 100;

/// Room for followers.
#[derive(Clone, Debug)]
pub struct EventStreams {
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

impl EventStreams {
    /// Room for so many.
    pub fn new(most: NonZeroU32) -> Self {
        Self { room: Arc::new(Semaphore::new(most.get() as usize)), stop: CancellationToken::new() }
    }

    /// Ends all of them: the server is to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// Events in the order of their places, those after `after` only; at most 1,000.
///
/// # Errors
/// The database can't be reached.
pub async fn list(ctx: &Ctx, tenant: TenantId, after: i64, limit: u64) -> Result<Vec<OutboxEvent>, super::Failure> {
    Ok(store::outbox::after(ctx.database.read(), tenant, after, limit).await?)
}

/// What a follower hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Events, at least one.
    Events(Vec<OutboxEvent>),
    /// Events of places that aren't kept any more: from the first to the last of them.
    Missed(i64, i64),
    /// Nothing, for a while.
    Nothing,
}

/// Somebody who follows a tenant's events.
#[derive(Debug)]
pub struct Follower {
    ctx: Ctx,
    tenant: Tenant,
    caller: Caller,
    token: Secret,
    need: Need,
    position: i64,
    written: watch::Receiver<()>,
    heard_at: tokio::time::Instant,
    waiting: Vec<OutboxEvent>,
    _room: OwnedSemaphorePermit,
}

impl Follower {
    /// Follows from after a place on, or from now on; `None` if there is no room.
    ///
    /// # Errors
    /// The database can't be reached.
    pub async fn begin(
        ctx: &Ctx,
        tenant: &Tenant,
        (caller, token, need): (&Caller, &Secret, Need),
        after: Option<i64>,
    ) -> Result<Option<Self>, StoreError> {
        let Ok(room) = Arc::clone(&ctx.event_streams.room).try_acquire_owned() else { return Ok(None) };
        let written = ctx.database.changes().events();
        let position = match after {
            Some(after) => after,
            None => store::outbox::newest(ctx.database.read(), tenant.id).await?,
        };
        Ok(Some(Self {
            ctx: ctx.clone(),
            tenant: tenant.clone(),
            caller: caller.clone(),
            token: token.clone(),
            need,
            position,
            written,
            heard_at: tokio::time::Instant::now(),
            waiting: Vec::new(),
            _room: room,
        }))
    }

    /// What comes next; `None` if the follower may not follow any more, or the server is to end.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            if self.ctx.event_streams.stop.is_cancelled() || !self.may().await {
                return None;
            }
            if let Some(heard) = self.look().await {
                self.heard_at = tokio::time::Instant::now();
                return Some(heard);
            }
            let stop = self.ctx.event_streams.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                _ = self.written.changed() => {}
                () = tokio::time::sleep(LOOKS) => {}
            }
            if self.heard_at.elapsed() >= HEARTBEAT {
                self.heard_at = tokio::time::Instant::now();
                return Some(Heard::Nothing);
            }
        }
    }

    async fn look(&mut self) -> Option<Heard> {
        if self.waiting.is_empty() {
            let read = store::outbox::after(self.ctx.database.read(), self.tenant.id, self.position, BATCH).await;
            // A database that can't be reached for a moment ends no stream: nothing is lost, it comes later.
            self.waiting = read.unwrap_or_default();
        }
        let first = self.waiting.first()?.position;
        let expected = self.position.saturating_add(1);
        if first > expected {
            self.position = first.saturating_sub(1);
            return Some(Heard::Missed(expected, self.position));
        }
        let events = std::mem::take(&mut self.waiting);
        self.position = events.last().map_or(self.position, |last| last.position);
        Some(Heard::Events(events))
    }

    /// Whether the token still holds. While nobody can say, it does: nothing is read then either.
    async fn may(&self) -> bool {
        // Nobody asked on this connection, so nobody has asked yet what others have changed.
        self.ctx.database.catch_up().await;
        let admitted = access::admit(&self.ctx, &self.tenant, &self.caller, &self.token, self.need).await;
        matches!(admitted, Ok(_) | Err(AccessError::Failure(_)))
    }
}
