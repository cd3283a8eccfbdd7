//! The beginning of a session: the one place that makes any, whatever way the person proved who they are.

use std::num::NonZeroU32;

use serde_json::json;

use crate::domain::acr::Acr;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::session::{AuthenticationMethod, EndReason, Session, SessionPolicy, SessionSecret};
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, FlowId, SessionId, TenantId, UserId};
use crate::service::ctx::{Caller, Ctx};
use crate::service::events::EventBuilder;
use crate::service::first_party::AppGrant;
use crate::service::sessions::ending::{self, Ending, Which};
use crate::service::sessions::{Accounts, policy};
use crate::service::{audit, events};
use crate::store::{self, StoreError, Tx};

/// Where somebody signs in.
#[derive(Clone, Debug)]
pub enum Place {
    /// On the page of a flow.
    Page {
        /// The flow.
        flow: FlowId,
        /// The accounts of the browser. The person's own session among them is renewed.
        accounts: Accounts,
    },
    /// In one of the tenant's own apps.
    App(Box<AppGrant>),
}

impl Place {
    /// How long a session that begins here may live.
    fn policy(&self, ctx: &Ctx, tenant: &Tenant) -> SessionPolicy {
        match self {
            Self::Page { .. } => policy::of_pages(&ctx.config.sessions, &tenant.settings),
            Self::App(_) => policy::of_first_party(&tenant.settings).sessions,
        }
    }

    /// The accounts of the browser; an app has none.
    fn accounts(&self) -> Accounts {
        match self {
            Self::Page { accounts, .. } => accounts.clone(),
            Self::App(_) => Accounts::default(),
        }
    }
}

/// A person who is signed in now.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// The accounts of the browser from now on, this one first: what its cookie is to hold.
    pub accounts: Accounts,
    /// What the app was given, if it was one.
    pub app: Option<Box<AppGrant>>,
}

/// A session that is about to begin.
#[derive(Clone, Debug)]
pub(in crate::service) struct Beginning {
    session: Session,
    /// The most that the person may have.
    limit: Option<NonZeroU32>,
    caller: Caller,
    /// Its id, unless the person's own session in this browser goes on.
    fresh: SessionId,
    secret: SessionSecret,
    /// SHA-256 of the secret that the person's own session has.
    former: Option<[u8; 32]>,
    /// The account that has to go from the browser.
    supernumerary: Option<Ending>,
    place: Place,
    event: audit::AuditBuilder,
    login: EventBuilder,
    created: EventBuilder,
}

impl Beginning {
    /// A session of this person, who has just proved by their password who they are.
    pub(in crate::service) fn new(
        ctx: &Ctx,
        tenant: &Tenant,
        caller: &Caller,
        user: UserId,
        client: &ClientId,
        place: Place,
    ) -> Self {
        let now = ctx.now();
        let secret = SessionSecret(ctx.random.secret());
        let amr = vec![AuthenticationMethod::Pwd];
        let policy = place.policy(ctx, tenant);
        let accounts = place.accounts();
        // The person's own session goes on under another secret; a session of somebody else is left alone.
        let own = accounts.of_user(user);
        let fresh = SessionId::from_uuid(ctx.random.uuid_v7(now));
        let session = Session {
            id: own.map_or(fresh, |own| own.id),
            user_id: user,
            auth_time: now,
            acr: Some(Acr::of(&amr).as_str().to_owned()),
            amr,
            user_agent: caller.user_agent.clone(),
            address: Some(caller.address.to_string()),
            origin: policy.origin,
            idle_timeout: policy.idle_timeout,
            created_at: own.map_or(now, |own| own.created_at),
            last_seen_at: now,
            expires_at: now + policy.lifetime,
            ended_at: None,
        };
        let event = audit::event(ctx, AuditKind::SignIn, Outcome::Success).user(user).client(client).from(caller);
        let told = |kind| events::of(ctx, kind).user(user).client(client).from(caller).with("amr", json!(["pwd"]));
        let (login, created) = (told(EventType::UserLogin), told(EventType::SessionCreated));
        let former = own.and_then(|own| accounts.secret_of(own.id)).map(|secret| secret.0.sha256());
        let supernumerary = accounts.supernumerary().filter(|_| own.is_none()).map(|session| session.id);
        let supernumerary = supernumerary.map(|id| Ending::new(ctx, Which::One(id), EndReason::Limit).from(caller));
        Self {
            session,
            limit: policy.limit,
            caller: caller.clone(),
            fresh,
            secret,
            former,
            supernumerary,
            place,
            event,
            login,
            created,
        }
    }

    /// Begins it, in the transaction in which it was looked at once more whether the person may.
    pub(in crate::service) async fn begin(self, ctx: &Ctx, tx: &Tx, tenant: TenantId) -> Result<SignedIn, StoreError> {
        let Self { mut session, limit, caller, fresh, secret, former, supernumerary, place, event, login, created } =
            self;
        let (now, hash) = (session.auth_time, secret.0.sha256());
        if let Some(supernumerary) = supernumerary {
            ending::end_in(ctx, tx, tenant, supernumerary).await?;
        }
        // Unless it has ended since the request began, or another tab was faster.
        let renewed = match &former {
            Some(former) => store::sessions::renew(tx, tenant, &session, (former, &hash), now).await?,
            None => false,
        };
        if !renewed {
            session = Session { id: fresh, created_at: now, ..session };
            policy::begin(ctx, tx, tenant, &caller, (&session, &hash), limit).await?;
            let created = created.session(session.id).with("expires_at", session.expires_at.rfc3339());
            tx.record(tenant, created);
        }
        tx.record(tenant, login.session(session.id).with("renewed", renewed));
        let accounts = place.accounts().with_first(session.clone(), secret);
        let app = match place {
            Place::Page { flow, .. } => {
                store::authorization_flows::set_session(tx, tenant, flow, session.id).await?;
                None
            }
            Place::App(grant) => {
                grant.give(tx, tenant, &session).await?;
                Some(grant)
            }
        };
        let event = event.detail(json!({ "amr": session.amr, "sid": session.id }));
        tx.record(tenant, event);
        Ok(SignedIn { session, accounts, app })
    }
}
