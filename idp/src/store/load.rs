//! How busy the database is with what this process asks of it, for whoever watches over it: atomics, and what the pool
//! says of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::sqlx::{Database, Pool};

/// What this process asks of the database, now and since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// Connections that somebody uses (SQLite: to read; there is one more to write).
    pub connections_in_use: usize,
    /// Connections that nobody uses.
    pub connections_idle: usize,
    /// Writes that wait or are under way.
    pub writes_waiting: u64,
    /// Writes that are durable.
    pub writes_done: u64,
    /// Writes that were undone: the job decided so, or the database failed.
    pub writes_failed: u64,
    /// Commits that made writes durable: on SQLite many share one.
    pub commits: u64,
    /// Whether what others change is known at once, so that copies are used; otherwise every check reads the database.
    pub changes_followed: bool,
}

/// Of a pool: how many connections are open, and how many of these nobody uses.
pub(super) fn connections<D: Database>(pool: &Pool<D>) -> (usize, usize) {
    (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle())
}

/// The writes that were asked for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    begun: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    /// Whose caller went away before the answer.
    left: AtomicU64,
}

impl Asked {
    /// One more.
    pub(super) fn begin(&self) -> Waiting<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Waiting { asked: self, ended: false }
    }

    pub(super) fn waiting(&self) -> u64 {
        let over = self.done() + self.failed() + self.left.load(Ordering::Relaxed);
        // Read last: of a write that begins and ends meanwhile no less is known than that it began.
        self.begun.load(Ordering::Relaxed).saturating_sub(over)
    }

    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }
}

/// A write whose caller waits for it.
pub(super) struct Waiting<'a> {
    asked: &'a Asked,
    ended: bool,
}

impl Waiting<'_> {
    pub(super) fn end(mut self, done: bool) {
        self.ended = true;
        let of = if done { &self.asked.done } else { &self.asked.failed };
        of.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.asked.left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;

    #[test]
    fn a_write_waits_until_it_is_over_or_its_caller_is_gone() {
        let asked = Asked::default();
        let (first, second, third) = (asked.begin(), asked.begin(), asked.begin());
        assert_eq!(asked.waiting(), 3);
        first.end(true);
        second.end(false);
        assert_eq!((asked.waiting(), asked.done(), asked.failed()), (1, 1, 1));
        drop(third);
        assert_eq!((asked.waiting(), asked.done(), asked.failed()), (0, 1, 1));
    }
}
