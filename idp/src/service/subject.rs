//! The one gate for "may this subject get or use a token now": every grant and every use of a user's token passes it.

use thiserror::Error;

use crate::domain::grant::Grant;
use crate::domain::session::Session;
use crate::domain::user::{User, UserStatus};
use crate::domain::{GrantId, TenantId, Timestamp};
use crate::store::{self, Connection, StoreError};

/// A user who may get tokens, and why.
#[derive(Clone, Debug)]
pub struct LiveSubject {
    /// The user, who is active.
    pub user: User,
    /// The grant, which is live.
    pub grant: Grant,
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
}

/// Whether a user may sign in and get tokens.
pub fn may_act(user: &User) -> Result<(), SubjectRefused> {
    match user.status {
        UserStatus::Active => Ok(()),
        UserStatus::Disabled | UserStatus::Locked => Err(SubjectRefused::User),
    }
}

/// The subject of a grant, if it may get and use tokens at `now`.
pub async fn live(
    db: &impl Connection,
    tenant: TenantId,
    grant: GrantId,
    now: Timestamp,
) -> Result<Result<LiveSubject, SubjectRefused>, StoreError> {
    let Some(grant) = store::grants::find(db, tenant, grant).await?.filter(|grant| grant.is_live(now)) else {
        return Ok(Err(SubjectRefused::Grant));
    };
    if let Some(session) = grant.session_id {
        let session = store::sessions::find_by_id(db, tenant, session).await?;
        if !session.is_some_and(|session: Session| session.is_live(now)) {
            return Ok(Err(SubjectRefused::Session));
        }
    }
    let Some(user) = store::users::find_by_id(db, tenant, grant.user_id).await? else {
        return Ok(Err(SubjectRefused::User));
    };
    Ok(may_act(&user).map(|()| LiveSubject { user, grant }))
}
