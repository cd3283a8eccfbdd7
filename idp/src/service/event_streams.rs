//! Those who follow a tenant's events over a connection that stays open, a bounded number of them.
//!
//! A follower reads the outbox from a place on, as the other ways of delivery do, so that it misses nothing while it is
//! away for less than events are kept. It is asked again and again whether it still may.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Failure;
use super::access::{self, Need};
use super::ctx::{Caller, Ctx};
use super::tenants::{self, TenantLookupError};
use crate::domain::event::OutboxEvent;
use crate::domain::tenant::{Slug, Tenant};
use crate::domain::{Secret, TenantId};
use crate::store::{self, StoreError};

/// How long a follower waits at most before it looks by itself: another node may have written something.
const LOOKS: Duration = Duration::from_secs(1);
/// How often a follower that hears nothing is told that somebody is there.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a follower waits, and hears nothing, while nobody can say whether it still may.
const UNKNOWN: Duration = Duration::from_secs(10);
/// How many events are read at a time.
const BATCH: u64 = 100;

/// Room for followers: a tenant's have half of it at most, so that it never shuts out the others.
#[derive(Clone, Debug)]
pub struct EventStreams {
    room: Arc<Room>,
    stop: CancellationToken,
}

#[derive(Debug)]
struct Room {
    most: u32,
    taken: Mutex<HashMap<TenantId, u32>>,
}

impl Room {
    fn taken(&self) -> MutexGuard<'_, HashMap<TenantId, u32>> {
        // Nothing panics while it is held.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one more, if there is one.
    fn enter(room: &Arc<Self>, tenant: TenantId) -> Option<Place> {
        let mut taken = room.taken();
        let (all, theirs) = (taken.values().sum::<u32>(), taken.get(&tenant).copied().unwrap_or_default());
        if all >= room.most || theirs >= room.most.div_ceil(2) {
            return None;
        }
        taken.insert(tenant, theirs + 1);
        Some(Place { room: Arc::clone(room), tenant })
    }
}

/// A follower's place. It is given back when it is dropped.
#[derive(Debug)]
struct Place {
    room: Arc<Room>,
    tenant: TenantId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken();
        if let Some(theirs) = taken.get_mut(&self.tenant) {
            *theirs -= 1;
        }
        taken.retain(|_, theirs| *theirs > 0);
    }
}

impl EventStreams {
    /// Room for so many.
    pub fn new(most: NonZeroU32) -> Self {
        let room = Room { most: most.get(), taken: Mutex::default() };
        Self { room: Arc::new(room), stop: CancellationToken::new() }
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
pub async fn list(ctx: &Ctx, tenant: TenantId, after: i64, limit: u64) -> Result<Vec<OutboxEvent>, Failure> {
    Ok(store::outbox::after(ctx.database.read(), tenant, after, limit).await?)
}

/// What a follower hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Events, at least one.
    Events(Vec<OutboxEvent>),
    /// Events of places that aren't kept any more, or not yet here again: from the first to the last of them.
    Missed(i64, i64),
    /// Nothing, for a while.
    Nothing,
}

/// Somebody who follows a tenant's events.
#[derive(Debug)]
pub struct Follower {
    ctx: Ctx,
    tenant: TenantId,
    slug: Slug,
    caller: Caller,
    token: Secret,
    need: Need,
    position: i64,
    /// Where it was, if that is beyond the last event: the database is an older one than it was.
    beyond: Option<i64>,
    written: watch::Receiver<()>,
    heard_at: tokio::time::Instant,
    waiting: Vec<OutboxEvent>,
    /// Since when nobody can say whether it may.
    unknown_since: Option<tokio::time::Instant>,
    _place: Place,
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
        let Some(place) = Room::enter(&ctx.event_streams.room, tenant.id) else { return Ok(None) };
        let written = ctx.database.changes().events();
        let newest = store::outbox::newest(ctx.database.read(), tenant.id).await?;
        let position = after.unwrap_or(newest).min(newest);
        Ok(Some(Self {
            ctx: ctx.clone(),
            tenant: tenant.id,
            slug: tenant.slug.clone(),
            caller: caller.clone(),
            token: token.clone(),
            need,
            position,
            beyond: after.filter(|after| *after > newest),
            written,
            heard_at: tokio::time::Instant::now(),
            waiting: Vec::new(),
            unknown_since: None,
            _place: place,
        }))
    }

    /// What comes next; `None` if the follower may not follow any more, nobody can say for too long whether it may, or the
    /// server is to end.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            if self.ctx.event_streams.stop.is_cancelled() {
                return None;
            }
            match self.may().await {
                Ok(false) => return None,
                Ok(true) => {
                    self.unknown_since = None;
                    if let Some(heard) = self.look().await {
                        self.heard_at = tokio::time::Instant::now();
                        return Some(heard);
                    }
                }
                Err(_) => {
                    let since = *self.unknown_since.get_or_insert_with(tokio::time::Instant::now);
                    if since.elapsed() >= UNKNOWN {
                        return None;
                    }
                }
            }
            let stop = self.ctx.event_streams.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                _ = self.written.changed() => {}
                () = tokio::time::sleep(LOOKS) => {}
            }
            if self.unknown_since.is_none() && self.heard_at.elapsed() >= HEARTBEAT {
                self.heard_at = tokio::time::Instant::now();
                return Some(Heard::Nothing);
            }
        }
    }

    async fn look(&mut self) -> Option<Heard> {
        if let Some(beyond) = self.beyond.take() {
            return Some(Heard::Missed(self.position.saturating_add(1), beyond));
        }
        if self.waiting.is_empty() {
            let read = store::outbox::after(self.ctx.database.read(), self.tenant, self.position, BATCH).await;
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

    /// Whether the follower still may, as things are now: its tenant may have changed as well since it began.
    ///
    /// # Errors
    /// Nobody can say.
    async fn may(&self) -> Result<bool, Failure> {
        let tenant = match tenants::active(&self.ctx, &self.slug).await {
            Ok(tenant) => tenant,
            Err(TenantLookupError::Unknown) => return Ok(false),
            Err(TenantLookupError::Failure(failure)) => return Err(failure),
        };
        access::still(&self.ctx, &tenant, &self.caller, &self.token, self.need).await
    }
}
