//! Sign-in by password.
//!
//! Nothing tells who exists: an unknown name costs the same hash, counts against the same limits and gets the same
//! answer as a wrong password or a disabled account. Limits are decided in the transaction that ends an attempt: of any
//! number of parallel guesses as many as the limit learn something, and a right password among the rest learns nothing.
//! Successes count against nobody, so that an office behind one address can sign in.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::json;
use thiserror::Error;
use tokio::time::Instant;

use super::ctx::{Caller, Ctx};
use super::password_hasher::{PasswordCheck, PasswordHasherError};
use super::sessions::Accounts;
use super::sessions::ending::{self, Ending, Which};
use super::{Failure, audit, events, subject};
use crate::domain::acr::Acr;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::session::{AuthenticationMethod, EndReason, Session, SessionSecret};
use crate::domain::sign_in_limit::{Attempt, LimitKind};
use crate::domain::user::{LoginName, User};
use crate::domain::{ClientId, FlowId, Secret, SessionId, TenantId, Timestamp, UserId};
use crate::store::{self, Connection, StoreError};

/// What a person typed, and where.
#[derive(Clone, Debug)]
pub struct SignInAttempt {
    /// E-mail address or user name.
    pub login: LoginName,
    /// Password.
    pub password: Secret,
    /// The client that they sign in for.
    pub client_id: ClientId,
    /// The flow on whose page it is.
    pub flow: FlowId,
    /// The accounts of this browser. The person's own session among them is renewed.
    pub accounts: Accounts,
}

/// A person who is signed in now.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The accounts of the browser from now on, this one first: what its cookie is to hold.
    pub accounts: Accounts,
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
    tenant: TenantId,
    caller: &Caller,
    attempt: SignInAttempt,
) -> Result<SignedIn, SignInError> {
    let began = Instant::now();
    let limits = Limits::new(ctx, caller, &attempt.login);
    limits.check(ctx.database.read(), tenant, ctx.now()).await?;
    let found = store::users::find_by_login_with_password(ctx.database.read(), tenant, &attempt.login).await?;
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
            let refusal = fail(ctx, tenant, caller, attempt, limits, known).await;
            tokio::time::sleep_until(began + ctx.config.sign_in.refusal_time).await;
            Err(refusal)
        }
        Some((user, phc)) => {
            let renewed = match check {
                PasswordCheck::RightButOutdated => renewed_hash(ctx, attempt.password.clone()).await,
                PasswordCheck::Right | PasswordCheck::Wrong => None,
            };
            let proof = Proof { user, next: renewed.unwrap_or_else(|| phc.clone()), phc };
            begin_session(ctx, tenant, caller, &attempt, proof, limits).await
        }
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
        .write(move |tx| {
            Box::pin(async move {
                store::audit::append(tx, tenant, &event.build()).await?;
                limits.count(tx, tenant, now).await
            })
        })
        .await;
    match counted {
        Ok(Attempt::Allowed) => SignInError::BadCredentials,
        Ok(Attempt::Blocked { until }) => SignInError::TooManyAttempts { until },
        Err(error) => SignInError::from(error),
    }
}

async fn begin_session(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    attempt: &SignInAttempt,
    proof: Proof,
    limits: Limits,
) -> Result<SignedIn, SignInError> {
    let Proof { user, phc, next } = proof;
    let now = ctx.now();
    let secret = SessionSecret(ctx.random.secret());
    let amr = vec![AuthenticationMethod::Pwd];
    // The person's own session goes on under another secret; a session of somebody else is left alone.
    let own = attempt.accounts.of_user(user.id);
    let fresh = SessionId::from_uuid(ctx.random.uuid_v7(now));
    let session = Session {
        id: own.map_or(fresh, |own| own.id),
        user_id: user.id,
        auth_time: now,
        acr: Some(Acr::of(&amr).as_str().to_owned()),
        amr,
        user_agent: caller.user_agent.clone(),
        address: Some(caller.address.to_string()),
        created_at: own.map_or(now, |own| own.created_at),
        last_seen_at: now,
        expires_at: now + ctx.config.sessions.lifetime,
        ended_at: None,
    };
    let event =
        audit::event(ctx, AuditKind::SignIn, Outcome::Success).user(user.id).client(&attempt.client_id).from(caller);
    let told =
        |kind| events::of(ctx, kind).user(user.id).client(&attempt.client_id).from(caller).with("amr", json!(["pwd"]));
    let (login, created) = (told(EventType::UserLogin), told(EventType::SessionCreated));
    let (mut row, hash, flow) = (session, secret.0.sha256(), attempt.flow);
    let former = own.and_then(|own| attempt.accounts.secret_of(own.id)).map(|secret| secret.0.sha256());
    let supernumerary = attempt.accounts.supernumerary().filter(|_| own.is_none()).map(|session| session.id);
    let supernumerary = supernumerary.map(|id| Ending::new(ctx, Which::One(id), EndReason::Limit).from(caller));
    let inside = ctx.clone();
    let session = ctx
        .database
        .write(move |tx| {
            Box::pin(async move {
                limits.check(tx, tenant, now).await?;
                // The check took its time. These two lock the rows before they are looked at: whoever switches the user
                // off or changes the password at this moment comes before, and is seen, or after, and ends the session.
                store::users::touch(tx, tenant, row.user_id, now).await?;
                let proved = store::users::swap_password_hash(tx, tenant, row.user_id, &phc, &next, now).await?;
                let user = store::users::find_by_id(tx, tenant, row.user_id).await?;
                if !proved || user.is_none_or(|user| subject::may_act(&user).is_err()) {
                    return Err(SignInError::BadCredentials);
                }
                limits.forgive(tx, tenant).await?;
                if let Some(supernumerary) = supernumerary {
                    ending::end_in(&inside, tx, tenant, supernumerary).await?;
                }
                // Unless it has ended since the request began, or another tab was faster.
                let renewed = match &former {
                    Some(former) => store::sessions::renew(tx, tenant, &row, (former, &hash), now).await?,
                    None => false,
                };
                if !renewed {
                    row = Session { id: fresh, created_at: now, ..row };
                    store::sessions::insert(tx, tenant, &row, &hash).await?;
                    let created = created.session(row.id).with("expires_at", row.expires_at.rfc3339());
                    created.tell(tx, tenant).await?;
                }
                login.session(row.id).with("renewed", renewed).tell(tx, tenant).await?;
                store::authorization_flows::set_session(tx, tenant, flow, row.id).await?;
                let event = event.detail(serde_json::json!({ "amr": row.amr, "sid": row.id }));
                store::audit::append(tx, tenant, &event.build()).await?;
                Ok(row)
            })
        })
        .await?;
    let accounts = attempt.accounts.with_first(session.clone(), secret);
    Ok(SignedIn { session, accounts })
}

/// A hash of today's parameters. Without one the old one stays, and the next sign-in tries again.
async fn renewed_hash(ctx: &Ctx, password: Secret) -> Option<Secret> {
    match ctx.passwords.hash(password, ctx.random.bytes()).await {
        Ok(phc) => Some(Secret::new(phc)),
        Err(PasswordHasherError::Busy | PasswordHasherError::Failed) => None,
    }
}

/// The two counters that an attempt is held against.
#[derive(Clone, Debug)]
struct Limits(Vec<Limit>);

#[derive(Clone, Debug)]
struct Limit {
    kind: LimitKind,
    hash: [u8; 32],
    window: Duration,
    most: u32,
}

impl Limits {
    fn new(ctx: &Ctx, caller: &Caller, login: &LoginName) -> Self {
        let config = &ctx.config.sign_in;
        let account = Limit {
            kind: LimitKind::Account,
            hash: openssl::sha::sha256(login.as_str().as_bytes()),
            window: config.account_window,
            most: config.account_limit.get(),
        };
        let address = Limit {
            kind: LimitKind::Address,
            hash: openssl::sha::sha256(&network(caller.address)),
            window: config.address_window,
            most: config.address_limit.get(),
        };
        Self(vec![account, address])
    }

    /// Refuses if either is used up.
    async fn check(&self, db: &impl Connection, tenant: TenantId, now: Timestamp) -> Result<(), SignInError> {
        for Limit { kind, hash, window, most } in &self.0 {
            let state = store::sign_in_limits::check(db, tenant, *kind, hash, now, *window, *most).await?;
            if let Attempt::Blocked { until } = state {
                return Err(SignInError::TooManyAttempts { until });
            }
        }
        Ok(())
    }

    /// Counts a failure in both.
    async fn count(&self, db: &impl Connection, tenant: TenantId, now: Timestamp) -> Result<Attempt, StoreError> {
        let mut outcome = Attempt::Allowed;
        for Limit { kind, hash, window, most } in &self.0 {
            let counted = store::sign_in_limits::count_attempt(db, tenant, *kind, hash, now, *window, *most).await?;
            if counted != Attempt::Allowed {
                outcome = counted;
            }
        }
        Ok(outcome)
    }

    /// Forgets the failures with this name: its owner is here. Those from the address stay, or an attacker with an
    /// account of their own could clear them at will.
    async fn forgive(&self, db: &impl Connection, tenant: TenantId) -> Result<(), StoreError> {
        for Limit { kind, hash, .. } in self.0.iter().filter(|limit| limit.kind == LimitKind::Account) {
            store::sign_in_limits::reset(db, tenant, *kind, hash).await?;
        }
        Ok(())
    }
}

/// What counts as one address: an IPv4 address, or the /64 of an IPv6 one, which is what a household gets.
fn network(address: IpAddr) -> Vec<u8> {
    match address.to_canonical() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().into_iter().take(8).collect(),
    }
}
