//! The tenant's own apps: people sign in and up in the app itself, which gets a session with its tokens.
//!
//! What an app gets is an ordinary grant in an ordinary session: it passes the same gates, is refreshed, looked at and
//! ended like any other. Only how it begins and how long it lives is different.

mod apps;
mod grant;

use super::ctx::{Caller, Ctx};
use super::issue;
use super::sessions;
use super::sessions::ending::{self, Ended, Ending, Which};
use super::sign_in::{self, Place, SignInAttempt, SignInError, SignedIn};
use super::sign_up::{self, SignUp, SignUpError};
use super::subject::{LiveSubject, ReadySubject};
use super::token::Tokens;
use super::{Failure, audit};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::Client;
use crate::domain::scope::ScopeSet;
use crate::domain::session::{EndReason, Session};
use crate::domain::sign_up::NewAccount;
use crate::domain::tenant::Tenant;
use crate::domain::user::{LoginName, User};
use crate::domain::{ClientId, Secret, SessionId, TenantId};
use crate::store::{self, StoreError};
use crate::telemetry::metrics::{Operation, TokenKind};

pub use apps::{AppError, USUAL, app, is_own};
pub use grant::AppGrant;

/// What an app has got for somebody.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Who it is.
    pub user: User,
    /// Their session.
    pub session: Session,
    /// Its tokens.
    pub tokens: Tokens,
}

/// Signs somebody in by name and password, in the app of a client.
pub async fn sign_in(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    client: &Client,
    (login, password): (LoginName, Secret),
    scope: &ScopeSet,
) -> Result<Opened, SignInError> {
    let grant = AppGrant::drawn(ctx, tenant, client, scope)?;
    let attempt = SignInAttempt { login, password, client_id: client.id.clone(), place: Place::App(Box::new(grant)) };
    let signed_in = sign_in::sign_in(ctx, tenant, caller, attempt).await?;
    Ok(opened(ctx, tenant, client, signed_in).await?)
}

/// Makes somebody an account and signs them in, in the app of a client.
pub async fn sign_up(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    client: &Client,
    account: NewAccount,
) -> Result<Opened, SignUpError> {
    let grant = AppGrant::drawn(ctx, tenant, client, &client.metadata.scope)?;
    let wanted = SignUp { account, client_id: client.id.clone(), place: Place::App(Box::new(grant)) };
    let signed_in = sign_up::sign_up(ctx, tenant, caller, wanted).await?;
    Ok(opened(ctx, tenant, client, signed_in).await?)
}

async fn opened(ctx: &Ctx, tenant: &Tenant, client: &Client, signed_in: SignedIn) -> Result<Opened, Failure> {
    let SignedIn { session, app, .. } = signed_in;
    let user = store::users::find_by_id(ctx.database.read(), tenant.id, session.user_id).await?;
    let (Some(user), Some(grant)) = (user, app) else { return Err(Failure::Internal) };
    let refresh_token = grant.refresh_token();
    let (access_token, id_token) = issue::user_tokens(ctx, tenant, client, &grant.of(user.clone(), &session)).await?;
    if refresh_token.is_some() {
        ctx.operations.metrics.tokens.count(TokenKind::Refresh);
    }
    Ok(Opened { user, session, tokens: Tokens { access_token, id_token, refresh_token } })
}

/// Notes in the audit log that an app was refused; a wrong password is noted where it is checked.
pub async fn note_refusal(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    app: &ClientId,
    (kind, error): (AuditKind, &str),
) -> Result<(), Failure> {
    Ok(audit::append_refusal(ctx, kind, tenant, caller, app, error).await?)
}

/// Notes that a session is used, if that is worth noting, and gives it back as it is now; `None` if it has ended.
pub async fn active(ctx: &Ctx, tenant: &Tenant, session: SessionId) -> Result<Option<Session>, Failure> {
    let Some(found) = sessions::find(ctx, tenant.id, session).await? else { return Ok(None) };
    sessions::used(ctx, tenant.id, &found).await?;
    sessions::find(ctx, tenant.id, session).await
}

/// Ends one of a person's sessions; `false` if they have none of that id.
pub async fn end_one(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    (subject, session): (&ReadySubject, SessionId),
) -> Result<bool, Failure> {
    let found = sessions::find(ctx, tenant.id, session).await?;
    if found.is_none_or(|found| found.user_id != subject.live.user.id) {
        return Ok(false);
    }
    let ended =
        ending::end(ctx, tenant.id, Ending::new(ctx, Which::One(session), EndReason::Revoked).from(caller)).await?;
    Ok(ended.sessions > 0)
}

/// Ends all of a person's sessions, this one included, and takes back all that they gave to clients.
pub async fn end_all(ctx: &Ctx, tenant: &Tenant, caller: &Caller, subject: &ReadySubject) -> Result<Ended, Failure> {
    let which = Which::OfUser(subject.live.user.id);
    ending::end(ctx, tenant.id, Ending::new(ctx, which, EndReason::Revoked).from(caller)).await
}

/// Ends a person's sessions but the one that asks.
pub async fn end_others(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    (subject, keep): (&ReadySubject, SessionId),
) -> Result<Ended, Failure> {
    let which = Which::Others { user: subject.live.user.id, keep };
    ending::end(ctx, tenant.id, Ending::new(ctx, which, EndReason::Revoked).from(caller)).await
}

/// Signs out by a refresh token of this client. A token that is none, or is over, leaves nothing to do.
pub async fn sign_out(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    client: &Client,
    token: &Secret,
) -> Result<(), Failure> {
    match grant::presented(ctx, tenant.id, client, token).await? {
        Some(live) => leave(ctx, tenant, caller, &live).await,
        None => Ok(()),
    }
}

/// Signs out: the session ends, and what the app has of it, also where that would outlive sessions.
pub async fn leave(ctx: &Ctx, tenant: &Tenant, caller: &Caller, live: &LiveSubject) -> Result<(), Failure> {
    let (tenant_id, grant, now) = (tenant.id, live.grant.id, ctx.now());
    let ending = |session: &Session| Ending::new(ctx, Which::One(session.id), EndReason::SignedOut).from(caller);
    let (ending, inside) = (live.session.as_ref().map(ending), ctx.clone());
    let event = audit::event(ctx, AuditKind::TokenRevoked, Outcome::Success)
        .user(live.user.id)
        .client(&live.grant.client_id)
        .from(caller)
        .detail(serde_json::json!({ "token": "refresh_token" }));
    let left = ctx
        .database
        .write(async move |tx| {
            if let Some(ending) = ending {
                ending::end_in(&inside, &tx, tenant_id, ending).await?;
            }
            if store::grants::revoke(&tx, tenant_id, grant, now).await? {
                tx.record(tenant_id, event);
            }
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error));
    ctx.operations.metrics.operation(Operation::Logout, &left);
    left
}
