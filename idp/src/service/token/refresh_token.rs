//! Grant type `refresh_token` (RFC 6749 §6, OpenID Connect Core §12): tokens again, and the refresh token's successor.
//!
//! One transaction, in which a conditional update makes one of many the first. What the tokens say of the person is read
//! before, or kept from before; that it still holds is a condition of that update. Who comes later with the same token is
//! told the same successor for a short while, since an answer may be lost on its way; after that it is a sign of theft,
//! and the grant ends with all that it gave (RFC 9700 §4.14.2).

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::{TokenError, Tokens};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::{Client, GrantType};
use crate::domain::event::EventType;
use crate::domain::grant::Grant;
use crate::domain::scope::ScopeSet;
use crate::domain::session::{EndReason, Session, SessionOrigin};
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, GrantId, Secret, TenantId, Timestamp};
use crate::service::audit::Actor;
use crate::service::ctx::{Caller, Ctx};
use crate::service::events::EventBuilder;
use crate::service::issue::{self, UserGrant};
use crate::service::refresh_tokens::RefreshToken;
use crate::service::sessions::ending::{self, Ending, Which};
use crate::service::sessions::policy;
use crate::service::subject::{self, LiveSubject, ReadySubject};
use crate::service::{Failure, audit, events, sessions};
use crate::store::refresh_tokens::Rotation;
use crate::store::{self, Tx};
use crate::telemetry::metrics::Operation;

/// What a client presents.
#[derive(Clone, Debug)]
pub struct RefreshPresentation {
    /// The refresh token.
    pub token: Secret,
    /// Less than was granted, for these tokens; all of it if absent.
    pub scope: Option<String>,
}

/// How far the clocks of nodes may differ.
const CLOCKS: Duration = Duration::from_secs(5);

/// One text for whatever is wrong with a token: which it was is nobody's business but the operator's.
const UNKNOWN: &str =
    "the refresh token is unknown, has expired, was used before or revoked, or belongs to another client";

enum Decision {
    Granted(Box<UserGrant>, RefreshToken),
    /// The grant was revoked.
    Stolen,
}

/// Tokens for the authenticated client, and the successor of its refresh token.
pub async fn grant(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    caller: &Caller,
    presented: RefreshPresentation,
) -> Result<Tokens, TokenError> {
    let result = spend(ctx, tenant, client, caller, presented).await;
    super::count(ctx, Operation::Refresh, &result);
    result
}

async fn spend(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    caller: &Caller,
    presented: RefreshPresentation,
) -> Result<Tokens, TokenError> {
    if !client.metadata.grant_types.contains(&GrantType::RefreshToken) {
        return Err(TokenError::UnauthorizedClient);
    }
    let requested = match presented.scope.as_deref() {
        None => None,
        Some(text) => {
            let scope: ScopeSet = text.parse().map_err(|error| TokenError::InvalidScope(format!("{error}")))?;
            Some(scope)
        }
    };
    let token = ctx.refresh_keys.parse(presented.token.expose()).ok_or(TokenError::InvalidGrant(UNKNOWN))?;
    let now = ctx.now();
    let subject = known(ctx, tenant.id, token.grant(), now).await?;
    let asker = Asker { client_id: client.id.clone(), since: client.created_at };
    asker.owns(&subject.live.grant)?;
    let scope = narrowed(&subject.live.grant.scope, requested.as_ref())?;
    let event = |outcome| audit::event(ctx, AuditKind::TokenRefreshed, outcome).client(&client.id).from(caller);
    let attempt = Arc::new(Attempt {
        tenant: tenant.id,
        successors: ctx.refresh_keys.successors(&token)?,
        token,
        rules: Rules {
            now,
            idle: ctx.config.tokens.refresh_token_idle_timeout,
            first_party_idle: policy::of_first_party(&tenant.settings).refresh_token_lifetime,
            repeats_since: now - ctx.config.tokens.refresh_token_grace,
        },
        told: events::of(ctx, EventType::TokenRefreshed).client(&client.id).from(caller),
        event: event(Outcome::Success),
    });
    let decision = if let Some(successor) = attempt.go_on(ctx, &subject, &scope).await? {
        Decision::Granted(Box::new(user_grant(subject.live.clone(), scope)?), successor)
    } else {
        let reused = json!({ "reason": "the refresh token was used before; its grant was revoked" });
        let reused = event(Outcome::Refused).detail(reused);
        let registered = client.metadata.scope.clone();
        decide(ctx, attempt, (asker, registered, requested), (reused, caller.clone())).await?
    };
    match decision {
        Decision::Stolen => Err(TokenError::Noted(UNKNOWN)),
        Decision::Granted(grant, successor) => {
            let (access_token, id_token) = issue::user_tokens(ctx, tenant, client, &grant).await?;
            Ok(Tokens { access_token, id_token, refresh_token: Some(successor.text()) })
        }
    }
}

/// The subject of a token's grant, from what is kept where that is good. By a copy that doesn't know better the use of a
/// session is always due to be noted, so that one is read anew.
async fn known(ctx: &Ctx, tenant: TenantId, grant: GrantId, now: Timestamp) -> Result<Arc<ReadySubject>, TokenError> {
    let refused = |_| TokenError::InvalidGrant(UNKNOWN);
    let subject = subject::ready(ctx, tenant, grant, now).await?.map_err(refused)?;
    if !is_use_due(&subject.live, now) {
        return Ok(subject);
    }
    subject::read(ctx, tenant, grant, now).await?.map_err(refused)
}

/// Whether this use of a session has to be noted in it.
fn is_use_due(subject: &LiveSubject, now: Timestamp) -> bool {
    subject.session.as_ref().is_some_and(|session| sessions::is_worth_noting(session, now))
}

/// A token that was presented, and what is to be told of it.
struct Attempt {
    tenant: TenantId,
    token: RefreshToken,
    successors: Vec<RefreshToken>,
    rules: Rules,
    told: EventBuilder,
    event: audit::AuditBuilder,
}

impl Attempt {
    /// The token's successor, if the token is the grant's current one, and all about the subject is as it is known: one
    /// statement decides. `None` where more has to be asked, or done.
    async fn go_on(
        self: &Arc<Self>,
        ctx: &Ctx,
        subject: &Arc<ReadySubject>,
        scope: &ScopeSet,
    ) -> Result<Option<RefreshToken>, TokenError> {
        if is_use_due(&subject.live, self.rules.now) {
            return Ok(None);
        }
        let rotation = self.rotation(&subject.live)?;
        let (attempt, subject, scope) = (Arc::clone(self), Arc::clone(subject), scope.clone());
        let rotated = ctx
            .database
            .write_one(async move |tx| {
                let LiveSubject { user, session, .. } = &subject.live;
                let read = (user, session.as_ref().map(|session| session.id));
                let rotated = store::refresh_tokens::rotate_as_read(&tx, attempt.tenant, &rotation, read).await?;
                if rotated {
                    attempt.record(&tx, &subject.live, &scope);
                }
                Ok(rotated)
            })
            .await?;
        Ok(if rotated { self.successors.first().cloned() } else { None })
    }

    /// Puts the token's successor in its place.
    fn rotation(&self, subject: &LiveSubject) -> Result<Rotation, Failure> {
        let Rules { now, .. } = self.rules;
        let next = self.successors.first().ok_or(Failure::Internal)?;
        Ok(Rotation {
            grant: subject.grant.id,
            presented: self.token.hash(),
            successor: next.hash(),
            now,
            expires_at: subject.grant.refreshed_until(now + self.rules.rest(subject.session.as_ref())),
        })
    }

    /// Tells of tokens that were given.
    fn record(&self, tx: &Tx, subject: &LiveSubject, scope: &ScopeSet) {
        let user = subject.user.id;
        let told = self.told.clone().user(user).with("scope", json!(scope));
        let session = subject.session.as_ref().map(|session| session.id);
        tx.record(self.tenant, session.into_iter().fold(told, EventBuilder::session));
        tx.record(self.tenant, self.event.clone().user(user));
    }
}

/// What comes of a token about which more has to be known than that it is the current one, or in a session whose use has to
/// be noted.
async fn decide(
    ctx: &Ctx,
    attempt: Arc<Attempt>,
    (asker, registered, requested): (Asker, ScopeSet, Option<ScopeSet>),
    (reused, caller): (audit::AuditBuilder, Caller),
) -> Result<Decision, TokenError> {
    let inside = ctx.clone();
    ctx.database
        .write(async move |tx| {
            let Attempt { tenant, token, rules: Rules { now, .. }, .. } = &*attempt;
            let (tenant, grant, now) = (*tenant, token.grant(), *now);
            let subject = subject::live(&tx, tenant, grant, &registered, now).await?;
            let subject = subject.map_err(|_| TokenError::InvalidGrant(UNKNOWN))?;
            asker.owns(&subject.grant)?;
            let scope = narrowed(&subject.grant.scope, requested.as_ref())?;
            match attempt.follow(&tx, &subject).await? {
                Followed::Unknown => Err(TokenError::InvalidGrant(UNKNOWN)),
                Followed::Stolen => {
                    store::grants::revoke(&tx, tenant, grant, now).await?;
                    tx.record(tenant, reused.user(subject.user.id));
                    if let Some(ending) = stolen(&inside, &caller, subject.session.as_ref()) {
                        ending::end_in(&inside, &tx, tenant, ending).await?;
                    }
                    Ok(Decision::Stolen)
                }
                Followed::By(successor) => {
                    if let Some(session) = &subject.session {
                        sessions::used_in(&inside, &tx, tenant, session, now).await?;
                    }
                    attempt.record(&tx, &subject, &scope);
                    Ok(Decision::Granted(Box::new(user_grant(subject, scope)?), successor))
                }
            }
        })
        .await
}

/// What else ends with a grant that somebody has a copy of: a session of one of the tenant's own apps has nothing but that
/// grant. One that began on the pages is a browser's, which was not robbed.
fn stolen(ctx: &Ctx, caller: &Caller, session: Option<&Session>) -> Option<Ending> {
    let session = session.filter(|session| session.origin == SessionOrigin::FirstParty)?;
    Some(Ending::new(ctx, Which::One(session.id), EndReason::TokenReused).by(Actor::signet()).from(caller))
}

/// Who asks.
struct Asker {
    client_id: ClientId,
    /// When the client was made: one that was deleted and made anew isn't the one that the token was for.
    since: Timestamp,
}

impl Asker {
    fn owns(&self, grant: &Grant) -> Result<(), TokenError> {
        if grant.client_id == self.client_id && self.since <= grant.created_at {
            Ok(())
        } else {
            Err(TokenError::InvalidGrant(UNKNOWN))
        }
    }
}

/// What was asked for, within what was granted (RFC 6749 §6).
fn narrowed(granted: &ScopeSet, requested: Option<&ScopeSet>) -> Result<ScopeSet, TokenError> {
    match requested {
        None => Ok(granted.clone()),
        Some(scope) if !scope.is_empty() && scope.is_subset(granted) => Ok(scope.clone()),
        Some(_) => Err(TokenError::InvalidScope("scope names something that was not granted".to_owned())),
    }
}

#[derive(Clone, Copy)]
struct Rules {
    now: Timestamp,
    /// Longest rest of the successor.
    idle: Duration,
    /// The same in a session of one of the tenant's own apps.
    first_party_idle: Duration,
    /// A token whose place was taken since then may be presented again.
    repeats_since: Timestamp,
}

impl Rules {
    /// The longest rest of a refresh token in this session.
    fn rest(&self, session: Option<&Session>) -> Duration {
        match session.map(|session| session.origin) {
            Some(SessionOrigin::FirstParty) => self.first_party_idle,
            Some(SessionOrigin::Page) | None => self.idle,
        }
    }
}

/// What comes of a token.
enum Followed {
    /// Its successor: a new one or, for who asks again soon enough, the one that was given already.
    By(RefreshToken),
    /// Nothing: it is unknown or too old.
    Unknown,
    /// It was used before: somebody has a copy.
    Stolen,
}

impl Attempt {
    /// Puts the token's successor in its place, or says why it can't.
    async fn follow(&self, tx: &Tx, subject: &LiveSubject) -> Result<Followed, TokenError> {
        let rotation = self.rotation(subject)?;
        if store::refresh_tokens::rotate(tx, self.tenant, &rotation).await? {
            return Ok(self.successors.first().cloned().map_or(Followed::Unknown, Followed::By));
        }
        let stored = store::refresh_tokens::find(tx, self.tenant, rotation.grant).await?;
        let Some(stored) = stored else { return Ok(Followed::Unknown) };
        if stored.hash == rotation.presented {
            // The grant's current one, but it rested for too long: that is no theft.
            return Ok(Followed::Unknown);
        }
        let former = stored.former_hash == Some(rotation.presented);
        if former && stored.rotated_at.is_some_and(|at| at > self.rules.now + CLOCKS) {
            // By a clock that was set back since: whether it is a repeat can't be told.
            return Ok(Followed::Unknown);
        }
        if former && stored.rotated_at.is_some_and(|at| at >= self.rules.repeats_since) {
            let given = self.successors.iter().find(|successor| successor.hash() == stored.hash);
            return Ok(given.cloned().map_or(Followed::Unknown, Followed::By));
        }
        Ok(if former || self.token.is_ours() { Followed::Stolen } else { Followed::Unknown })
    }
}

fn user_grant(subject: LiveSubject, scope: ScopeSet) -> Result<UserGrant, TokenError> {
    let LiveSubject { user, grant, session } = subject;
    let authentication = grant.authentication.ok_or(TokenError::InvalidGrant(UNKNOWN))?;
    let origin = session.as_ref().map(|session| session.origin);
    let session_id = session.map(|session| session.id);
    Ok(UserGrant {
        user,
        session_id,
        origin,
        grant_id: grant.id,
        scope,
        nonce: None,
        authentication,
        claims: grant.claims,
    })
}
