//! What an app is given with a session: a grant that ends with it, and a refresh token.

use std::time::Duration;

use crate::domain::client::{Client, GrantType};
use crate::domain::grant::{Authentication, Grant};
use crate::domain::scope::{OFFLINE_ACCESS, ScopeSet};
use crate::domain::session::Session;
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::domain::{ClientId, GrantId, Secret, TenantId};
use crate::service::Failure;
use crate::service::ctx::Ctx;
use crate::service::issue::UserGrant;
use crate::service::refresh_tokens::RefreshToken;
use crate::service::sessions::policy;
use crate::service::subject::{self, LiveSubject};
use crate::store::{self, StoreError, Tx};

/// What is drawn before the transaction in which a session begins.
#[derive(Clone, Debug)]
pub struct AppGrant {
    id: GrantId,
    client_id: ClientId,
    scope: ScopeSet,
    refresh_token: Option<RefreshToken>,
    /// Longest rest of the refresh token.
    rest: Duration,
}

impl AppGrant {
    /// A grant to this client.
    pub fn drawn(ctx: &Ctx, tenant: &Tenant, client: &Client, scope: &ScopeSet) -> Result<Self, Failure> {
        let id = GrantId::from_uuid(ctx.random.uuid_v7(ctx.now()));
        let refreshes = client.metadata.grant_types.contains(&GrantType::RefreshToken);
        let refresh_token = if refreshes { Some(ctx.refresh_keys.first(id, ctx.random.bytes())?) } else { None };
        let rest = policy::of_first_party(&tenant.settings).refresh_token_lifetime;
        // It ends with the session, whatever the client may have elsewhere.
        let scope = scope.iter().filter(|scope| scope.as_str() != OFFLINE_ACCESS).cloned().collect();
        Ok(Self { id, client_id: client.id.clone(), scope, refresh_token, rest })
    }

    /// Gives it, in the transaction in which the session begins.
    pub(in crate::service) async fn give(
        &self,
        tx: &Tx,
        tenant: TenantId,
        session: &Session,
    ) -> Result<(), StoreError> {
        let now = session.auth_time;
        let grant = Grant {
            id: self.id,
            user_id: session.user_id,
            client_id: self.client_id.clone(),
            session_id: Some(session.id),
            scope: self.scope.clone(),
            claims: None,
            offline: false,
            authentication: Some(authentication(session)),
            created_at: now,
            expires_at: Some(session.expires_at),
            revoked_at: None,
        };
        store::grants::insert(tx, tenant, &grant).await?;
        if let Some(token) = &self.refresh_token {
            let expires_at = grant.refreshed_until(now + self.rest);
            store::refresh_tokens::insert(tx, tenant, grant.id, &token.hash(), now, expires_at).await?;
        }
        Ok(())
    }

    /// The refresh token, where the client may have one.
    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.refresh_token.as_ref().map(RefreshToken::text)
    }

    /// What the tokens come from.
    pub(super) fn of(&self, user: User, session: &Session) -> UserGrant {
        UserGrant {
            user,
            session_id: Some(session.id),
            origin: Some(session.origin),
            grant_id: self.id,
            scope: self.scope.clone(),
            nonce: None,
            authentication: authentication(session),
            claims: None,
        }
    }
}

fn authentication(session: &Session) -> Authentication {
    Authentication { time: session.auth_time, amr: session.amr.clone(), acr: session.acr.clone() }
}

/// What a refresh token of this client is of, if that is live: its current one, or the one before, which an app may still
/// have whose answer was lost.
pub(super) async fn presented(
    ctx: &Ctx,
    tenant: TenantId,
    client: &Client,
    token: &Secret,
) -> Result<Option<LiveSubject>, Failure> {
    let Some(token) = ctx.refresh_keys.parse(token.expose()) else { return Ok(None) };
    let db = ctx.database.read();
    let Some(stored) = store::refresh_tokens::find(db, tenant, token.grant()).await? else { return Ok(None) };
    if stored.hash != token.hash() && stored.former_hash != Some(token.hash()) {
        return Ok(None);
    }
    let live = subject::live(db, tenant, token.grant(), &client.metadata.scope, ctx.now()).await?;
    Ok(live.ok().filter(|live| live.grant.client_id == client.id && client.created_at <= live.grant.created_at))
}
