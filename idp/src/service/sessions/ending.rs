//! Ending sessions: the one place that does, whoever wants it and however many there are.
//!
//! What was given in a session ends with it. Grants that outlive their session (`offline_access`) live on, unless
//! the reason or the extent says otherwise: all of a person's, all of a tenant's, a changed password. Whoever has to hear
//! of it is told in the same transaction, by [`tell`].
//!
//! A person's sessions are ended in the caller's transaction, a batch of rows at a time. A tenant or a client may have
//! millions: there one row says until when what began is over ([`store::sweeps`]), which holds at the very next check,
//! and the rows are swept up after it, a transaction a batch, by whoever gets to it first.
//!
//! Decided against ending a tenant's sessions in one statement: it would hold SQLite's one writer for seconds.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::ids::SweepId;
use crate::domain::session::{EndReason, Session};
use crate::domain::{ClientId, SessionId, TenantId, Timestamp, UserId};
use crate::service::audit::{self, Actor};
use crate::service::ctx::{Caller, Ctx};
use crate::service::events::{self, EventBuilder};
use crate::service::{Failure, backchannel_logout};
use crate::store::sweeps::Sweep;
use crate::store::{self, StoreError, Tx};
use crate::telemetry::metrics::Operation;

/// How many sessions are ended at a time.
const BATCH: u64 = 100;
/// How many grants are swept up at a time.
const GRANTS: u64 = 1000;
/// How many batches are swept up before an answer; the rest is for the background.
const AT_ONCE: usize = 5;
/// The most ended sessions that are named to the caller, who may have to visit their clients.
const NAMED: usize = 100;

/// Which sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// A person's, but for one.
    Others {
        /// The person.
        user: UserId,
        /// The one that stays.
        keep: SessionId,
    },
    /// All of a person, and all that they ever gave.
    OfUser(UserId),
    /// What a client was given, in whatever session; the sessions go on.
    OfClient(ClientId),
    /// All of the tenant, and all tokens.
    OfTenant,
}

/// An end that is to be made.
#[derive(Clone, Debug)]
pub struct Ending {
    /// Of which sessions.
    pub which: Which,
    /// Why.
    pub reason: EndReason,
    /// When.
    pub at: Timestamp,
    event: audit::AuditBuilder,
    /// What others are told of all of them together.
    told: EventBuilder,
}

impl Ending {
    /// Ends these sessions now.
    pub fn new(ctx: &Ctx, which: Which, reason: EndReason) -> Self {
        let kind = if matches!(which, Which::One(_)) { AuditKind::SessionEnded } else { AuditKind::SessionsEnded };
        let event = audit::event(ctx, kind, Outcome::Success);
        Self { which, reason, at: ctx.now(), event, told: events::of(ctx, EventType::SessionsBulkTerminated) }
    }

    /// Who wants it, if not the person.
    #[must_use]
    pub fn by(self, actor: impl Into<Actor>) -> Self {
        let actor = actor.into();
        Self { event: self.event.by(&actor), told: self.told.by(&actor), ..self }
    }

    /// Where that came from.
    #[must_use]
    pub fn from(self, caller: &Caller) -> Self {
        Self { event: self.event.from(caller), told: self.told.from(caller), ..self }
    }
}

/// A session that has just ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedSession {
    /// The session.
    pub session: Session,
    /// Who had got something in it.
    pub clients: Vec<ClientId>,
}

/// What has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// The first hundred sessions.
    pub named: Vec<EndedSession>,
    /// How many sessions.
    pub sessions: u64,
    /// How many grants.
    pub grants: u64,
    /// What has ended beside that and is written down later.
    pub left: Option<Sweep>,
}

impl Ended {
    fn add(&mut self, ended: Vec<EndedSession>) {
        self.sessions += ended.len() as u64;
        let room = NAMED.saturating_sub(self.named.len());
        self.named.extend(ended.into_iter().take(room));
    }
}

/// Ends sessions in a transaction of its own, because somebody wants just that.
pub async fn end(ctx: &Ctx, tenant: TenantId, ending: Ending) -> Result<Ended, Failure> {
    // Where a client loses what it was given, nobody is signed out.
    let signs_out = !matches!(ending.which, Which::OfClient(_));
    let result = end_now(ctx, tenant, ending).await;
    if signs_out {
        ctx.operations.metrics.operation(Operation::Logout, &result);
    }
    result
}

async fn end_now(ctx: &Ctx, tenant: TenantId, ending: Ending) -> Result<Ended, Failure> {
    let inside = ctx.clone();
    let mut ended: Ended = ctx
        .database
        .write(async move |tx| end_in(&inside, &tx, tenant, ending).await)
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    for _ in 0..AT_ONCE {
        let Some(sweep) = ended.left.take() else { break };
        if !sweep_batch(ctx, tenant, sweep.clone(), &mut ended).await? {
            ended.left = Some(sweep);
        }
    }
    Ok(ended)
}

/// Ends sessions in the transaction of a change that ends them.
///
/// # Errors
/// [`StoreError`]; the transaction is to be given up then.
pub async fn end_in(ctx: &Ctx, tx: &Tx, tenant: TenantId, ending: Ending) -> Result<Ended, StoreError> {
    let mut ended = Ended::default();
    match &ending.which {
        Which::One(session) => {
            end_rows(ctx, tx, tenant, &ending, store::sessions::Ending::One(*session), &mut ended).await?;
        }
        Which::Others { user, keep } => {
            let others = store::sessions::Ending::Others { user: *user, keep: *keep };
            end_rows(ctx, tx, tenant, &ending, others, &mut ended).await?;
            if ending.reason == EndReason::PasswordChanged {
                ended.grants += store::grants::revoke_of_user_but(tx, tenant, *user, *keep, ending.at).await?;
            }
        }
        Which::OfUser(user) => {
            end_rows(ctx, tx, tenant, &ending, store::sessions::Ending::OfUser(*user), &mut ended).await?;
            ended.grants += store::grants::revoke_of_user(tx, tenant, *user, ending.at).await?;
        }
        Which::OfClient(_) | Which::OfTenant => {
            let client_id = match &ending.which {
                Which::OfClient(client) => Some(client.clone()),
                Which::One(_) | Which::Others { .. } | Which::OfUser(_) | Which::OfTenant => None,
            };
            let id = SweepId::from_uuid(ctx.random.uuid_v7(ending.at));
            let (actor, address) = ending.told.origin();
            let sweep = Sweep { id, client_id, reason: ending.reason, until: ending.at, actor, address };
            ended.left = store::sweeps::begin(tx, tenant, sweep).await?;
        }
    }
    record_bulk(tx, tenant, &ending, &ended);
    if let Some(event) = event(ending, &ended) {
        tx.record(tenant, event);
    }
    Ok(ended)
}

/// Ends rows a batch at a time, and tells of each batch, until none is left.
async fn end_rows(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    ending: &Ending,
    rows: store::sessions::Ending,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    while end_batch(ctx, tx, tenant, (ending.reason, ending.at, &ending.told), rows, ended).await? {}
    Ok(())
}

/// Ends a batch of rows with what was given in them; `false` if none was left.
async fn end_batch(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    (reason, at, told): (EndReason, Timestamp, &EventBuilder),
    rows: store::sessions::Ending,
    ended: &mut Ended,
) -> Result<bool, StoreError> {
    let Some(sessions) = store::sessions::end(tx, tenant, rows, at, BATCH).await? else { return Ok(false) };
    let one = matches!(rows, store::sessions::Ending::One(_));
    end_with(ctx, tx, tenant, (reason, at, told, one), sessions, ended).await?;
    Ok(true)
}

/// Ends what was given in sessions that have just ended, and tells of them.
async fn end_with(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    (reason, at, told, one): (EndReason, Timestamp, &EventBuilder, bool),
    sessions: Vec<Session>,
    ended: &mut Ended,
) -> Result<(), StoreError> {
    let ids: Vec<SessionId> = sessions.iter().map(|session| session.id).collect();
    let mut clients = store::grants::clients_of_sessions(tx, tenant, &ids).await?;
    ended.grants += store::grants::revoke_with_sessions(tx, tenant, &ids, at).await?;
    let with_clients = |session: Session| {
        let theirs = clients.extract_if(.., |(id, _)| *id == session.id).map(|(_, client)| client).collect();
        EndedSession { session, clients: theirs }
    };
    let batch: Vec<EndedSession> = sessions.into_iter().map(with_clients).collect();
    tell(ctx, tx, tenant, (reason, told, one), &batch).await?;
    let (metrics, count) = (Arc::clone(&ctx.operations.metrics), batch.len() as u64);
    tx.on_commit(move || metrics.endings.add(reason, count));
    ended.add(batch);
    Ok(())
}

/// Tells whoever has to hear that sessions ended, in the transaction that ended them.
async fn tell(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    (reason, told, one): (EndReason, &EventBuilder, bool),
    ended: &[EndedSession],
) -> Result<(), StoreError> {
    let mut over = Vec::with_capacity(ended.len());
    for EndedSession { session, clients } in ended {
        let tell = |kind| told.another(ctx, kind).user(session.user_id).session(session.id);
        if reason == EndReason::SignedOut {
            tx.record(tenant, tell(EventType::UserLogout));
        }
        tx.record(tenant, tell(EventType::SessionTerminated).with("reason", reason.as_str()));
        if one && reason == EndReason::Revoked {
            tx.record(tenant, tell(EventType::SessionDeleted));
        }
        tracing::debug!(%tenant, session = %session.id, reason = reason.as_str(), clients = clients.len(), "session ended");
        over.push((session.id, session.user_id, clients.as_slice()));
    }
    backchannel_logout::tell(ctx, tx, tenant, &over, ctx.now()).await
}

/// Records the event that several sessions ended together, in addition to the event of each of them.
fn record_bulk(tx: &Tx, tenant: TenantId, ending: &Ending, ended: &Ended) {
    let told = ending.told.clone().with("reason", ending.reason.as_str());
    let told = match &ending.which {
        Which::Others { user, .. } | Which::OfUser(user) => {
            (ended.sessions > 0).then(|| told.user(*user).with("count", ended.sessions))
        }
        Which::OfTenant => ended.left.as_ref().map(|_| told),
        // Of one session it is told by itself, and where a client loses what it was given, sessions go on.
        Which::One(_) | Which::OfClient(_) => None,
    };
    if let Some(event) = told {
        tx.record(tenant, event);
    }
}

/// What the audit log says; nothing where nothing ended.
fn event(ending: Ending, ended: &Ended) -> Option<audit::AuditBuilder> {
    let Ending { which, reason, event, .. } = ending;
    let reason = reason.as_str();
    let counted = serde_json::json!({ "reason": reason, "sessions": ended.sessions, "grants": ended.grants });
    match which {
        Which::One(id) => {
            let EndedSession { session, .. } = ended.named.first()?;
            let detail = serde_json::json!({ "reason": reason, "sid": id, "grants": ended.grants });
            Some(event.user(session.user_id).detail(detail))
        }
        Which::Others { user, .. } | Which::OfUser(user) => {
            (ended.sessions + ended.grants > 0).then(|| event.user(user).detail(counted))
        }
        Which::OfClient(client) => {
            ended.left.as_ref().map(|_| event.client(&client).detail(serde_json::json!({ "reason": reason })))
        }
        Which::OfTenant => ended.left.as_ref().map(|_| event.detail(serde_json::json!({ "reason": reason }))),
    }
}

/// Writes down which sessions are over by themselves, for they rested for too long or lived for long enough, until none
/// is left. Nothing counts in them any more, whether or not this was done; but who has to hear of an end hears of it
/// here. The audit log has no line of it: nobody did anything.
pub async fn lapse(ctx: &Ctx) -> Result<(), Failure> {
    loop {
        let lapsed = store::sessions::lapsed(ctx.database.read(), ctx.now(), BATCH).await?;
        if lapsed.is_empty() {
            return Ok(());
        }
        let mut by_tenant: HashMap<TenantId, Vec<SessionId>> = HashMap::new();
        for (tenant, id) in lapsed {
            by_tenant.entry(tenant).or_default().push(id);
        }
        for (tenant, ids) in by_tenant {
            lapse_batch(ctx, tenant, ids).await?;
        }
        tokio::task::yield_now().await;
    }
}

async fn lapse_batch(ctx: &Ctx, tenant: TenantId, ids: Vec<SessionId>) -> Result<(), Failure> {
    let (inside, now) = (ctx.clone(), ctx.now());
    ctx.database
        .write(async move |tx| {
            let sessions = store::sessions::lapse(&tx, tenant, &ids, now).await?;
            let told = events::of(&inside, EventType::SessionTerminated).by(Actor::signet());
            for reason in [EndReason::Idle, EndReason::Expired] {
                let theirs: Vec<Session> =
                    sessions.iter().filter(|session| session.ends_by_itself() == reason).cloned().collect();
                if !theirs.is_empty() {
                    let why = (reason, now, &told, false);
                    end_with(&inside, &tx, tenant, why, theirs, &mut Ended::default()).await?;
                }
            }
            Ok(())
        })
        .await
        .map_err(|error: StoreError| error.into())
}

/// Writes down what was ended all at once, until nothing is left of it: a batch of each in turn, so that nobody's waits for
/// a million of somebody else's. One that can't be done keeps no other from it.
pub async fn sweep(ctx: &Ctx) -> Result<(), Failure> {
    loop {
        let left = store::sweeps::left(ctx.database.read()).await?;
        let (all, mut failed) = (left.len(), 0);
        for (tenant, sweep) in left {
            let swept = match sweep {
                Ok(sweep) => sweep_batch(ctx, tenant, sweep, &mut Ended::default()).await,
                Err(error) => Err(error.into()),
            };
            if let Err(error) = swept {
                failed += 1;
                tracing::warn!(%tenant, error = %error, "what was ended at once can't be written down; it will be next time");
            }
            tokio::task::yield_now().await;
        }
        if failed == all {
            return Ok(());
        }
    }
}

/// Writes down a batch of what was ended at once; `true` if that was all.
async fn sweep_batch(ctx: &Ctx, tenant: TenantId, sweep: Sweep, ended: &mut Ended) -> Result<bool, Failure> {
    let (inside, now) = (ctx.clone(), ctx.now());
    let (batch, done) = ctx
        .database
        .write(async move |tx| {
            let mut batch = Ended::default();
            let rows = store::sessions::Ending::Until(sweep.until);
            let client = sweep.client_id.as_ref();
            let who = Actor::new(sweep.actor, sweep.address);
            let told = events::of(&inside, EventType::SessionTerminated).by(who);
            let why = (sweep.reason, now, &told);
            if client.is_none() && end_batch(&inside, &tx, tenant, why, rows, &mut batch).await? {
                return Ok((batch, false));
            }
            batch.grants += store::grants::revoke_until(&tx, tenant, client, sweep.until, now, GRANTS).await?;
            let done = batch.grants == 0;
            if done {
                store::sweeps::finish(&tx, tenant, sweep.id).await?;
            }
            Ok((batch, done))
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    ended.grants += batch.grants;
    ended.sessions += batch.sessions;
    let room = NAMED.saturating_sub(ended.named.len());
    ended.named.extend(batch.named.into_iter().take(room));
    Ok(done)
}
