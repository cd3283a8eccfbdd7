//! Signing up: somebody makes an account and is signed in with it.
//!
//! Whether an address is taken can't be hidden here: nothing is sent to it that only its owner could read, so that the
//! answer itself has to say whether there is an account now. What can be done is done: each attempt counts against a
//! limit of the network address, before it learns anything; each costs a password hash and takes the same least time;
//! and the answer doesn't say whether such an account may sign in.

use thiserror::Error;
use tokio::time::Instant;

use super::ctx::{Caller, Ctx};
use super::sign_in::{Beginning, Limits, Place, SignedIn};
use super::users::{self, NewUser, UserChangeError};
use super::{Failure, audit};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::merge_patch::FieldError;
use crate::domain::password::PasswordError;
use crate::domain::sign_in_limit::Attempt;
use crate::domain::sign_up::{Faults, NameFault, NewAccount, SignUpPolicy, Typed};
use crate::domain::tenant::Tenant;
use crate::domain::user::Profile;
use crate::domain::{ClientId, Timestamp};
use crate::store::{self, Conflict, StoreError};
use crate::telemetry::metrics::Operation;

/// What somebody wants to have, and where.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// The account.
    pub account: NewAccount,
    /// The client that they want it for.
    pub client_id: ClientId,
    /// Where they are signed in then.
    pub place: Place,
}

/// Why there is no account.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignUpError {
    /// The tenant doesn't take anybody.
    #[error("nobody can make an account here")]
    Closed,
    /// There is an account with this address.
    #[error("no account can be made with this e-mail address")]
    Taken,
    /// What was typed can't be an account's.
    #[error(transparent)]
    Faults(#[from] Faults),
    /// Too many attempts from this address.
    #[error("too many attempts")]
    TooManyAttempts {
        /// When the next attempt counts anew.
        until: Timestamp,
    },
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for SignUpError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Email) => Self::Taken,
            other => Self::Failure(other.into()),
        }
    }
}

impl From<UserChangeError> for SignUpError {
    fn from(error: UserChangeError) -> Self {
        match error {
            UserChangeError::EmailTaken => Self::Taken,
            UserChangeError::Password(error) => Self::from(error),
            UserChangeError::Field(FieldError { .. }) => {
                Self::Faults(Faults { name: Some(NameFault), ..Faults::default() })
            }
            UserChangeError::Failure(failure) => Self::Failure(failure),
            error @ (UserChangeError::Nameless
            | UserChangeError::UsernameTaken
            | UserChangeError::Role
            | UserChangeError::Unknown(_)
            | UserChangeError::Stale) => {
                tracing::error!(error = %error, "a sign-up met a rule that isn't about sign-ups");
                Self::Failure(Failure::Internal)
            }
        }
    }
}

impl From<PasswordError> for SignUpError {
    fn from(error: PasswordError) -> Self {
        Self::Faults(Faults { password: Some(error.into()), ..Faults::default() })
    }
}

/// Reads what somebody typed who wants an account with this tenant.
///
/// # Errors
/// All that is wrong with it.
pub fn read(tenant: &Tenant, typed: Typed<'_>) -> Result<NewAccount, Faults> {
    NewAccount::parse(typed, &users::password_words(tenant))
}

/// Makes an account and begins a session of it, in one transaction: of any number of sign-ups with one address at once
/// one makes an account.
pub async fn sign_up(ctx: &Ctx, tenant: &Tenant, caller: &Caller, wanted: SignUp) -> Result<SignedIn, SignUpError> {
    let result = try_to_sign_up(ctx, tenant, caller, wanted).await;
    ctx.operations.metrics.operation(Operation::Register, &result);
    result
}

async fn try_to_sign_up(ctx: &Ctx, tenant: &Tenant, caller: &Caller, wanted: SignUp) -> Result<SignedIn, SignUpError> {
    match tenant.settings.sign_up {
        SignUpPolicy::Open => {}
        SignUpPolicy::Closed => return Err(SignUpError::Closed),
    }
    let began = Instant::now();
    count(ctx, tenant, caller).await?;
    let SignUp { account, client_id, place } = wanted;
    let new = NewUser {
        email: Some(account.email),
        email_verified: false,
        username: None,
        roles: [].into(),
        profile: Profile { name: account.name, ..Profile::default() },
        password: Some(account.password),
    };
    let prepared = users::prepare(ctx, tenant, new).await?.at(&client_id, caller);
    let user = prepared.user().id;
    let beginning = Beginning::new(ctx, tenant, caller, user, &client_id, place);
    let (inside, tenant_id, now) = (ctx.clone(), tenant.id, ctx.now());
    let made: Result<SignedIn, StoreError> = ctx
        .database
        .write(async move |tx| {
            prepared.insert(&tx, tenant_id, now).await?;
            store::users::touch(&tx, tenant_id, user, now).await?;
            beginning.begin(&inside, &tx, tenant_id).await
        })
        .await;
    match made.map_err(SignUpError::from) {
        Err(SignUpError::Taken) => {
            let event = audit::event(ctx, AuditKind::UserCreated, Outcome::Refused).client(&client_id).from(caller);
            let event = event.detail(serde_json::json!({ "reason": "the e-mail address is taken" }));
            audit::append(ctx, tenant.id, event).await?;
            tokio::time::sleep_until(began + ctx.config.sign_in.refusal_time).await;
            Err(SignUpError::Taken)
        }
        made => made,
    }
}

/// Counts an attempt, whatever comes of it.
async fn count(ctx: &Ctx, tenant: &Tenant, caller: &Caller) -> Result<(), SignUpError> {
    let (limits, tenant_id, now) = (Limits::of_sign_up(ctx, caller), tenant.id, ctx.now());
    let counted: Result<Attempt, StoreError> =
        ctx.database.write(async move |tx| limits.count(&tx, tenant_id, now).await).await;
    match counted? {
        Attempt::Allowed => Ok(()),
        Attempt::Blocked { until } => {
            let event = audit::event(ctx, AuditKind::UserCreated, Outcome::Refused).from(caller);
            let event = event.detail(serde_json::json!({ "reason": "too many attempts from this address" }));
            audit::append(ctx, tenant.id, event).await?;
            Err(SignUpError::TooManyAttempts { until })
        }
    }
}
