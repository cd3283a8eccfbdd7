//! Sign-in by password.
//!
//! Nothing tells who exists: an unknown name costs the same hash, counts against the same limits and gets the same
//! answer as a wrong password or a disabled account. Limits are decided in the transaction that ends an attempt: of any
//! number of parallel guesses as many as the limit learn something, and a right password among the rest learns nothing.
//! Successes count against nobody, so that an office behind one address can sign in.

mod beginning;
mod limits;

use thiserror::Error;
use tokio::time::Instant;

use super::ctx::{Caller, Ctx};
use super::password_hasher::{PasswordCheck, PasswordHasherError};
use super::{Failure, audit, subject};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::sign_in_limit::Attempt;
use crate::domain::tenant::Tenant;
use crate::domain::user::{LoginName, User};
use crate::domain::{ClientId, Secret, TenantId, Timestamp, UserId};
use crate::store::{self, StoreError};
use crate::telemetry::metrics::Operation;

pub use beginning::{Place, SignedIn};

pub(super) use beginning::Beginning;
pub(super) use limits::Limits;

/// What a person typed, and where.
#[derive(Clone, Debug)]
pub struct SignInAttempt {
    /// E-mail address or user name.
    pub login: LoginName,
    /// Password.
    pub password: Secret,
    /// The client that they sign in for.
    pub client_id: ClientId,
    /// Where they sign in.
    pub place: Place,
}

/// Why a person isn't signed in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignInError {
    /// Name or password are wrong, or the account may not sign in: outside, that is the same.
    #[error("the name or the password is wrong")]
    BadCredentials,
    /// Too many failures with this name, or from this address.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the next attempt counts anew.
        until: Timestamp,
    },
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Signs a person in.
pub async fn sign_in(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    attempt: SignInAttempt,
) -> Result<SignedIn, SignInError> {
    let result = try_to_sign_in(ctx, tenant, caller, attempt).await;
    ctx.operations.metrics.operation(Operation::Login, &result);
    result
}

async fn try_to_sign_in(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    attempt: SignInAttempt,
) -> Result<SignedIn, SignInError> {
    let began = Instant::now();
    let limits = Limits::of_sign_in(ctx, caller, &attempt.login);
    if let Err(refusal) = allowed(limits.check(ctx.database.read(), tenant.id, ctx.now()).await?) {
        return Err(note_refusal(ctx, tenant.id, caller, (&attempt.client_id, None), refusal).await);
    }
    let found = store::users::find_by_login_with_password(ctx.database.read(), tenant.id, &attempt.login).await?;
    let (user, phc) = match found {
        Some((user, phc)) => (Some(user), phc),
        None => (None, None),
    };
    let stored = phc.as_ref().map(|phc| phc.expose().to_owned());
    let check = ctx.passwords.check(attempt.password.clone(), stored).await.map_err(Failure::from)?;
    let known = user.as_ref().map(|user| user.id);
    let user = user.filter(|user| check != PasswordCheck::Wrong && subject::may_act(user).is_ok());
    match user.zip(phc) {
        None => {
            let refusal = fail(ctx, tenant.id, caller, attempt, limits, known).await;
            tokio::time::sleep_until(began + ctx.config.sign_in.refusal_time).await;
            Err(refusal)
        }
        Some((user, phc)) => {
            let renewed = match check {
                PasswordCheck::RightButOutdated => renewed_hash(ctx, attempt.password.clone()).await,
                PasswordCheck::Right | PasswordCheck::Wrong => None,
            };
            let proof = Proof { user, next: renewed.unwrap_or_else(|| phc.clone()), phc };
            let (client, known) = (attempt.client_id.clone(), proof.user.id);
            match begin_session(ctx, tenant, caller, attempt, proof, limits).await {
                Ok(signed_in) => Ok(signed_in),
                Err(refusal) => Err(note_refusal(ctx, tenant.id, caller, (&client, Some(known)), refusal).await),
            }
        }
    }
}

fn allowed(attempt: Attempt) -> Result<(), SignInError> {
    match attempt {
        Attempt::Allowed => Ok(()),
        Attempt::Blocked { until } => Err(SignInError::TooManyAttempts { until }),
    }
}

/// Notes in the audit log that an attempt was refused that isn't counted: because of those before it, or because of what
/// was changed while the password was being checked.
async fn note_refusal(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    (client, known): (&ClientId, Option<UserId>),
    refusal: SignInError,
) -> SignInError {
    if matches!(refusal, SignInError::Failure(_)) {
        return refusal;
    }
    let event = audit::event(ctx, AuditKind::SignIn, Outcome::Refused)
        .client(client)
        .from(caller)
        .detail(serde_json::json!({ "amr": ["pwd"], "reason": refusal.to_string() }));
    let event = known.into_iter().fold(event, audit::AuditBuilder::user);
    match audit::append(ctx, tenant, event).await {
        Ok(()) => refusal,
        Err(error) => error.into(),
    }
}

/// Who proved themselves, and by what.
struct Proof {
    user: User,
    /// The hash that their password was held against.
    phc: Secret,
    /// The one that takes its place: the same, unless today's parameters are others.
    next: Secret,
}

async fn fail(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    attempt: SignInAttempt,
    limits: Limits,
    known: Option<UserId>,
) -> SignInError {
    let now = ctx.now();
    let event = audit::event(ctx, AuditKind::SignIn, Outcome::Refused).client(&attempt.client_id).from(caller);
    // Nobody's name may be somebody's password, typed into the wrong field: it isn't kept.
    let event = match known {
        Some(id) => event.user(id).detail(serde_json::json!({ "login": attempt.login.as_str(), "amr": ["pwd"] })),
        None => event.detail(serde_json::json!({ "login": "unknown", "amr": ["pwd"] })),
    };
    let counted = ctx
        .database
        .write(async move |tx| {
            tx.record(tenant, event);
            limits.count(&tx, tenant, now).await
        })
        .await;
    match counted {
        Ok(Attempt::Allowed) => SignInError::BadCredentials,
        Ok(Attempt::Blocked { until }) => SignInError::TooManyAttempts { until },
        Err(error) => SignInError::from(error),
    }
}

/// Begins the session of somebody who has proved who they are, unless that has changed in the meantime.
async fn begin_session(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    attempt: SignInAttempt,
    proof: Proof,
    limits: Limits,
) -> Result<SignedIn, SignInError> {
    let Proof { user, phc, next } = proof;
    let (now, id) = (ctx.now(), user.id);
    let beginning = Beginning::new(ctx, tenant, caller, id, &attempt.client_id, attempt.place);
    let (inside, tenant) = (ctx.clone(), tenant.id);
    ctx.database
        .write(async move |tx| {
            allowed(limits.check(&tx, tenant, now).await?)?;
            // The check took its time. These two lock the rows before they are looked at: whoever switches the user
            // off or changes the password at this moment comes before, and is seen, or after, and ends the session.
            store::users::touch(&tx, tenant, id, now).await?;
            let proved = store::users::swap_password_hash(&tx, tenant, id, &phc, &next, now).await?;
            let user = store::users::find_by_id(&tx, tenant, id).await?;
            if !proved || user.is_none_or(|user| subject::may_act(&user).is_err()) {
                return Err(SignInError::BadCredentials);
            }
            limits.forgive(&tx, tenant).await?;
            Ok(beginning.begin(&inside, &tx, tenant).await?)
        })
        .await
}

/// A hash of today's parameters. Without one the old one stays, and the next sign-in tries again.
async fn renewed_hash(ctx: &Ctx, password: Secret) -> Option<Secret> {
    match ctx.passwords.hash(password, ctx.random.bytes()).await {
        Ok(phc) => Some(Secret::new(phc)),
        Err(PasswordHasherError::Busy | PasswordHasherError::Failed) => None,
    }
}
