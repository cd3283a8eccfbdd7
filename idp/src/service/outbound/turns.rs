//! Turns: how many requests are under way, in all and to one host.
//!
//! Without the second, a single host that hangs would hold all of them, and nobody's keys could be fetched any more.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Of all turns, one host gets this part.
const SHARE: usize = 8;

/// Everybody's turns.
#[derive(Debug)]
pub(super) struct Turns {
    all: Arc<Semaphore>,
    hosts: Arc<Hosts>,
}

impl Turns {
    /// So many in all, and an eighth of them, but one at least, with each host.
    pub(super) fn new(in_all: NonZeroUsize) -> Self {
        let each = (in_all.get() / SHARE).max(1);
        Self { all: Arc::new(Semaphore::new(in_all.get())), hosts: Arc::new(Hosts { each, used: Mutex::default() }) }
    }

    /// Waits for a turn with that host: the first that a request takes, so that those that wait for a slow host take
    /// none from the others.
    pub(super) async fn with(&self, host: &str) -> Result<HostTurn, AcquireError> {
        let place = Hosts::join(&self.hosts, host);
        let permit = Arc::clone(&place.turns).acquire_owned().await?;
        Ok(HostTurn { _permit: permit, _place: place })
    }

    /// Waits for one of all turns.
    pub(super) async fn any(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.all).acquire_owned().await
    }
}

/// A turn with one host.
#[derive(Debug)]
pub(super) struct HostTurn {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

/// The hosts that somebody asks or waits for, and no others: there are never more of them than requests.
#[derive(Debug)]
struct Hosts {
    each: usize,
    used: Mutex<HashMap<String, Used>>,
}

#[derive(Debug)]
struct Used {
    turns: Arc<Semaphore>,
    /// Who asks or waits.
    places: usize,
}

impl Hosts {
    fn join(hosts: &Arc<Self>, host: &str) -> Place {
        let mut used = hosts.used();
        let new = || Used { turns: Arc::new(Semaphore::new(hosts.each)), places: 0 };
        let entry = used.entry(host.to_owned()).or_insert_with(new);
        entry.places += 1;
        Place { hosts: Arc::clone(hosts), host: host.to_owned(), turns: Arc::clone(&entry.turns) }
    }

    fn used(&self) -> MutexGuard<'_, HashMap<String, Used>> {
        // Nothing panics while it is held.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who asks a host or waits for that. The last one takes the host away.
#[derive(Debug)]
struct Place {
    hosts: Arc<Hosts>,
    host: String,
    turns: Arc<Semaphore>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut used = self.hosts.used();
        if let Some(entry) = used.get_mut(&self.host) {
            entry.places -= 1;
            if entry.places == 0 {
                used.remove(&self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use futures_util::FutureExt as _;

    use super::*;

    fn turns(in_all: usize) -> Turns {
        Turns::new(NonZeroUsize::new(in_all).unwrap())
    }

    #[test]
    fn a_host_has_an_eighth_of_all_turns_and_one_at_least() {
        for (in_all, expected) in [(1, 1), (7, 1), (8, 1), (16, 2), (64, 8)] {
            let turns = turns(in_all);
            let held: Vec<_> = (0..expected).map(|_| turns.with("slow").now_or_never().unwrap().unwrap()).collect();
            assert!(turns.with("slow").now_or_never().is_none(), "{in_all}");
            assert!(turns.with("quick").now_or_never().is_some(), "{in_all}: nobody else waits for it");
            drop(held);
            assert!(turns.with("slow").now_or_never().is_some(), "{in_all}");
        }
    }

    #[test]
    fn nothing_is_left_of_a_host_that_nobody_asks_or_waits_for() {
        let turns = turns(1);
        let held = turns.with("slow").now_or_never().unwrap().unwrap();
        let mut waiting = Box::pin(turns.with("slow"));
        assert!(waiting.as_mut().now_or_never().is_none());
        assert_eq!(turns.hosts.used()["slow"].places, 2);
        drop(held);
        assert_eq!(turns.hosts.used()["slow"].places, 1, "whoever waits is still there");
        let second = waiting.now_or_never().unwrap().unwrap();
        let given_up = turns.with("slow").now_or_never();
        assert!(given_up.is_none());
        drop(second);
        assert!(turns.hosts.used().is_empty());
    }
}
