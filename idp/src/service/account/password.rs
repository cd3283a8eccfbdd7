//! A new password, chosen by the person whose it is.
//!
//! The old one is asked for, and wrong ones count as wrong ones at sign-in do: who came by an open browser is no nearer
//! to the account. All that was signed in elsewhere ends; this browser stays signed in, under another secret.

use thiserror::Error;

use super::{Member, is_fresh};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::password::PasswordError;
use crate::domain::session::{EndReason, Session, SessionSecret};
use crate::domain::sign_in_limit::Attempt;
use crate::domain::tenant::Tenant;
use crate::domain::user::LoginName;
use crate::domain::{Secret, Timestamp};
use crate::service::ctx::{Caller, Ctx};
use crate::service::password_hasher::PasswordCheck;
use crate::service::sessions::Accounts;
use crate::service::sessions::ending::{self, Ending, Which};
use crate::service::sign_in::Limits;
use crate::service::{Failure, audit, events, subject, users};
use crate::store::{self, StoreError};

/// What the person typed.
#[derive(Clone, Debug)]
pub struct PasswordChange {
    /// The password that they have.
    pub current: Secret,
    /// The one that they want.
    pub new: Secret,
}

/// Why a password isn't changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PasswordChangeError {
    /// The person signed in too long ago, or is signed out by now.
    #[error("the person must sign in again first")]
    SignIn,
    /// The current password is wrong, or was changed at this moment.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Too many failures for this account, or from this address.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the next attempt counts anew.
        until: Timestamp,
    },
    /// The new password isn't taken.
    #[error(transparent)]
    Rejected(#[from] PasswordError),
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for PasswordChangeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

fn allowed(attempt: Attempt) -> Result<(), PasswordChangeError> {
    match attempt {
        Attempt::Allowed => Ok(()),
        Attempt::Blocked { until } => Err(PasswordChangeError::TooManyAttempts { until }),
    }
}

/// Gives a person the password that they chose. The answer is what the browser's cookie is to hold from now on.
pub async fn change_password(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    (me, accounts): (&Member, &Accounts),
    change: PasswordChange,
) -> Result<Accounts, PasswordChangeError> {
    let Member { session, user } = me;
    let former = accounts.secret_of(session.id).map(|secret| secret.0.sha256());
    let former = former.filter(|_| is_fresh(session, ctx.now())).ok_or(PasswordChangeError::SignIn)?;
    users::check_new_password(tenant, user, &change.new)?;
    let limits = Limits::of_sign_in(ctx, caller, &LoginName::new(&user.login()));
    if let Err(blocked) = allowed(limits.check(ctx.database.read(), tenant.id, ctx.now()).await?) {
        audit::append(ctx, tenant.id, refusal(ctx, caller, me, "too_many_attempts")).await?;
        return Err(blocked);
    }
    let phc = store::users::password_hash(ctx.database.read(), tenant.id, user.id).await?;
    let stored = phc.as_ref().map(|phc| phc.expose().to_owned());
    let check = ctx.passwords.check(change.current, stored).await.map_err(Failure::from)?;
    let Some(phc) = phc.filter(|_| check != PasswordCheck::Wrong) else {
        return Err(refused(ctx, tenant, caller, me, limits).await);
    };
    let next = ctx.passwords.hash(change.new, ctx.random.bytes()).await.map_err(Failure::from)?;
    let next = Secret::new(next);

    let now = ctx.now();
    let secret = SessionSecret(ctx.random.secret());
    let renewed = Session {
        auth_time: now,
        user_agent: caller.user_agent.clone(),
        address: Some(caller.address.to_string()),
        last_seen_at: now,
        ..session.clone()
    };
    let others = Which::Others { user: user.id, keep: session.id };
    let ending = Ending::new(ctx, others, EndReason::PasswordChanged).from(caller);
    let told = events::of(ctx, EventType::UserPasswordChanged).user(user.id).session(session.id).from(caller);
    let event = audit::event(ctx, AuditKind::PasswordChanged, Outcome::Success).user(user.id).from(caller);
    let (tenant, inside, row, hash) = (tenant.id, ctx.clone(), renewed.clone(), secret.0.sha256());
    ctx.database
        .write(async move |tx| {
            allowed(limits.check(&tx, tenant, now).await?)?;
            // The check took its time. These lock the rows before they are looked at, in the order in which a sign-in
            // does: what was begun with the old password at this moment comes before, and ends, or after, and fails.
            store::users::touch(&tx, tenant, row.user_id, now).await?;
            if !store::users::swap_password_hash(&tx, tenant, row.user_id, &phc, &next, now).await? {
                return Err(PasswordChangeError::WrongPassword);
            }
            let user = store::users::find_by_id(&tx, tenant, row.user_id).await?;
            let may_act = user.is_some_and(|user| subject::may_act(&user).is_ok());
            if !may_act || !store::sessions::renew(&tx, tenant, &row, (&former, &hash), now).await? {
                return Err(PasswordChangeError::SignIn);
            }
            limits.forgive(&tx, tenant).await?;
            ending::end_in(&inside, &tx, tenant, ending).await?;
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok(())
        })
        .await?;
    Ok(accounts.with_first(renewed, secret))
}

fn refusal(ctx: &Ctx, caller: &Caller, me: &Member, reason: &str) -> audit::AuditBuilder {
    let event = audit::event(ctx, AuditKind::PasswordChanged, Outcome::Refused).user(me.user.id).from(caller);
    event.detail(serde_json::json!({ "reason": reason }))
}

/// Counts a wrong password.
async fn refused(ctx: &Ctx, tenant: &Tenant, caller: &Caller, me: &Member, limits: Limits) -> PasswordChangeError {
    let (tenant, now) = (tenant.id, ctx.now());
    let event = refusal(ctx, caller, me, "wrong_password");
    let counted = ctx
        .database
        .write(async move |tx| {
            tx.record(tenant, event);
            limits.count(&tx, tenant, now).await
        })
        .await;
    match counted {
        Ok(Attempt::Allowed) => PasswordChangeError::WrongPassword,
        Ok(Attempt::Blocked { until }) => PasswordChangeError::TooManyAttempts { until },
        Err(error) => PasswordChangeError::from(error),
    }
}
