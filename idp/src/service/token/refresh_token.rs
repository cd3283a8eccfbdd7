//! Grant type `refresh_token` (RFC 6749 §6, OpenID Connect Core §12): tokens again, and the refresh token's successor.
//!
//! One transaction, in which a conditional update makes one of many the first. Who comes later with the same token is
//! told the same successor for a short while, since an answer may be lost on its way; after that it is a sign of theft,
//! and the grant ends with all that it gave (RFC 9700 §4.14.2).

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
use crate::domain::{ClientId, Secret, TenantId, Timestamp};
use crate::service::ctx::{Caller, Ctx};
use crate::service::events::Telling;
use crate::service::issue::{self, UserGrant};
use crate::service::refresh_tokens::RefreshToken;
use crate::service::sessions::ending::{self, Ending, Which};
use crate::service::sessions::policy;
use crate::service::subject::{self, LiveSubject};
use crate::service::{Failure, audit, events, sessions};
use crate::store::{self, Connection};
use crate::telemetry::metrics::Operation;

/// What a client presents.
#[derive(Clone, Debug)]
pub struct RefreshPresentation {
    /// The refresh token.
    pub token: Secret,
    /// Less than was granted, for these tokens; all of it if absent.
    pub scope: Option<String>,
}

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
    let successors = ctx.refresh_keys.successors(&token)?;
    let now = ctx.now();
    let rules = Rules {
        now,
        idle: ctx.config.tokens.refresh_token_idle_timeout,
        first_party_idle: policy::of_first_party(&tenant.settings).refresh_token_lifetime,
        repeats_since: now - ctx.config.tokens.refresh_token_grace,
    };
    let event = |outcome| audit::event(ctx, AuditKind::TokenRefreshed, outcome).client(&client.id).from(caller);
    let reused = serde_json::json!({ "reason": "the refresh token was used before; its grant was revoked" });
    let events = (event(Outcome::Success), event(Outcome::Refused).detail(reused));
    let told = events::of(ctx, EventType::TokenRefreshed).client(&client.id).from(caller);
    let (inside, whence, registered) = (ctx.clone(), caller.clone(), client.metadata.scope.clone());
    let (tenant_id, asker) = (tenant.id, Asker { client_id: client.id.clone(), since: client.created_at });
    let decision = ctx
        .database
        .write(move |tx| {
            Box::pin(async move {
                let subject = subject::live(tx, tenant_id, token.grant(), &registered, now).await?;
                let subject = subject.map_err(|_| TokenError::InvalidGrant(UNKNOWN))?;
                asker.owns(&subject.grant)?;
                let scope = narrowed(&subject.grant.scope, requested)?;
                match follow(tx, tenant_id, &token, successors, &subject, rules).await? {
                    Followed::Unknown => Err(TokenError::InvalidGrant(UNKNOWN)),
                    Followed::Stolen => {
                        store::grants::revoke(tx, tenant_id, token.grant(), now).await?;
                        store::audit::append(tx, tenant_id, &events.1.user(subject.user.id).build()).await?;
                        if let Some(ending) = stolen(&inside, &whence, subject.session.as_ref()) {
                            ending::end_in(&inside, tx, tenant_id, ending).await?;
                        }
                        Ok(Decision::Stolen)
                    }
                    Followed::By(successor) => {
                        if let Some(session) = &subject.session {
                            sessions::used_in(&inside, tx, tenant_id, session, now).await?;
                        }
                        let told = told.user(subject.user.id).with("scope", json!(scope));
                        let session = subject.session.as_ref().map(|session| session.id);
                        session.into_iter().fold(told, Telling::session).tell(tx, tenant_id).await?;
                        store::audit::append(tx, tenant_id, &events.0.user(subject.user.id).build()).await?;
                        let grant = user_grant(subject, scope)?;
                        Ok(Decision::Granted(Box::new(grant), successor))
                    }
                }
            })
        })
        .await?;
    match decision {
        Decision::Stolen => Err(TokenError::InvalidGrant(UNKNOWN)),
        Decision::Granted(grant, successor) => {
            let (access_token, id_token) = issue::user_tokens(ctx, tenant, client, &grant).await?;
            Ok(Tokens { access_token, id_token, refresh_token: Some(successor.text()) })
        }
    }
}

/// What else ends with a grant that somebody has a copy of: a session of one of the tenant's own apps has nothing but that
/// grant. One that began on the pages is a browser's, which was not robbed.
fn stolen(ctx: &Ctx, caller: &Caller, session: Option<&Session>) -> Option<Ending> {
    let session = session.filter(|session| session.origin == SessionOrigin::FirstParty)?;
    Some(Ending::new(ctx, Which::One(session.id), EndReason::TokenReused).from(caller))
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
fn narrowed(granted: &ScopeSet, requested: Option<ScopeSet>) -> Result<ScopeSet, TokenError> {
    match requested {
        None => Ok(granted.clone()),
        Some(scope) if !scope.is_empty() && scope.is_subset(granted) => Ok(scope),
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

async fn follow(
    tx: &impl Connection,
    tenant: TenantId,
    token: &RefreshToken,
    successors: Vec<RefreshToken>,
    subject: &LiveSubject,
    rules: Rules,
) -> Result<Followed, TokenError> {
    let (hash, grant) = (token.hash(), &subject.grant);
    let expires_at = grant.refreshed_until(rules.now + rules.rest(subject.session.as_ref()));
    let next = successors.first().ok_or(Failure::Internal)?;
    let pair = (&hash, &next.hash());
    if store::refresh_tokens::rotate(tx, tenant, grant.id, pair, rules.now, expires_at).await? {
        return Ok(Followed::By(next.clone()));
    }
    let Some(stored) = store::refresh_tokens::find(tx, tenant, grant.id).await? else { return Ok(Followed::Unknown) };
    if stored.hash == hash {
        // The grant's current one, but it rested for too long: that is no theft.
        return Ok(Followed::Unknown);
    }
    let former = stored.former_hash == Some(hash);
    if former && stored.rotated_at.is_some_and(|at| at >= rules.repeats_since) {
        let given = successors.into_iter().find(|successor| successor.hash() == stored.hash);
        return Ok(given.map_or(Followed::Unknown, Followed::By));
    }
    Ok(if former || token.is_ours() { Followed::Stolen } else { Followed::Unknown })
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
