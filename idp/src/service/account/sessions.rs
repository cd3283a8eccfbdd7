//! Where a person is signed in, and signing out there.

use crate::domain::session::{EndReason, Session};
use crate::domain::{SessionId, TenantId, UserId};
use crate::service::Failure;
use crate::service::ctx::{Caller, Ctx};
use crate::service::sessions::ending::{self, Ended, Ending, Which};
use crate::store;

/// The live session of that id, if it is this person's.
pub async fn session(ctx: &Ctx, tenant: TenantId, user: UserId, id: SessionId) -> Result<Option<Session>, Failure> {
    let found = store::sessions::find_live(ctx.database.read(), tenant, id, ctx.now()).await?;
    Ok(found.filter(|session| session.user_id == user))
}

/// Ends a session of this person on another device; `false` if there is no such session of theirs.
pub async fn sign_out(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    (user, id): (UserId, SessionId),
) -> Result<bool, Failure> {
    if session(ctx, tenant, user, id).await?.is_none() {
        return Ok(false);
    }
    let ending = Ending::new(ctx, Which::One(id), EndReason::Revoked).from(caller);
    Ok(ending::end(ctx, tenant, ending).await?.sessions > 0)
}

/// Ends all sessions of this person but one.
pub async fn sign_out_others(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    user: UserId,
    keep: SessionId,
) -> Result<Ended, Failure> {
    let ending = Ending::new(ctx, Which::Others { user, keep }, EndReason::Revoked).from(caller);
    ending::end(ctx, tenant, ending).await
}
