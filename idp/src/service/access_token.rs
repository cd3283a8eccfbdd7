//! Access tokens of ours, as they come back: verified once, and remembered as long as nothing about them changes.

use std::sync::Arc;
use std::time::Duration;

use keys::{ClaimRules, Purpose, RegisteredClaims};
use serde::Deserialize;

use super::ctx::Ctx;
use super::kept::Kept;
use super::{Failure, issue, key_rings};
use crate::domain::tenant::Tenant;
use crate::domain::{GrantId, Secret, SessionId, TenantId};
use crate::store::changes::Change;

/// How many tokens are remembered.
const CACHED: u64 = 50_000;
/// How long one is remembered at most.
const KEPT: Duration = Duration::from_mins(5);

/// A token whose signature is good. Nothing is said of its time, or of what it belongs to.
#[derive(Debug)]
struct Verified {
    registered: RegisteredClaims,
    grant: Option<GrantId>,
    sid: Option<SessionId>,
}

/// What an access token of ours says beside the registered claims.
#[derive(Deserialize)]
struct OwnClaims {
    sid: Option<SessionId>,
}

/// Tokens that were verified, by tenant and SHA-256. Those that failed aren't remembered: there is no end of them.
#[derive(Clone, Debug)]
pub struct VerifiedTokens(Kept<(TenantId, [u8; 32]), Arc<Verified>>);

impl Default for VerifiedTokens {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

/// What a person's access token says that is worth asking for.
#[derive(Clone, Debug)]
pub struct Presented {
    verified: Arc<Verified>,
    /// The grant that it belongs to.
    pub grant: GrantId,
}

impl Presented {
    /// The person, as the client knows them.
    pub fn subject(&self) -> Option<&str> {
        self.verified.registered.sub.as_deref()
    }

    /// The session that it was given in.
    pub fn session(&self) -> Option<SessionId> {
        self.verified.sid
    }
}

/// Reads a person's access token: `None` if it isn't one of this tenant's or its time is up. Whether its grant lives
/// [`subject`](super::subject) knows. No database and no signature when warm.
pub async fn read(ctx: &Ctx, tenant: &Tenant, token: &Secret) -> Result<Option<Presented>, Failure> {
    let key = (tenant.id, token.sha256());
    let tokens = &ctx.verified_tokens.0;
    let verified = if let Some(verified) = tokens.get(&ctx.database, &key).await {
        verified
    } else {
        let lookup = ctx.database.changes().begin();
        let ring = key_rings::ring(ctx, tenant.id).await?;
        let Ok(jws) = ring.verify(token.expose(), Purpose::AccessToken) else { return Ok(None) };
        let Ok(registered) = jws.claims::<RegisteredClaims>() else { return Ok(None) };
        let Ok(OwnClaims { sid }) = jws.claims::<OwnClaims>() else { return Ok(None) };
        let grant = registered.jti.as_deref().and_then(issue::grant_of_jti);
        let verified = Arc::new(Verified { registered, grant, sid });
        tokens.keep(&ctx.database, lookup, &[Change::Keys(tenant.id)], key, Arc::clone(&verified)).await;
        verified
    };
    let rules = ClaimRules::at(ctx.now().seconds()).issuer(tenant.issuer.as_str());
    let good = rules.check(&verified.registered).is_ok();
    Ok(verified.grant.filter(|_| good).map(|grant| Presented { verified, grant }))
}
