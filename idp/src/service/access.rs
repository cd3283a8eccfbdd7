//! The one gate for resources of our own that are used with an access token: the admin API now, others later.
//!
//! Three things are asked of a token that holds ([`super::access_token`]): that it is for this resource, that its scope
//! allows this use, and, of a person, that they have the role. A role or a scope that was taken away counts at once,
//! whatever the token says.
//!
//! Decided against: `services`, the audience of services that registered none, as an audience of our own. Whatever else
//! takes such tokens could use them here.

use serde_json::json;
use thiserror::Error;

use super::access_token::{self, AccessTokenError, Bearer, Presented};
use super::audit::Actor;
use super::ctx::{Caller, Ctx};
use super::{Failure, audit};
use crate::domain::audit::AuditKind;
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, Secret, UserId};

/// The role that people need for the admin API.
pub const ADMIN_ROLE: &str = "admin";
/// The scope that lets its bearer give roles.
pub const USERS_WRITE: &str = "admin:users:write";
/// Scopes that begin so allow something at the admin API.
pub const ADMIN_SCOPES: &str = "admin:";

/// The admin API as an audience (RFC 8707 §2) of a tenant.
pub fn admin_audience(tenant: &Tenant) -> String {
    format!("{}/v1/admin", tenant.issuer)
}

/// A use of a resource: what a token must allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The scope.
    pub scope: &'static str,
    /// The role, of a person; a service needs none.
    pub role: &'static str,
}

/// Who may use a resource now.
#[derive(Clone, Debug)]
pub struct Admitted {
    /// The service, or the client that the person uses.
    pub client_id: ClientId,
    /// The person, if it is one.
    pub user_id: Option<UserId>,
    /// All that the token allows.
    pub scope: ScopeSet,
    /// What the audit log calls them.
    pub actor: Actor,
}

impl Admitted {
    /// Whether they may give a client these scopes, or act on one that has them: nobody hands on more than they have.
    pub fn may_hand_on(&self, scope: &ScopeSet) -> bool {
        scope.iter().all(|scope| !scope.as_str().starts_with(ADMIN_SCOPES) || self.scope.contains(scope.as_str()))
    }

    /// Whether they may give roles, to a service as to a person: who may write users gives any. A service's token has
    /// its roles, and whoever takes them can't tell that nobody gave them to a person.
    pub fn may_give_roles(&self) -> bool {
        self.scope.contains(USERS_WRITE)
    }
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AccessError {
    /// The token doesn't hold.
    #[error("the access token is invalid, expired or revoked")]
    InvalidToken,
    /// The token holds, and is for something else.
    #[error("the access token isn't for this API: its aud must be the issuer, or the issuer and /v1/admin")]
    Audience,
    /// It wasn't given the scope.
    #[error("the access token must have the scope {0}")]
    Scope(&'static str),
    /// The person hasn't got the role.
    #[error("the person whose access token this is must have the role {0}")]
    Role(&'static str),
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<AccessTokenError> for AccessError {
    fn from(error: AccessTokenError) -> Self {
        match error {
            AccessTokenError::Invalid(_) => Self::InvalidToken,
            AccessTokenError::Failure(failure) => Self::Failure(failure),
        }
    }
}

/// Lets the bearer of a token in, or says why not. A refusal of a token that holds is in the audit log.
pub async fn admit(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    token: &Secret,
    need: Need,
) -> Result<Admitted, AccessError> {
    let presented = access_token::present(ctx, tenant, token).await?;
    if let Err(refused) = decide(tenant, &presented, need) {
        audit::append(ctx, tenant.id, refusal(ctx, caller, &presented, need, refused)).await.map_err(Failure::from)?;
        return Err(refused);
    }
    let user_id = presented.person().map(|subject| subject.live.user.id);
    let client_id = presented.client.id.clone();
    let name = user_id.map_or_else(|| format!("client:{client_id}"), |user| format!("user:{user}"));
    Ok(Admitted { client_id, user_id, scope: presented.scope.clone(), actor: Actor::at(name, caller) })
}

/// Whether somebody who was let in still may. A refusal of a token that holds is in the audit log, as far as that can be
/// written: it counts in any case.
///
/// # Errors
/// Nobody can say.
pub async fn still(ctx: &Ctx, tenant: &Tenant, caller: &Caller, token: &Secret, need: Need) -> Result<bool, Failure> {
    let presented = match access_token::present(ctx, tenant, token).await {
        Ok(presented) => presented,
        Err(AccessTokenError::Invalid(_)) => return Ok(false),
        Err(AccessTokenError::Failure(failure)) => return Err(failure),
    };
    let Err(refused) = decide(tenant, &presented, need) else { return Ok(true) };
    if let Err(error) = audit::append(ctx, tenant.id, refusal(ctx, caller, &presented, need, refused)).await {
        tracing::warn!(tenant = %tenant.id, error = %error, "a refusal could not be written into the audit log");
    }
    Ok(false)
}

/// Notes in the audit log that somebody who was let in may not do this all the same.
pub async fn note_forbidden(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    admitted: &Admitted,
    reason: &str,
) -> Result<(), Failure> {
    let event = of(ctx, caller, &admitted.client_id, admitted.user_id).detail(json!({ "reason": reason }));
    Ok(audit::append(ctx, tenant.id, event).await?)
}

/// Notes in the audit log that a token that holds wasn't enough, at a resource that asks something else of it than
/// [`admit`] does.
pub async fn note_refusal(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    presented: &Presented,
    reason: &str,
) -> Result<(), Failure> {
    let user = presented.person().map(|subject| subject.live.user.id);
    let event = of(ctx, caller, &presented.client.id, user).detail(json!({ "reason": reason }));
    Ok(audit::append(ctx, tenant.id, event).await?)
}

/// What the audit log says of a refusal.
fn refusal(ctx: &Ctx, caller: &Caller, presented: &Presented, need: Need, refused: AccessError) -> audit::AuditBuilder {
    let user = presented.person().map(|subject| subject.live.user.id);
    let detail = json!({ "needs": need.scope, "reason": refused.to_string() });
    of(ctx, caller, &presented.client.id, user).detail(detail)
}

fn of(ctx: &Ctx, caller: &Caller, client: &ClientId, user: Option<UserId>) -> audit::AuditBuilder {
    let event = audit::refusal(ctx, AuditKind::AccessRefused, caller, client);
    user.into_iter().fold(event, audit::AuditBuilder::user)
}

fn decide(tenant: &Tenant, presented: &Presented, need: Need) -> Result<(), AccessError> {
    let ours = [tenant.issuer.as_str(), &admin_audience(tenant)];
    if !ours.iter().any(|audience| presented.audience.contains(audience)) {
        return Err(AccessError::Audience);
    }
    if !presented.scope.contains(need.scope) {
        return Err(AccessError::Scope(need.scope));
    }
    match &presented.bearer {
        Bearer::Person(subject) if !subject.live.user.roles.contains(need.role) => Err(AccessError::Role(need.role)),
        Bearer::Person(_) | Bearer::Service => Ok(()),
    }
}
