//! Grant type `authorization_code` (RFC 6749 §4.1.3): a code becomes tokens, once.
//!
//! Everything is decided in one transaction whose conditional update makes one of many redemptions the first. A wrong
//! client, redirect URI or verifier rolls it back, so that such a request changes nothing; a second use by the right
//! client revokes what came of the first.

use std::time::Duration;

use super::{TokenError, Tokens};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::authorization_code::{AuthorizationCode, CodeDetail, Redeemed};
use crate::domain::client::{Client, GrantType};
use crate::domain::grant::{Authentication, Grant};
use crate::domain::pkce::CodeVerifier;
use crate::domain::scope::OFFLINE_ACCESS;
use crate::domain::tenant::Tenant;
use crate::domain::{CodeHash, Secret, TenantId, Timestamp};
use crate::service::audit;
use crate::service::ctx::{Caller, Ctx};
use crate::service::issue::{self, UserGrant};
use crate::service::subject::{self, LiveSubject};
use crate::store::{self, Tx};
use crate::telemetry::metrics::Operation;

/// What a client presents.
#[derive(Clone, Debug)]
pub struct CodePresentation {
    /// The code.
    pub code: Secret,
    /// The redirect URI, byte for byte that of the authorization request.
    pub redirect_uri: String,
    /// The PKCE verifier.
    pub code_verifier: Option<CodeVerifier>,
}

enum Decision {
    Granted(Box<UserGrant>, Option<Secret>),
    Replayed,
}

/// Redeems a code for the authenticated client.
pub async fn grant(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    caller: &Caller,
    presented: CodePresentation,
) -> Result<Tokens, TokenError> {
    let result = redeem(ctx, tenant, client, caller, presented).await;
    super::count(ctx, Operation::Code, &result);
    result
}

async fn redeem(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    caller: &Caller,
    presented: CodePresentation,
) -> Result<Tokens, TokenError> {
    if !client.metadata.grant_types.contains(&GrantType::AuthorizationCode) {
        return Err(TokenError::UnauthorizedClient);
    }
    let (tenant_id, client_id, now) = (tenant.id, client.id.clone(), ctx.now());
    // A client that was deleted and made anew under the same name isn't the one that the code was for.
    let client_since = client.created_at;
    let foreign = move |code: &AuthorizationCode| code.client_id != client_id || code.created_at < client_since;
    let hash = CodeHash(presented.code.sha256());
    let granted = audit::event(ctx, AuditKind::CodeRedeemed, Outcome::Success).client(&client.id).from(caller);
    let replayed = audit::event(ctx, AuditKind::CodeRedeemed, Outcome::Refused)
        .client(&client.id)
        .from(caller)
        .detail(serde_json::json!({ "reason": "the code was used before; its tokens were revoked" }));
    let (first, registered) = (FirstRefreshToken::drawn(ctx, client), client.metadata.scope.clone());
    let decision = ctx
        .database
        .write(async move |tx| match store::authorization_codes::redeem(&tx, tenant_id, &hash, now).await? {
            Redeemed::Unknown => Err(TokenError::InvalidGrant(UNKNOWN)),
            Redeemed::First(code) | Redeemed::Replayed(code) if foreign(&code) => {
                Err(TokenError::InvalidGrant(UNKNOWN))
            }
            Redeemed::Replayed(code) => {
                store::grants::revoke(&tx, tenant_id, code.grant_id, now).await?;
                tx.record(tenant_id, replayed.user(code.user_id));
                Ok(Decision::Replayed)
            }
            Redeemed::First(code) => {
                check_bindings(&code, &presented)?;
                tx.record(tenant_id, granted.user(code.user_id));
                let subject = subject::live(&tx, tenant_id, code.grant_id, &registered, now).await?;
                let subject = subject.ok().filter(|subject| subject.session.is_some());
                let subject = subject.ok_or(TokenError::InvalidGrant("the user's session has ended"))?;
                let refresh_token = match &first {
                    Some(first) => first.keep(&tx, tenant_id, &subject.grant, now).await?,
                    None => None,
                };
                Ok(Decision::Granted(Box::new(user_grant(subject, *code)), refresh_token))
            }
        })
        .await?;
    match decision {
        Decision::Replayed => Err(TokenError::Noted(UNKNOWN)),
        Decision::Granted(grant, refresh_token) => {
            let (access_token, id_token) = issue::user_tokens(ctx, tenant, client, &grant).await?;
            Ok(Tokens { access_token, id_token, refresh_token })
        }
    }
}

/// One text for unknown, foreign, expired and used codes: which it was is nobody's business but the operator's.
const UNKNOWN: &str = "the code is unknown, has expired, was used before, or belongs to another client";

fn check_bindings(code: &AuthorizationCode, presented: &CodePresentation) -> Result<(), TokenError> {
    if code.detail.redirect_uri.as_str() != presented.redirect_uri {
        return Err(TokenError::InvalidGrant("redirect_uri is not that of the authorization request"));
    }
    match (&code.detail.code_challenge, &presented.code_verifier) {
        (Some(challenge), Some(verifier)) if challenge.is_met_by(verifier) => Ok(()),
        (Some(_), Some(_)) => Err(TokenError::InvalidGrant("code_verifier does not match the code_challenge")),
        (Some(_), None) => Err(TokenError::InvalidGrant("code_verifier is missing")),
        // RFC 9700 §2.1.1: a verifier without a challenge is a downgrade.
        (None, Some(_)) => Err(TokenError::InvalidGrant("the authorization request had no code_challenge")),
        (None, None) => Ok(()),
    }
}

/// What a grant's first refresh token is made of, for a client that may refresh.
struct FirstRefreshToken {
    ctx: Ctx,
    secret: [u8; 32],
    idle: Duration,
}

impl FirstRefreshToken {
    fn drawn(ctx: &Ctx, client: &Client) -> Option<Self> {
        client.metadata.grant_types.contains(&GrantType::RefreshToken).then(|| Self {
            ctx: ctx.clone(),
            secret: ctx.random.bytes(),
            idle: ctx.config.tokens.refresh_token_idle_timeout,
        })
    }

    /// The token, where the grant has `offline_access` (OpenID Connect Core §11).
    async fn keep(
        &self,
        tx: &Tx,
        tenant: TenantId,
        grant: &Grant,
        now: Timestamp,
    ) -> Result<Option<Secret>, TokenError> {
        if !grant.scope.contains(OFFLINE_ACCESS) {
            return Ok(None);
        }
        let token = self.ctx.refresh_keys.first(grant.id, self.secret)?;
        let expires_at = grant.refreshed_until(now + self.idle);
        store::refresh_tokens::insert(tx, tenant, grant.id, &token.hash(), now, expires_at).await?;
        Ok(Some(token.text()))
    }
}

fn user_grant(subject: LiveSubject, code: AuthorizationCode) -> UserGrant {
    let CodeDetail { scope, nonce, auth_time, amr, acr, .. } = code.detail;
    UserGrant {
        user: subject.user,
        session_id: Some(code.session_id),
        origin: subject.session.map(|session| session.origin),
        grant_id: code.grant_id,
        scope: scope.intersection(&subject.grant.scope),
        nonce,
        authentication: Authentication { time: auth_time, amr, acr },
        claims: subject.grant.claims,
    }
}
