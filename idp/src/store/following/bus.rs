//! Following by a bus, such as Redis.
//!
//! A node says what it changed once that is committed, and the number that the counter of changes gave it. A bus may
//! lose what is said, so nobody relies on having heard everything: four times a second a node reads the counter, and
//! says something to itself. Numbers up to the counter of the time before must have been heard by then; if one is
//! missing, everything that is kept may be old and none of it is used any more. A bus that is gone, frozen or half
//! open brings no echo: then, and while the counter can't be read, every check goes to the database.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::{BELIEVED, PATIENCE, PULSE, Trouble};
use crate::store::bus::Bus;
use crate::store::change::Change;
use crate::store::changes::{self, Changes};
use crate::store::tx::Pending;
use crate::store::{Reason, StoreError};

/// How many messages wait to be said; more are left to the counter.
const UNSAID: usize = 1024;
/// How many numbers are remembered that came before those that they follow.
const BEYOND: usize = 4096;

/// The bus, and this node's place at it.
pub(in crate::store) struct ByBus {
    bus: Arc<dyn Bus>,
    /// Tells this node's messages from those of others.
    name: Name,
    said: mpsc::Sender<String>,
    unsaid: Mutex<Option<mpsc::Receiver<String>>>,
    following: AtomicBool,
    stop: CancellationToken,
}

/// What a node calls itself on the bus: drawn anew by each process, no secret.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Name(u64);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl ByBus {
    pub(super) fn new(bus: Arc<dyn Bus>) -> Self {
        let (said, unsaid) = mpsc::channel(UNSAID);
        // The standard library seeds its hash maps with random numbers; no more is needed here.
        let name = Name(RandomState::new().build_hasher().finish());
        let (following, stop) = (AtomicBool::new(false), CancellationToken::new());
        Self { bus, name, said, unsaid: Mutex::new(Some(unsaid)), following, stop }
    }

    /// Follows, from the first question on.
    pub(super) fn start(&self, changes: &Arc<Changes>, db: &DatabaseConnection) {
        if self.following.swap(true, SeqCst) {
            return;
        }
        let (bus, name, changes, db) = (Arc::clone(&self.bus), self.name, Arc::clone(changes), db.clone());
        let following = async move {
            let mut trouble = Trouble::default();
            loop {
                let Err(error) = follow(&*bus, name, &changes, &db).await;
                trouble.met(&changes, &error).await;
            }
        };
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(following).await });
    }

    /// Tells the others what was committed, without waiting for it: what can't be said is left to the counter.
    pub(super) fn tell(&self, pending: &Pending) {
        let Some(revision) = pending.revision else { return };
        let unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(unsaid) = unsaid {
            let (bus, stop) = (Arc::clone(&self.bus), self.stop.clone());
            tokio::spawn(async move { stop.run_until_cancelled(say_all(&*bus, unsaid)).await });
        }
        let mut message = format!("{} {revision}", self.name);
        for change in &pending.changes {
            message.push('\n');
            message.push_str(&change.to_string());
        }
        if self.said.try_send(message).is_err() {
            tracing::debug!("a change could not be told to the other nodes; they find it out by themselves");
        }
    }

    pub(super) fn close(&self) {
        self.stop.cancel();
    }
}

impl Drop for ByBus {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn say_all(bus: &dyn Bus, mut unsaid: mpsc::Receiver<String>) {
    while let Some(message) = unsaid.recv().await {
        if bus.say(message).await.is_err() {
            tracing::debug!("a change could not be told to the other nodes; they find it out by themselves");
        }
    }
}

/// Follows until that fails.
async fn follow(
    bus: &dyn Bus,
    name: Name,
    changes: &Changes,
    db: &DatabaseConnection,
) -> Result<std::convert::Infallible, StoreError> {
    let heard = timeout(PATIENCE * 4, bus.listen()).await.map_err(late)?.map_err(|_| Reason::Bus)?;
    let mut ear = Ear { name, heard, echoes: 0, seen: Seen::default() };
    let mut before = ear.ask(bus, changes, db).await?;
    // What changed while nobody listened isn't known.
    ear.seen = Seen::up_to(before.revision);
    changes.publish(&Change::Everything);
    changes.certain_for(Some(BELIEVED.saturating_sub(before.asked.elapsed())));
    loop {
        ear.hear_until(before.asked + PULSE, changes).await?;
        let now = ear.ask(bus, changes, db).await?;
        if now.revision < before.revision {
            tracing::warn!("the database is another one than before");
            return Err(Reason::Bus.into());
        }
        if !ear.seen.knows(before.revision) {
            tracing::debug!("the bus lost a message: nothing that was kept is used any more");
            ear.seen.settle(before.revision);
            changes.publish(&Change::Everything);
        }
        // A number that was just given may be on its way: then no more is sure than the time before.
        let sure = if ear.seen.knows(now.revision) { now.asked } else { before.asked };
        changes.certain_for(Some(BELIEVED.saturating_sub(sure.elapsed())));
        before = now;
    }
}

fn late(_: tokio::time::error::Elapsed) -> StoreError {
    StoreError::Unavailable(Reason::TimedOut)
}

/// What the counter said.
#[derive(Clone, Copy)]
struct Count {
    /// When it was asked.
    asked: Instant,
    revision: i64,
}

/// What is heard on the bus.
struct Ear {
    name: Name,
    heard: BoxStream<'static, Vec<u8>>,
    /// How often this node has said something to itself.
    echoes: u64,
    seen: Seen,
}

impl Ear {
    /// Reads the counter, and makes sure that the bus carries, both within the patience.
    async fn ask(&mut self, bus: &dyn Bus, changes: &Changes, db: &DatabaseConnection) -> Result<Count, StoreError> {
        let asked = Instant::now();
        self.echoes += 1;
        let echo = self.echoes;
        let say = async { bus.say(format!("{} echo {echo}", self.name)).await.map_err(|_| Reason::Bus.into()) };
        let asking = async { futures_util::future::try_join(say, changes::revision(db)).await };
        let answers = async {
            let mut asking = std::pin::pin!(asking);
            let (mut revision, mut echoed) = (None, false);
            loop {
                tokio::select! {
                    answer = &mut asking, if revision.is_none() => {
                        let ((), counted): ((), i64) = answer?;
                        revision = Some(counted);
                    }
                    message = self.heard.next() => {
                        let message = message.ok_or(Reason::Bus)?;
                        echoed |= hear(self.name, &message, changes, &mut self.seen) == Some(echo);
                    }
                }
                if let (Some(revision), true) = (revision, echoed) {
                    return Ok(Count { asked, revision });
                }
            }
        };
        timeout(PATIENCE, answers).await.map_err(late)?
    }

    async fn hear_until(&mut self, time: Instant, changes: &Changes) -> Result<(), StoreError> {
        let mut sleep = std::pin::pin!(tokio::time::sleep_until(time));
        loop {
            tokio::select! {
                () = &mut sleep => return Ok(()),
                message = self.heard.next() => {
                    let message = message.ok_or(Reason::Bus)?;
                    hear(self.name, &message, changes, &mut self.seen);
                }
            }
        }
    }
}

/// Takes note of a message; the number of an echo, if it is one of this node's.
fn hear(name: Name, message: &[u8], changes: &Changes, seen: &mut Seen) -> Option<u64> {
    let Some((speaker, rest)) = std::str::from_utf8(message).ok().and_then(|text| text.split_once(' ')) else {
        changes.publish(&Change::Everything);
        return None;
    };
    let own = speaker == name.to_string();
    if let Some(echo) = rest.strip_prefix("echo ") {
        return echo.parse().ok().filter(|_| own);
    }
    let (revision, lines) = rest.split_once('\n').unwrap_or((rest, ""));
    // What this node changed it knows since its commit.
    if !own {
        lines.lines().map(Change::from).for_each(|change| changes.publish(&change));
    }
    match revision.parse() {
        Ok(revision) => seen.add(revision),
        Err(_) => changes.publish(&Change::Everything),
    }
    None
}

/// Which numbers of the counter were heard. They come in about their order, as nodes speak when they have committed.
#[derive(Default)]
struct Seen {
    /// All up to this one.
    up_to: i64,
    /// And these.
    beyond: BTreeSet<i64>,
}

impl Seen {
    fn up_to(revision: i64) -> Self {
        Self { up_to: revision, beyond: BTreeSet::new() }
    }

    /// What is missing up to there is of no interest any more.
    fn settle(&mut self, revision: i64) {
        self.up_to = revision;
        self.beyond = self.beyond.split_off(&revision.saturating_add(1));
        self.add(revision);
    }

    fn add(&mut self, revision: i64) {
        if revision > self.up_to && self.beyond.len() < BEYOND {
            self.beyond.insert(revision);
        }
        while self.beyond.first() == Some(&(self.up_to + 1)) {
            self.up_to += 1;
            self.beyond.pop_first();
        }
    }

    fn knows(&self, revision: i64) -> bool {
        self.up_to >= revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_missing_is_noticed_whatever_the_order() {
        let mut seen = Seen::up_to(7);
        assert!(seen.knows(7) && !seen.knows(8));
        for revision in [10, 9, 9, 3] {
            seen.add(revision);
        }
        assert!(!seen.knows(8), "the eighth was never heard");
        seen.add(8);
        assert!(seen.knows(10) && !seen.knows(11));
        assert!(seen.beyond.is_empty());
    }

    #[test]
    fn what_was_settled_is_missed_no_more() {
        let mut seen = Seen::up_to(7);
        for revision in [9, 10, 12] {
            seen.add(revision);
        }
        seen.settle(8);
        assert!(seen.knows(10) && !seen.knows(11));
        seen.settle(11);
        assert!(seen.knows(12));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut seen = Seen::up_to(0);
        for revision in 2..100_000 {
            seen.add(revision);
        }
        assert_eq!(seen.beyond.len(), BEYOND);
        assert!(!seen.knows(1));
    }

    #[test]
    fn only_an_echo_of_ones_own_is_one() {
        let (changes, mut seen) = (Changes::new(), Seen::up_to(1));
        let name = Name(0xab);
        assert_eq!(hear(name, b"00000000000000ab echo 7", &changes, &mut seen), Some(7));
        assert_eq!(hear(name, b"00000000000000cd echo 7", &changes, &mut seen), None);
        assert_eq!(hear(name, b"00000000000000cd 2\neverything", &changes, &mut seen), None);
        assert!(seen.knows(2));
        // What nobody of ours would say changes everything, and is nothing to rely on.
        for strange in [&b"\xff"[..], b"", b"x", b"00000000000000cd x"] {
            let lookup = changes.begin();
            hear(name, strange, &changes, &mut seen);
            assert!(changes.stamp(lookup, &[]).is_none(), "{strange:?}");
            assert!(!seen.knows(3));
        }
    }
}
