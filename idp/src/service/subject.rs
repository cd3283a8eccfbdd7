//! The one gate for "may this subject get or use a token now": every grant and every use of a user's token passes it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use thiserror::Error;

use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::Ctx;
use super::kept::Kept;
use super::{Failure, subject_identifier};
use crate::domain::grant::Grant;
use crate::domain::scope::ScopeSet;
use crate::domain::session::Session;
use crate::domain::user::{User, UserStatus};
use crate::domain::{GrantId, SessionId, TenantId, Timestamp};
use crate::store::change::Change;
use crate::store::{self, Reader, StoreError};

/// A user who may get tokens, and why.
#[derive(Clone, Debug)]
pub struct LiveSubject {
    /// The user, who is active.
    pub user: User,
    /// The grant, which is live. Of its scope there is what its client may still have.
    pub grant: Grant,
    /// The session that it was given in, while it is live. A grant that outlives its session has none then.
    pub session: Option<Session>,
}

impl LiveSubject {
    fn within(mut self, registered: &ScopeSet) -> Self {
        self.grant.scope = self.grant.scope.intersection(registered);
        self
    }
}

/// Why a subject may not get or use a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SubjectRefused {
    /// The grant is unknown, over or revoked.
    #[error("the grant is over")]
    Grant,
    /// The session has ended.
    #[error("the session has ended")]
    Session,
    /// The user is unknown, disabled or locked.
    #[error("the user may not get tokens")]
    User,
    /// The client is unknown, disabled, or not the one that the grant was for.
    #[error("the client may not use tokens")]
    Client,
}

/// Whether a user may sign in and get tokens.
pub fn may_act(user: &User) -> Result<(), SubjectRefused> {
    match user.status {
        UserStatus::Active => Ok(()),
        UserStatus::Disabled | UserStatus::Locked => Err(SubjectRefused::User),
    }
}

/// The subject of a grant, if it may get and use tokens at `now`, with the scope that its client may still have of those
/// that it is `registered` for: what was taken from a client counts at once, whatever people granted before.
pub async fn live(
    db: &impl Reader,
    tenant: TenantId,
    grant: GrantId,
    registered: &ScopeSet,
    now: Timestamp,
) -> Result<Result<LiveSubject, SubjectRefused>, StoreError> {
    Ok(find(db, tenant, grant, now).await?.map(|subject| subject.within(registered)))
}

/// The subject of a grant, with all that was ever granted: nothing for anybody outside.
async fn find(
    db: &impl Reader,
    tenant: TenantId,
    grant: GrantId,
    now: Timestamp,
) -> Result<Result<LiveSubject, SubjectRefused>, StoreError> {
    let Some((grant, user)) = store::grants::find_live(db, tenant, grant, now).await? else {
        return Ok(Err(SubjectRefused::Grant));
    };
    let session = match grant.session_id {
        None => None,
        Some(session) => match store::sessions::find_live(db, tenant, session, now).await? {
            Some(session) => Some(session),
            None if grant.offline => None,
            None => return Ok(Err(SubjectRefused::Session)),
        },
    };
    let Some(user) = user else { return Ok(Err(SubjectRefused::User)) };
    Ok(may_act(&user).map(|()| LiveSubject { user, grant, session }))
}

/// How many subjects are kept ready.
const CACHED: u64 = 20_000;
/// How long one is kept at most, should the news of its change ever be lost.
const KEPT: Duration = Duration::from_mins(5);

/// Subjects that were asked for, by grant.
#[derive(Clone, Debug)]
pub struct Subjects(Kept<(TenantId, GrantId), Arc<ReadySubject>>);

impl Default for Subjects {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

/// The subject of a grant with all that it depends on, as uses of its tokens need it.
#[derive(Debug)]
pub struct ReadySubject {
    /// The user, the grant and the session.
    pub live: LiveSubject,
    /// The client that it was given to.
    pub client: Arc<ReadyClient>,
    /// The user, as that client knows them.
    pub sub: String,
    /// What userinfo says to a token that may use all that was granted: made when it is first asked for.
    pub userinfo: OnceLock<Bytes>,
}

impl ReadySubject {
    /// Whether its time isn't up. Everything else about it changes only by being changed.
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.live.grant.is_live(now) && self.live.session.as_ref().is_none_or(|session| session.is_live(now))
    }

    /// All that may change about it.
    pub(super) fn made_of(&self, tenant: TenantId) -> Vec<Change> {
        let LiveSubject { user, grant, session } = &self.live;
        let mut of = vec![
            Change::Grant(tenant, grant.id),
            Change::User(tenant, user.id),
            Change::Client(tenant, self.client.id.clone()),
            // Of the tenant there are its issuer and its signatures in what userinfo says.
            Change::Tenant(tenant),
            Change::Keys(tenant),
        ];
        of.extend(session.as_ref().map(|session| Change::Session(tenant, session.id)));
        of
    }

    /// Whether a token of its grant may be used that says this of itself: that it is about this person, and that it was
    /// given in this session. What was given in a session ends with it, also where the grant goes on.
    pub fn admits(&self, sub: Option<&str>, sid: Option<SessionId>) -> bool {
        let session = self.live.session.as_ref().map(|session| session.id);
        sub == Some(self.sub.as_str()) && sid.is_none_or(|sid| session == Some(sid))
    }
}

/// The subject of a grant, if its tokens may be used at `now`. No database when warm; once something about it has
/// changed, here or elsewhere, the database is asked.
pub async fn ready(
    ctx: &Ctx,
    tenant: TenantId,
    grant: GrantId,
    now: Timestamp,
) -> Result<Result<Arc<ReadySubject>, SubjectRefused>, Failure> {
    let kept = ctx.subjects.0.get(&ctx.database, &(tenant, grant)).await;
    match kept.filter(|subject| subject.is_live(now)) {
        Some(subject) => Ok(Ok(subject)),
        None => read(ctx, tenant, grant, now).await,
    }
}

/// The same as the database has it now: what is kept doesn't learn that its session was used, unless it is read anew.
pub async fn read(
    ctx: &Ctx,
    tenant: TenantId,
    grant: GrantId,
    now: Timestamp,
) -> Result<Result<Arc<ReadySubject>, SubjectRefused>, Failure> {
    let (database, key) = (&ctx.database, (tenant, grant));
    let lookup = database.changes().begin();
    let live = match find(database.read(), tenant, grant, now).await? {
        Ok(found) => found,
        Err(refused) => return Ok(Err(refused)),
    };
    let client = match clients::active(ctx, tenant, &live.grant.client_id).await {
        // A client that was deleted and made anew under the same name isn't the one that the grant was for.
        Ok(client) if client.created_at <= live.grant.created_at => client,
        Ok(_) | Err(ClientLookupError::Unknown) => return Ok(Err(SubjectRefused::Client)),
        Err(ClientLookupError::Failure(failure)) => return Err(failure),
    };
    let sub = subject_identifier::of(ctx, tenant, &client, live.user.id).await?;
    let live = live.within(&client.metadata.scope);
    let subject = Arc::new(ReadySubject { live, client, sub, userinfo: OnceLock::new() });
    let of = subject.made_of(tenant);
    ctx.subjects.0.keep(database, lookup, &of, key, Arc::clone(&subject)).await;
    Ok(Ok(subject))
}
