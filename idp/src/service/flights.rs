//! Work that many wait for: done once for them all, and to its end, though whoever asked for it has gone.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};

use crate::telemetry;

type Landing<V> = Shared<BoxFuture<'static, Option<V>>>;

/// What is under way, by what it is for. Cloning it copies a pointer.
pub struct Flights<K, V>(Arc<Mutex<HashMap<K, Landing<V>>>>);

impl<K, V> Clone for Flights<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K, V> fmt::Debug for Flights<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Flights")
    }
}

impl<K, V> Flights<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Landing<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> Flights<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// What comes of the work for `key` that is under way or, if none is, of this; `None` if it broke off.
    pub async fn join<F>(&self, key: K, work: impl FnOnce() -> F) -> Option<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let landing = {
            // Held until the new one is in its place: it can't be over before.
            let mut under_way = self.lock();
            if let Some(landing) = under_way.get(&key) {
                landing.clone()
            } else {
                let (work, place) = (work(), Place { flights: self.clone(), key: key.clone() });
                let running = telemetry::beside(async move {
                    let _place = place;
                    work.await
                });
                let landing = running.map(Result::ok).boxed().shared();
                under_way.insert(key, landing.clone());
                landing
            }
        };
        landing.await
    }
}

/// A place among what is under way, given up however the work ends.
struct Place<K: Eq + Hash, V> {
    flights: Flights<K, V>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Place<K, V> {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
