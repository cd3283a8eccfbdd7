//! Copies of what the database has, used as long as they are certain to be what it has.

use std::fmt;
use std::hash::Hash;
use std::time::Duration;

use moka::future::Cache;

use crate::store::Database;
use crate::store::change::Change;
use crate::store::changes::{Lookup, Stamp};

/// Copies by key, a bounded number of them.
pub struct Kept<K, V>(Cache<K, (Stamp, V)>);

impl<K, V> Clone for Kept<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

impl<K, V> Kept<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// At most so many, and each for at most so long, should the news of its change ever be lost.
    pub fn new(most: u64, longest: Duration) -> Self {
        Self(Cache::builder().max_capacity(most).time_to_live(longest).build())
    }

    /// The copy, if it is certain to be what the database has.
    pub async fn get(&self, database: &Database, key: &K) -> Option<V> {
        let (stamp, value) = self.0.get(key).await?;
        database.changes().is_current(&stamp).then_some(value)
    }

    /// Keeps a copy of what was read since `lookup` and is made of these things, unless one of them changed meanwhile.
    pub async fn keep(&self, database: &Database, lookup: Lookup, of: &[Change], key: K, value: V) {
        if let Some(stamp) = database.changes().stamp(lookup, of) {
            self.0.insert(key, (stamp, value)).await;
        }
    }

    /// Forgets everything.
    pub fn invalidate_all(&self) {
        self.0.invalidate_all();
    }
}
