//! Grant type `client_credentials` (RFC 6749 §4.4): a service gets its own token.

use super::{TokenError, Tokens};
use crate::domain::client::{Client, GrantType};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::service::ctx::Ctx;
use crate::service::{access, issue};
use crate::telemetry::metrics::Operation;

/// A token for the client itself. Without `scope` it gets all that it may get (RFC 6749 §3.3).
///
/// `resources` say what the token is for (RFC 8707 §2.2). The admin API is the only one that there is; a token for it
/// has that audience and no scopes of anything else.
pub async fn grant(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    scope: Option<&str>,
    resources: &[&str],
) -> Result<Tokens, TokenError> {
    let result = issue_to(ctx, tenant, client, scope, resources).await;
    super::count(ctx, Operation::Service, &result);
    result
}

async fn issue_to(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    scope: Option<&str>,
    resources: &[&str],
) -> Result<Tokens, TokenError> {
    if !client.metadata.grant_types.contains(&GrantType::ClientCredentials) {
        return Err(TokenError::UnauthorizedClient);
    }
    let scope = match scope {
        None => client.metadata.scope.clone(),
        Some(text) => {
            let requested: ScopeSet = text.parse().map_err(|error| TokenError::InvalidScope(format!("{error}")))?;
            if !requested.is_subset(&client.metadata.scope) {
                return Err(TokenError::InvalidScope("scope names something that this client may not get".to_owned()));
            }
            requested
        }
    };
    let admin = access::admin_audience(tenant);
    let (audience, scope) = match resources {
        [] => (None, scope),
        resources if resources.iter().all(|resource| *resource == admin) => {
            let theirs = scope.iter().filter(|scope| scope.as_str().starts_with(access::ADMIN_SCOPES));
            (Some(admin.as_str()), theirs.cloned().collect())
        }
        _ => return Err(TokenError::InvalidTarget),
    };
    let access_token = issue::service_token(ctx, tenant, client, scope, audience).await?;
    Ok(Tokens { access_token, id_token: None, refresh_token: None })
}
