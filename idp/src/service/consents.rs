//! Consents that people gave: looked at, and taken back.

use thiserror::Error;

use super::audit::Actor;
use super::ctx::Ctx;
use super::{Failure, audit, events};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::consent::Consent;
use crate::domain::event::EventType;
use crate::domain::{ClientId, TenantId, UserId};
use crate::store::{self, StoreError};

/// Why a consent isn't taken back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WithdrawError {
    /// The person allowed this client nothing.
    #[error("the user {0} allowed the client {1} nothing")]
    Unknown(UserId, ClientId),
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// What a person allowed, in order of the clients' ids, from the one after `after`; at most 1,000 at a time.
pub async fn list_of_user(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    after: Option<&ClientId>,
    limit: u64,
) -> Result<Vec<Consent>, Failure> {
    Ok(store::consents::list_of_user(ctx.database.read(), tenant, user, after, limit).await?)
}

/// What a client was allowed, in order of the people's ids, from the one after `after`; at most 1,000 at a time.
pub async fn list_of_client(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ClientId,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<Consent>, Failure> {
    Ok(store::consents::list_of_client(ctx.database.read(), tenant, client, after, limit).await?)
}

/// Takes a consent back, and with it in one transaction all that came of it: codes that weren't redeemed yet and tokens
/// don't work from now on. What a client of the tenant's own got without asking is taken back as well.
pub async fn withdraw(
    ctx: &Ctx,
    tenant: TenantId,
    user: UserId,
    client: &ClientId,
    actor: impl Into<Actor>,
) -> Result<(), WithdrawError> {
    let now = ctx.now();
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::ConsentWithdrawn, Outcome::Success).by(&actor).user(user).client(client);
    let told = events::of(ctx, EventType::ConsentWithdrawn).by(&actor).user(user).client(client);
    let id = client.clone();
    let withdrawn = ctx
        .database
        .write(async move |tx| {
            let consented = store::consents::delete(&tx, tenant, user, &id).await?;
            let grants = store::grants::revoke_of_pair(&tx, tenant, user, &id, now).await?;
            if !consented && grants == 0 {
                return Ok(false);
            }
            let event = event.detail(serde_json::json!({ "grants_ended": grants }));
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok(true)
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    if withdrawn { Ok(()) } else { Err(WithdrawError::Unknown(user, client.clone())) }
}
