//! Whose scripts may call the first-party API from a page elsewhere.
//!
//! Browsers ask before a script's call, and that question names no client: an origin that any active client of the tenant
//! registered may call. What a call may then do hangs on its tokens, as from anywhere.

use std::time::Duration;

use super::Failure;
use super::ctx::Ctx;
use super::kept::Kept;
use crate::domain::TenantId;
use crate::domain::origin::Origin;
use crate::store;
use crate::store::change::Change;

/// How many origins are kept ready.
const CACHED: u64 = 10_000;
/// How long one is kept at most, should the news of its change ever be lost.
const KEPT: Duration = Duration::from_mins(5);

/// Origins that were asked for and may call. Those that may not aren't remembered: there is no end of them.
#[derive(Clone, Debug)]
pub struct AllowedOrigins(Kept<(TenantId, Origin), ()>);

impl Default for AllowedOrigins {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

/// Whether scripts of this origin are known to be allowed to call, without asking the database.
pub async fn is_kept(ctx: &Ctx, tenant: TenantId, origin: &Origin) -> bool {
    ctx.allowed_origins.0.get(&ctx.database, &(tenant, origin.clone())).await.is_some()
}

/// Whether scripts of this origin may call. No database when warm; once the client that registered it has changed, the
/// database is asked.
pub async fn may_call(ctx: &Ctx, tenant: TenantId, origin: &Origin) -> Result<bool, Failure> {
    let (database, key) = (&ctx.database, (tenant, origin.clone()));
    let kept = &ctx.allowed_origins.0;
    if kept.get(database, &key).await.is_some() {
        return Ok(true);
    }
    let lookup = database.changes().begin();
    let Some(client) = store::client_origins::holder(database.read(), tenant, origin).await? else { return Ok(false) };
    kept.keep(database, lookup, &[Change::Client(tenant, client)], key, ()).await;
    Ok(true)
}
