//! Invalidation of cached facts. The store's functions record on their transaction ([`super::tx::Tx::invalidate`]) what
//! they change; it is published when the transaction is committed, and checked at each use of a cached fact.
//!
//! Each thing that can change has a generation; a change makes it a new one. A copy carries the generations of all that
//! it was made of, from before it was read ([`Changes::begin`]), and is good as long as they are the same: nothing has
//! to be found and removed, and a lookup that was overtaken by a change leaves nothing stale behind. Generations share
//! a fixed number of places, so that two things may change together: that costs a read and does no harm.
//!
//! Decided against one generation for everything: each sign-out would empty every cache.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};

use entity::control::change_counter::{Column, Entity};
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use tokio::sync::{Notify, watch};

use super::StoreError;
use super::change::Change;
use super::row::Only as _;
use super::tx::Pending;
use crate::domain::TenantId;

/// Counts a transaction that changed something, as its last statement: on PostgreSQL the row stays locked from here to
/// the commit.
pub(super) async fn count(db: &impl ConnectionTrait, pending: &mut Pending) -> Result<(), StoreError> {
    if pending.changes.is_empty() {
        return Ok(());
    }
    let rows = Entity::update_many()
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .filter(Column::TenantId.eq(TenantId::DEFAULT.uuid()))
        .exec_with_returning(db)
        .await?;
    pending.revision = rows.first().map(|row| row.revision);
    Ok(())
}

/// The number of transactions so far that changed something.
pub async fn revision(db: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let row = Entity::find_by_id(TenantId::DEFAULT.uuid()).only(db).await?;
    row.map(|row| row.revision).ok_or_else(|| StoreError::corrupt("change_counter", "revision"))
}

/// How many places generations have.
const PLACES: usize = 4096;
/// The place of what is part of everything.
const EVERYTHING: u16 = 0;
/// A place where nothing ever changes.
const NOTHING: u16 = 1;
/// The most things that a copy is made of.
const MOST: usize = 8;
/// Until when it is certain what happened, where nobody looks any more.
const CLOSED: u64 = u64::MAX - 1;

/// The place of what changes.
fn place(change: &Change) -> u16 {
    if *change == Change::Everything {
        return EVERYTHING;
    }
    let mut hasher = DefaultHasher::new();
    change.hash(&mut hasher);
    let rest = hasher.finish() % (PLACES as u64 - 2);
    u16::try_from(rest).unwrap_or(0) + 2
}

/// When a lookup began.
#[derive(Clone, Copy, Debug)]
pub struct Lookup(u64);

/// The generations of all that a copy was made of.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    places: [u16; MOST],
    /// Generations only grow, so that their sum is the same only if each of them is.
    sum: u64,
}

/// The generations of everything.
pub struct Changes {
    places: Box<[AtomicU64]>,
    /// Grows with every change, before its generation does.
    clock: AtomicU64,
    /// The number of the last transaction whose changes are known here.
    revision: AtomicI64,
    began: Instant,
    /// Until when it is certain that nothing happened that isn't known here: milliseconds since `began`.
    certain_until: AtomicU64,
    /// Rung when something is to be sent.
    deliveries: Notify,
    events: watch::Sender<()>,
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Changes {
    pub(super) fn new() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            clock: AtomicU64::new(0),
            revision: AtomicI64::new(-1),
            began: Instant::now(),
            certain_until: AtomicU64::new(0),
            deliveries: Notify::new(),
            events: watch::Sender::new(()),
        }
    }

    /// To be asked for before the first read of a lookup.
    pub fn begin(&self) -> Lookup {
        Lookup(self.clock.load(SeqCst))
    }

    /// What a copy needs that was read since then and is made of these things, at most eight; `None` if something changed
    /// in the meantime, so that the copy must not be kept.
    pub fn stamp(&self, lookup: Lookup, of: &[Change]) -> Option<Stamp> {
        let mut places = [NOTHING; MOST];
        if of.len() > MOST {
            return None;
        }
        for (slot, change) in places.iter_mut().zip(of) {
            *slot = place(change);
        }
        let stamp = Stamp { places, sum: self.sum(places) };
        (self.clock.load(SeqCst) == lookup.0).then_some(stamp)
    }

    /// Whether a copy is good: whether it is certain that nothing that it was made of has changed.
    pub fn is_current(&self, stamp: &Stamp) -> bool {
        self.sum(stamp.places) == stamp.sum && self.is_certain()
    }

    fn sum(&self, places: [u16; MOST]) -> u64 {
        let one = |place: u16| self.places.get(usize::from(place)).map_or(0, |generation| generation.load(SeqCst));
        places.into_iter().map(one).sum::<u64>() + one(EVERYTHING)
    }

    /// Whether changes that others make are known at once.
    pub fn is_certain(&self) -> bool {
        match self.certain_until.load(SeqCst) {
            u64::MAX => true,
            CLOSED => false,
            until => self.elapsed() < until,
        }
    }

    fn elapsed(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Until further notice, or for so long.
    pub(super) fn certain_for(&self, duration: Option<Duration>) {
        let until = duration.map_or(u64::MAX, |duration| {
            self.elapsed().saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
        });
        // Whoever listens may have an answer in hand while that ends.
        let _closed = self.certain_until.fetch_update(SeqCst, SeqCst, |now| (now != CLOSED).then_some(until));
    }

    /// Never again.
    pub(super) fn close(&self) {
        self.certain_until.store(CLOSED, SeqCst);
    }

    /// Makes changes known.
    pub(super) fn publish(&self, change: &Change) {
        // In this order: whoever sees the old generation sees the new time.
        self.clock.fetch_add(1, SeqCst);
        if let Some(generation) = self.places.get(usize::from(place(change))) {
            generation.fetch_add(1, SeqCst);
        }
    }

    /// Makes known what a transaction of this process changed, after its commit.
    pub(super) fn publish_own(&self, pending: &Pending) {
        pending.changes.iter().for_each(|change| self.publish(change));
        if let Some(revision) = pending.revision {
            // If the numbers before it are another process's, the next look finds that out.
            let _other = self.revision.compare_exchange(revision - 1, revision, SeqCst, SeqCst);
        }
        if pending.deliveries {
            self.deliveries.notify_one();
        }
        if pending.events {
            self.events.send_replace(());
        }
    }

    /// Waits until a transaction of this process has put a message into the queue; returns at once if one did since the
    /// last time. For the one who sends them.
    pub async fn deliveries_added(&self) {
        self.deliveries.notified().await;
    }

    /// Changes when a transaction of this process has written an event.
    pub fn events(&self) -> watch::Receiver<()> {
        self.events.subscribe()
    }

    /// Takes note of how many transactions changed something: of those that aren't known nobody knows what it was.
    pub(super) fn see_revision(&self, revision: Option<i64>) {
        if revision.is_none_or(|revision| self.revision.swap(revision, SeqCst) != revision) {
            self.publish(&Change::Everything);
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::UserId;

    const TENANT: TenantId = TenantId::DEFAULT;

    fn user(number: u128) -> Change {
        Change::User(TENANT, UserId::from_uuid(Uuid::from_u128(number)))
    }

    fn certain() -> Changes {
        let changes = Changes::new();
        changes.certain_for(None);
        changes
    }

    #[test]
    fn a_copy_is_good_until_something_that_it_is_made_of_changes() {
        for change in [user(1), Change::Keys(TENANT), Change::Everything] {
            let changes = certain();
            let stamp = changes.stamp(changes.begin(), &[user(1), Change::Keys(TENANT)]);
            let is_good = || stamp.is_some_and(|stamp| changes.is_current(&stamp));
            assert!(is_good());
            changes.publish(&user(2));
            assert!(is_good(), "another's");
            changes.publish(&change);
            assert!(!is_good(), "{change}");
        }
    }

    #[test]
    fn a_lookup_that_a_change_overtook_leaves_no_copy() {
        let changes = certain();
        let lookup = changes.begin();
        changes.publish(&user(1));
        assert!(changes.stamp(lookup, &[user(1)]).is_none());
        assert!(changes.stamp(changes.begin(), &[user(1)]).is_some());
        let many: Vec<Change> = (0..9).map(user).collect();
        assert!(changes.stamp(changes.begin(), &many).is_none(), "nothing is left out in silence");
    }

    #[test]
    fn nothing_is_good_while_nothing_is_certain() {
        let changes = Changes::new();
        let stamp = changes.stamp(changes.begin(), &[user(1)]);
        let is_good = || stamp.is_some_and(|stamp| changes.is_current(&stamp));
        assert!(!is_good());
        changes.certain_for(Some(Duration::from_hours(1)));
        assert!(is_good());
        changes.certain_for(Some(Duration::ZERO));
        assert!(!is_good());
        changes.certain_for(None);
        assert!(is_good());
        changes.close();
        assert!(!is_good());
        for late in [Some(Duration::from_hours(1)), None] {
            changes.certain_for(late);
            assert!(!is_good(), "it was over");
        }
    }

    #[test]
    fn numbers_that_are_not_ours_change_everything() {
        let changes = certain();
        let stamp = || changes.stamp(changes.begin(), &[user(1)]);
        let own = |revision| {
            let mut pending = Pending::default();
            (pending.changes, pending.revision) = (vec![user(2)], Some(revision));
            pending
        };
        changes.see_revision(Some(7));
        let kept = stamp();
        changes.publish_own(&own(8));
        changes.see_revision(Some(8));
        assert!(kept.is_some_and(|kept| changes.is_current(&kept)), "our own was known already");
        changes.publish_own(&own(10));
        changes.see_revision(Some(10));
        assert!(kept.is_some_and(|kept| !changes.is_current(&kept)), "the ninth was another's");
        let kept = stamp();
        changes.see_revision(None);
        assert!(kept.is_some_and(|kept| !changes.is_current(&kept)), "nobody could be asked");
    }
}
