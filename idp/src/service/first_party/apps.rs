//! Which clients are the tenant's own apps.

use std::sync::Arc;

use thiserror::Error;

use crate::domain::client::{Client, ClientAuthMethod, ClientMetadata, ClientStatus, ConsentPolicy, GrantType};
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, TenantId};
use crate::service::Failure;
use crate::service::audit::Actor;
use crate::service::clients::{self, ClientChangeError, ClientLookupError, NewClient, ReadyClient};
use crate::service::ctx::Ctx;

/// The client of apps that name none: made when it is first asked for, and so never deleted.
pub const USUAL: &str = "first-party";
/// What it may get.
const USUAL_SCOPE: &str = "openid profile email";

/// Why there is no such app.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppError {
    /// There is no such client.
    #[error("client_id names none of the tenant's own apps: public clients with consent implied and refresh tokens")]
    Unknown,
    /// That client isn't one of the tenant's own apps, or is disabled. The caller is told no more than that there is no such app.
    #[error("{}", Self::Unknown)]
    Foreign(ClientId),
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Whether a client is one of the tenant's own apps: nobody is asked before it gets anything, it has no secret that it
/// couldn't keep, and it may refresh.
pub fn is_own(client: &Client) -> bool {
    let metadata = &client.metadata;
    metadata.consent == ConsentPolicy::Implied
        && metadata.token_endpoint_auth_method == ClientAuthMethod::None
        && metadata.grant_types.contains(&GrantType::RefreshToken)
}

/// The app of that id; without one, the tenant's usual app.
pub async fn app(ctx: &Ctx, tenant: &Tenant, id: Option<&str>) -> Result<Arc<ReadyClient>, AppError> {
    let named = match id {
        Some(id) => id.parse().map_err(|_| AppError::Unknown)?,
        None => ClientId::try_from(USUAL.to_owned()).map_err(|_| Failure::Internal)?,
    };
    let found = match known(ctx, tenant.id, &named).await {
        Err(AppError::Unknown) if id.is_none() => {
            make(ctx, tenant.id, &named).await?;
            known(ctx, tenant.id, &named).await
        }
        found => found,
    }?;
    if found.status == ClientStatus::Active && is_own(&found) { Ok(found) } else { Err(AppError::Foreign(named)) }
}

async fn known(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Arc<ReadyClient>, AppError> {
    clients::known(ctx, tenant, id).await.map_err(|error| match error {
        ClientLookupError::Unknown => AppError::Unknown,
        ClientLookupError::Failure(failure) => AppError::Failure(failure),
    })
}

/// Makes the usual app. Of many that do so at once one makes it; one that is there, disabled, stays as it is.
async fn make(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<(), AppError> {
    let mut metadata = ClientMetadata::new([GrantType::RefreshToken], ClientAuthMethod::None);
    metadata.consent = ConsentPolicy::Implied;
    metadata.scope = USUAL_SCOPE.parse().unwrap_or_default();
    let new = NewClient { id: Some(id.clone()), name: "First-party apps".to_owned(), metadata, secret: None };
    match clients::create(ctx, tenant, new, Actor::signet()).await {
        Ok(_) | Err(ClientChangeError::Taken(_)) => Ok(()),
        Err(ClientChangeError::Failure(failure)) => Err(failure.into()),
        Err(error) => {
            tracing::error!(error = %error, "the client of first-party apps can't be made");
            Err(Failure::Internal.into())
        }
    }
}
