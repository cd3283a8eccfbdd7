//! The account console: what people see and do about their own account.
//!
//! Everything here is about the person of a session and takes their id from it. An id that somebody sends is looked up
//! among what is theirs, and is otherwise unknown.

mod password;
mod sessions;

use super::audit::{self, Actor};
use super::ctx::{Caller, Ctx};
use super::sessions::Accounts;
use super::users::{self, UserChangeError};
use super::{Failure, subject};
use crate::domain::account::FRESH;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::Client;
use crate::domain::consent::Standing;
use crate::domain::own_claims::OwnClaims;
use crate::domain::session::Session;
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::domain::{ClientId, TenantId, Timestamp, UserId};
use crate::store;

pub use password::{PasswordChange, PasswordChangeError, change_password};
pub use sessions::{session, sign_out, sign_out_others};

/// An account that is signed in on a browser.
#[derive(Clone, Debug)]
pub struct Member {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub user: User,
}

/// The accounts of a browser whose people may act, the one used last first.
pub async fn members(ctx: &Ctx, tenant: TenantId, accounts: &Accounts) -> Result<Vec<Member>, Failure> {
    let mut members = Vec::new();
    for session in accounts.sessions() {
        let user = store::users::find_by_id(ctx.database.read(), tenant, session.user_id).await?;
        if let Some(user) = user.filter(|user| subject::may_act(user).is_ok()) {
            members.push(Member { session: session.clone(), user });
        }
    }
    Ok(members)
}

/// Notes in the audit log that a form of the console was refused that this person's browser sent: another site may have
/// made it up.
pub async fn note_rejected_form(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    user: Option<UserId>,
) -> Result<(), Failure> {
    let event = audit::event(ctx, AuditKind::AccessRefused, Outcome::Refused).from(caller);
    let event = user.into_iter().fold(event, audit::AuditBuilder::user);
    let reason = "the form doesn't come from a page of the account console that was shown on this browser";
    Ok(audit::append(ctx, tenant, event.detail(serde_json::json!({ "reason": reason }))).await?)
}

/// Whether the person of a session has proved who they are recently enough for what an account hangs on. A proof that
/// lies ahead, after a clock was set back, has no age.
pub fn is_fresh(session: &Session, now: Timestamp) -> bool {
    session.auth_time <= now && now.since(session.auth_time) < FRESH
}

/// Changes a person's own claims to `typed`, given what they were when the person saw them.
///
/// # Errors
/// [`UserChangeError::Stale`] if they were changed since `seen`.
pub async fn change_claims(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    user: &User,
    seen: Option<Timestamp>,
    typed: &OwnClaims,
) -> Result<User, UserChangeError> {
    // Of what was changed since, the patch would know nothing.
    let seen = seen.filter(|seen| *seen == user.updated_at).ok_or(UserChangeError::Stale)?;
    let patch = typed.patch(&OwnClaims::from(&user.profile));
    users::update(ctx, tenant, user.id, Some(seen), &patch, Actor::themselves(caller)).await
}

/// A client that may use a person's account, also when they are away.
#[derive(Clone, Debug)]
pub struct Application {
    /// What it may do.
    pub standing: Standing,
    /// The client, in use or not.
    pub client: Client,
}

/// The clients that may use a person's account, whether the person allowed it or wasn't asked, in order of the clients' ids,
/// from the one after `after`; at most 1,000 at a time. What ends with the session isn't there: that is its devices' matter.
pub async fn applications(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    after: Option<&ClientId>,
    limit: u64,
) -> Result<Vec<Application>, Failure> {
    let db = ctx.database.read();
    let mut applications = Vec::new();
    for standing in store::applications::list(db, tenant, user, after, ctx.now(), limit).await? {
        if let Some(client) = store::clients::find(db, tenant, &standing.client_id, ctx.now()).await? {
            applications.push(Application { standing, client });
        }
    }
    Ok(applications)
}

/// What that client may do with a person's account; `None` if nothing.
pub async fn application(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
) -> Result<Option<Application>, Failure> {
    let db = ctx.database.read();
    let Some(standing) = store::applications::find(db, tenant, user, client, ctx.now()).await? else { return Ok(None) };
    let client = store::clients::find(db, tenant, client, ctx.now()).await?;
    Ok(client.map(|client| Application { standing, client }))
}
