//! Who is who between two requests: sign-ins under way and people signed in, each found by a random cookie.
//!
//! In memory, which is enough for an example. A real application keeps both in its database, so that they survive a restart
//! and are shared by its nodes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::CsrfToken;

use crate::provider::{Attempt, Person};

/// How long a visitor may take to sign in.
const ATTEMPT_LIFETIME: Duration = Duration::from_mins(10);
/// How long a visitor stays signed in here.
const SESSION_LIFETIME: Duration = Duration::from_hours(1);
/// How many of each are kept, so that nobody can fill our memory.
const LIMIT: usize = 10_000;

/// Everyone we know of.
pub(crate) struct Visitors {
    attempts: Shelf<Attempt>,
    people: Shelf<Arc<Person>>,
}

impl Visitors {
    /// Nobody yet.
    pub(crate) fn new() -> Self {
        Self { attempts: Shelf::new(ATTEMPT_LIFETIME), people: Shelf::new(SESSION_LIFETIME) }
    }

    /// Keeps a sign-in under way; the answer is the cookie that finds it.
    pub(crate) fn remember_attempt(&self, attempt: Attempt) -> String {
        self.attempts.put(attempt)
    }

    /// Takes a sign-in out, so that it can't be used again.
    pub(crate) fn take_attempt(&self, cookie: &str) -> Option<Attempt> {
        self.attempts.take(cookie)
    }

    /// Keeps a person signed in; the answer is the cookie that finds them.
    pub(crate) fn sign_in(&self, person: Person) -> String {
        self.people.put(Arc::new(person))
    }

    /// The person with this cookie.
    pub(crate) fn find(&self, cookie: &str) -> Option<Arc<Person>> {
        self.people.get(cookie)
    }

    /// Forgets the person with this cookie.
    pub(crate) fn sign_out(&self, cookie: &str) {
        self.people.take(cookie);
    }
}

/// Values that expire, by random key.
struct Shelf<T> {
    lifetime: Duration,
    entries: Mutex<HashMap<String, (Instant, T)>>,
}

impl<T> Shelf<T> {
    fn new(lifetime: Duration) -> Self {
        Self { lifetime, entries: Mutex::new(HashMap::new()) }
    }

    /// The entries that haven't expired.
    fn entries(&self) -> MutexGuard<'_, HashMap<String, (Instant, T)>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|_, (since, _)| since.elapsed() < self.lifetime);
        entries
    }

    fn put(&self, value: T) -> String {
        let key = CsrfToken::new_random_len(32).into_secret();
        let mut entries = self.entries();
        if entries.len() < LIMIT {
            entries.insert(key.clone(), (Instant::now(), value));
        }
        key
    }

    fn take(&self, key: &str) -> Option<T> {
        self.entries().remove(key).map(|(_, value)| value)
    }
}

impl<T: Clone> Shelf<T> {
    fn get(&self, key: &str) -> Option<T> {
        self.entries().get(key).map(|(_, value)| value.clone())
    }
}
