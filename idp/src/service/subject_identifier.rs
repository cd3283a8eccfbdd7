//! The `sub` under which a client knows a user (OpenID Connect Core §8).

use super::Failure;
use super::ctx::Ctx;
use crate::domain::client::Client;
use crate::domain::{TenantId, UserId};

/// The user's `sub` for this client. Everything that tells a client of a user, or is told of one, asks here.
#[expect(clippy::unused_async, reason = "pairwise subjects need the tenant's salt")]
pub async fn of(_ctx: &Ctx, _tenant: TenantId, _client: &Client, user: UserId) -> Result<String, Failure> {
    Ok(user.to_string())
}
