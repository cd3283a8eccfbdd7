//! Sessions: found by the browser's cookie, made and limited ([`policy`]), noted as used, and ended
//! ([`ending`]).

pub mod ending;
pub mod policy;

use super::ctx::Ctx;
use super::{Failure, events};
use crate::domain::event::EventType;
use crate::domain::session::{Session, SessionSecret};
use crate::domain::{SessionId, TenantId, Timestamp, UserId};
pub use crate::store::sessions::SessionFilter;
use crate::store::{self, StoreError, Tx};

/// How often in its longest rest a session's use is noted: noting each would cost a write.
const TOUCHES: u32 = 100;

/// The accounts that are signed in on a browser, the one used last first: one session a person.
#[derive(Clone, Debug, Default)]
pub struct Accounts(Vec<Account>);

#[derive(Clone, Debug)]
struct Account {
    session: Session,
    secret: SessionSecret,
}

impl Accounts {
    /// The most accounts on one browser.
    pub const MOST: usize = 5;

    /// Their sessions.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.0.iter().map(|account| &account.session)
    }

    /// What opens them: what the browser's cookie holds.
    pub fn secrets(&self) -> impl Iterator<Item = &SessionSecret> {
        self.0.iter().map(|account| &account.secret)
    }

    /// The session of that id, if it is one of these.
    pub fn of_session(&self, id: SessionId) -> Option<&Session> {
        self.sessions().find(|session| session.id == id)
    }

    /// The session of that person.
    pub fn of_user(&self, user: UserId) -> Option<&Session> {
        self.sessions().find(|session| session.user_id == user)
    }

    /// What opens that session.
    pub fn secret_of(&self, id: SessionId) -> Option<&SessionSecret> {
        self.0.iter().find(|account| account.session.id == id).map(|account| &account.secret)
    }

    /// Whether nobody is signed in.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The session that has to go when another account is added: the one that wasn't used for longest.
    pub fn supernumerary(&self) -> Option<&Session> {
        self.0.get(Self::MOST - 1).map(|account| &account.session)
    }

    /// The same with this account first, in the place of what the person had.
    #[must_use]
    pub fn with_first(&self, session: Session, secret: SessionSecret) -> Self {
        let others = self.0.iter().filter(|account| account.session.user_id != session.user_id).cloned();
        let others: Vec<Account> = others.take(Self::MOST - 1).collect();
        Self(std::iter::once(Account { session, secret }).chain(others).collect())
    }

    /// The same with the account of that session first.
    #[must_use]
    pub fn with_latest(&self, id: SessionId) -> Self {
        let mut accounts = self.0.clone();
        accounts.sort_by_key(|account| account.session.id != id);
        Self(accounts)
    }

    /// The same without the account of that session.
    #[must_use]
    pub fn without(&self, id: SessionId) -> Self {
        Self(self.0.iter().filter(|account| account.session.id != id).cloned().collect())
    }
}

/// The live sessions that a browser's cookie opens.
pub async fn opened_by(ctx: &Ctx, tenant: TenantId, secrets: Vec<SessionSecret>) -> Result<Accounts, Failure> {
    let mut accounts = Vec::with_capacity(secrets.len().min(Accounts::MOST));
    for secret in secrets.into_iter().take(Accounts::MOST) {
        if let Some(session) = opened_by_one(ctx, tenant, &secret).await? {
            let known = |account: &Account| account.session.user_id == session.user_id;
            if !accounts.iter().any(known) {
                accounts.push(Account { session, secret });
            }
        }
    }
    Ok(Accounts(accounts))
}

async fn opened_by_one(ctx: &Ctx, tenant: TenantId, secret: &SessionSecret) -> Result<Option<Session>, Failure> {
    let (hash, now) = (secret.0.sha256(), ctx.now());
    let found = store::sessions::find_by_secret_hash(ctx.database.read(), tenant, &hash, now).await?;
    if let Some(session) = &found {
        used(ctx, tenant, session).await?;
    }
    Ok(found)
}

/// Notes that a session was used just now, if that is worth noting.
pub async fn used(ctx: &Ctx, tenant: TenantId, session: &Session) -> Result<(), Failure> {
    let now = ctx.now();
    if !is_worth_noting(session, now) {
        return Ok(());
    }
    let (inside, session) = (ctx.clone(), session.clone());
    ctx.database
        .write(async move |tx| used_in(&inside, &tx, tenant, &session, now).await)
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(())
}

/// The same in a transaction of a change that is a use of the session.
pub async fn used_in(
    ctx: &Ctx,
    tx: &Tx,
    tenant: TenantId,
    session: &Session,
    now: Timestamp,
) -> Result<(), StoreError> {
    if is_worth_noting(session, now) && store::sessions::touch(tx, tenant, session.id, now).await? {
        let told = events::of(ctx, EventType::SessionActivityUpdated).user(session.user_id).session(session.id);
        tx.record(tenant, told);
    }
    Ok(())
}

/// Whether a use of a session is worth noting.
pub fn is_worth_noting(session: &Session, now: Timestamp) -> bool {
    now.since(session.last_seen_at) >= session.idle_timeout / TOUCHES
}

/// Live sessions, the newest first, from the one after `after`; at most 1,000 at a time.
pub async fn list(
    ctx: &Ctx,
    tenant: TenantId,
    filter: &SessionFilter,
    after: Option<SessionId>,
    limit: u64,
) -> Result<Vec<Session>, Failure> {
    Ok(store::sessions::list(ctx.database.read(), tenant, filter, after, ctx.now(), limit).await?)
}

/// A part of a person's live sessions: the one that they ask from, then the others, the newest first. It begins after
/// `after`; at most 1,000 at a time.
pub async fn of_person(
    ctx: &Ctx,
    tenant: TenantId,
    asking: &Session,
    after: Option<SessionId>,
    limit: u64,
) -> Result<Vec<Session>, Failure> {
    let others = SessionFilter { user: Some(asking.user_id), except: Some(asking.id), ..SessionFilter::default() };
    let Some(after) = after else {
        // As it is now: what the caller has doesn't know when it was last used.
        let asking = find(ctx, tenant, asking.id).await?;
        let room = limit.saturating_sub(u64::from(asking.is_some()));
        let others = list(ctx, tenant, &others, None, room).await?;
        return Ok(asking.into_iter().chain(others).collect());
    };
    // After the one that comes first come all others, also those that are newer.
    let after = Some(after).filter(|after| *after != asking.id);
    list(ctx, tenant, &others, after, limit).await
}

/// The session of that id, if it is live.
pub async fn find(ctx: &Ctx, tenant: TenantId, id: SessionId) -> Result<Option<Session>, Failure> {
    Ok(store::sessions::find_live(ctx.database.read(), tenant, id, ctx.now()).await?)
}
