//! Sends what is in the queue of messages to others, until it is taken.
//!
//! A message is put in by the transaction of what it tells of (`store::deliveries::insert`), which wakes this task at its
//! commit; a look each second finds what other nodes left behind and what is to be tried again. An attempt begins with a
//! claim in the database that is over after a while by itself, so that any number of nodes may send and one that is
//! killed loses nothing. What arrived in the moment of a crash may arrive twice: whoever takes messages has to stand it.
//!
//! Messages to one target are sent a few at a time and to many targets at once: one that is slow keeps nobody else
//! waiting. Of messages with a subject, the next goes when those before it are gone.
//!
//! What is fresh in a message (its signature, its times) is made when it is sent, by its kind: see [`outgoing`].

use std::collections::HashMap;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::ctx::Ctx;
use super::outbound::Message;
use super::{Failure, audit, backchannel_logout, webhooks};
use crate::domain::delivery::{Delivery, DeliveryKind};
use crate::domain::{DeliveryId, TenantId, Timestamp};
use crate::store::deliveries::Target;
use crate::store::{self, StoreError};

/// How often the queue is looked at where nobody says that something is in it.
const LOOKS: Duration = Duration::from_secs(1);
/// Messages that are sent at a time.
const AT_ONCE: usize = 32;
/// Those of them that go to one target.
const TO_ONE: usize = 8;
/// How many messages are looked at for those that can go now.
const LOOKED_AT: u64 = 256;
/// How much longer than a request a claim is good: the time to write down how it went.
const MARGIN: Duration = Duration::from_secs(5);
/// How long what is being sent may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(3);
/// How many messages that are too old are given up at a time.
const GIVEN_UP: u64 = 500;
/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 300;

/// A message as it is sent, and where to.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Where to.
    pub url: String,
    /// The message.
    pub message: Message,
}

/// Why a message isn't sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undeliverable {
    /// Nobody can take it any more.
    Never(String),
    /// Something of ours failed: it is tried again.
    Now(Failure),
}

impl From<Failure> for Undeliverable {
    fn from(failure: Failure) -> Self {
        Self::Now(failure)
    }
}

impl From<StoreError> for Undeliverable {
    fn from(error: StoreError) -> Self {
        Self::Now(error.into())
    }
}

/// Makes the request of a message: what its kind is.
async fn outgoing(ctx: &Ctx, tenant: TenantId, delivery: &Delivery) -> Result<Outgoing, Undeliverable> {
    match delivery.kind {
        DeliveryKind::BackchannelLogout => backchannel_logout::outgoing(ctx, tenant, delivery).await,
        DeliveryKind::Webhook => webhooks::outgoing(ctx, tenant, delivery).await,
    }
}

/// Sends until `stop` is cancelled.
pub async fn run(ctx: &Ctx, stop: &CancellationToken) {
    let now = ctx.now();
    let let_go = ctx.database.write(async move |tx| store::deliveries::let_go_all(&tx, now).await).await;
    if let Err(error) = let_go {
        let error: StoreError = error;
        tracing::warn!(error = %error, "messages that nothing holds could not be looked for");
    }
    let mut courier = Courier::new(ctx);
    let mut looks = tokio::time::interval_at(Instant::now() + LOOKS, LOOKS);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        if let Err(error) = courier.take_up().await {
            tracing::warn!(error = %error, "messages to be sent could not be looked for; they will be next time");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some(done) = courier.under_way.join_next() => courier.done(done),
            () = ctx.database.changes().deliveries_added() => {}
            _ = looks.tick() => {}
        }
    }
    // What isn't done by then is left to whoever finds the claim over.
    let farewell = async { while let Some(_done) = courier.under_way.join_next().await {} };
    let _late = tokio::time::timeout(FAREWELL, farewell).await;
}

/// Tries everything that is due now, once, and waits for it; how many messages that were.
///
/// # Errors
/// The queue can't be looked at.
pub async fn send_due(ctx: &Ctx) -> Result<usize, StoreError> {
    let mut courier = Courier::new(ctx);
    let mut sent = 0;
    loop {
        sent += courier.take_up().await?;
        match courier.under_way.join_next().await {
            Some(done) => courier.done(done),
            None => return Ok(sent),
        }
    }
}

/// What waits for a target and what was given up, the oldest first, those after `after`.
pub async fn of_target(
    ctx: &Ctx,
    tenant: TenantId,
    target: (DeliveryKind, &str),
    after: Option<DeliveryId>,
    limit: u64,
) -> Result<Vec<Delivery>, Failure> {
    Ok(store::deliveries::list_of_target(ctx.database.read(), tenant, target, after, limit).await?)
}

/// Why nothing is tried again.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// No message of that id was given up.
    #[error("there is no message {0} that was given up")]
    Unknown(DeliveryId),
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ReplayError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Tries again what was given up: one message, or all of the target's; how many they are. `event` is the line of the
/// audit log that tells of it.
pub async fn replay(
    ctx: &Ctx,
    tenant: TenantId,
    (kind, target): (DeliveryKind, String),
    one: Option<DeliveryId>,
    event: audit::AuditBuilder,
) -> Result<u64, ReplayError> {
    let now = ctx.now();
    let replayed = ctx
        .database
        .write(async move |tx| {
            let replayed = store::deliveries::replay_of_target(&tx, tenant, (kind, &target), one, now).await?;
            if replayed > 0 {
                tx.record(tenant, event);
            }
            Ok(replayed)
        })
        .await
        .map_err(|error: StoreError| ReplayError::from(error))?;
    match one {
        Some(id) if replayed == 0 => Err(ReplayError::Unknown(id)),
        Some(_) | None => Ok(replayed),
    }
}

/// What one node is sending.
struct Courier {
    ctx: Ctx,
    under_way: JoinSet<Target>,
    /// How many messages are under way to whom.
    busy: HashMap<Target, usize>,
}

impl Courier {
    fn new(ctx: &Ctx) -> Self {
        Self { ctx: ctx.clone(), under_way: JoinSet::new(), busy: HashMap::new() }
    }

    /// Claims what is due, as far as there is room, and begins to send it; how many messages that were.
    async fn take_up(&mut self) -> Result<usize, StoreError> {
        let mut taken = 0;
        while self.under_way.len() < AT_ONCE {
            let claimed = self.claim().await?;
            if claimed.is_empty() {
                break;
            }
            taken += claimed.len();
            for (tenant, delivery) in claimed {
                let target = (tenant, delivery.kind, delivery.target.clone());
                *self.busy.entry(target.clone()).or_default() += 1;
                let ctx = self.ctx.clone();
                self.under_way.spawn(async move {
                    attempt(&ctx, tenant, delivery).await;
                    target
                });
            }
        }
        Ok(taken)
    }

    async fn claim(&self) -> Result<Vec<(TenantId, Delivery)>, StoreError> {
        let database = &self.ctx.database;
        let busy: Vec<Target> = self.busy.keys().cloned().collect();
        let due = store::deliveries::due(database.read(), self.ctx.now(), &busy, LOOKED_AT).await?;
        let mut chosen: HashMap<Target, usize> = HashMap::new();
        let fair = |(tenant, delivery): &(TenantId, Delivery)| {
            let count = chosen.entry((*tenant, delivery.kind, delivery.target.clone())).or_default();
            *count += 1;
            *count <= TO_ONE
        };
        let room = AT_ONCE - self.under_way.len();
        let chosen: Vec<(TenantId, Delivery)> = due.into_iter().filter(fair).take(room).collect();
        if chosen.is_empty() {
            return Ok(chosen);
        }
        let until = self.ctx.now() + self.ctx.outbound.settings().total_timeout + MARGIN;
        database
            .write(async move |tx| {
                let mut claimed = Vec::new();
                for (tenant, delivery) in chosen {
                    let mine = store::deliveries::claim(&tx, tenant, delivery, until).await?;
                    claimed.extend(mine.map(|delivery| (tenant, delivery)));
                }
                Ok(claimed)
            })
            .await
    }

    fn done(&mut self, done: Result<Target, tokio::task::JoinError>) {
        match done {
            Ok(target) => {
                if let Some(count) = self.busy.get_mut(&target) {
                    *count -= 1;
                }
                self.busy.retain(|_, count| *count > 0);
            }
            Err(error) => {
                tracing::error!(error = %error, "an attempt to send a message ended badly");
                // Whose it was isn't known any more. Too many at once to one target is the lesser evil.
                self.busy.clear();
            }
        }
    }
}

/// One attempt at a claimed message, and what becomes of it.
async fn attempt(ctx: &Ctx, tenant: TenantId, claimed: Delivery) {
    let sent = match outgoing(ctx, tenant, &claimed).await {
        Ok(Outgoing { url, message }) => ctx.outbound.post(&url, message).await.map_err(|error| error.to_string()),
        Err(Undeliverable::Now(failure)) => Err(failure.to_string()),
        Err(Undeliverable::Never(reason)) => return give_up(ctx, tenant, claimed, reason).await,
    };
    let Err(reason) = sent else { return arrived(ctx, tenant, claimed).await };
    if claimed.attempts >= ctx.config.deliveries.attempts.get() {
        return give_up(ctx, tenant, claimed, reason).await;
    }
    let before = ctx.now() - ctx.config.deliveries.give_up_after;
    if claimed.created_at <= before {
        give_up_old(ctx, tenant, &claimed, before, &reason).await;
        return give_up(ctx, tenant, claimed, reason).await;
    }
    let next = ctx.now() + pause(ctx, claimed.attempts);
    let (id, kind, reason) = (claimed.id, claimed.kind, shortened(&reason));
    let written =
        ctx.database.write(async move |tx| store::deliveries::failed(&tx, tenant, &claimed, &reason, next).await).await;
    unwritten(written, tenant, id, kind);
}

/// The pause after that many attempts: twice as long each time, and give or take a quarter, so that what failed
/// together isn't tried again together.
fn pause(ctx: &Ctx, attempts: u32) -> Duration {
    let config = &ctx.config.deliveries;
    let doubled = config.first_pause.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
    let pause = doubled.min(config.longest_pause);
    let [random] = ctx.random.bytes::<1>();
    pause * 3 / 4 + pause * u32::from(random) / 512
}

async fn arrived(ctx: &Ctx, tenant: TenantId, claimed: Delivery) {
    let (id, kind, now) = (claimed.id, claimed.kind, ctx.now());
    let written =
        ctx.database.write(async move |tx| store::deliveries::delivered(&tx, tenant, &claimed, now).await).await;
    unwritten(written, tenant, id, kind);
}

async fn give_up(ctx: &Ctx, tenant: TenantId, claimed: Delivery, reason: String) {
    let (kind, target) = (claimed.kind.as_str(), &claimed.target);
    tracing::warn!(%tenant, delivery = %claimed.id, kind, target, reason, "a message is given up; it can be sent again");
    let (id, kind, now, reason) = (claimed.id, claimed.kind, ctx.now(), shortened(&reason));
    let written = ctx
        .database
        .write(async move |tx| store::deliveries::given_up(&tx, tenant, &claimed, &reason, now).await)
        .await;
    unwritten(written, tenant, id, kind);
}

/// Gives up what has waited too long for the target of a message: it takes nothing, and what came later would wait for
/// each of them in turn.
async fn give_up_old(ctx: &Ctx, tenant: TenantId, claimed: &Delivery, before: Timestamp, reason: &str) {
    let (kind, target, now, reason) = (claimed.kind, claimed.target.clone(), ctx.now(), shortened(reason));
    let (id, to) = (claimed.id, target.clone());
    let written = ctx
        .database
        .write(async move |tx| {
            let old = ((kind, &*target), before);
            store::deliveries::give_up_old(&tx, tenant, (old, id), &reason, now, GIVEN_UP).await
        })
        .await;
    match written {
        Ok(0) => {}
        Ok(messages) => {
            let (kind, target) = (kind.as_str(), to);
            tracing::warn!(%tenant, kind, target, messages, "a target takes nothing: what has waited too long is given up");
        }
        Err(error) => unwritten(Err(error), tenant, id, kind),
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(LONGEST_REASON).collect()
}

/// What can't be written down is tried again when the claim is over.
fn unwritten(written: Result<(), StoreError>, tenant: TenantId, id: DeliveryId, kind: DeliveryKind) {
    if let Err(error) = written {
        let kind = kind.as_str();
        tracing::warn!(%tenant, delivery = %id, kind, error = %error, "it could not be written down how a message fared");
    }
}
