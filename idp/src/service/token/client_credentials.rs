//! Grant type `client_credentials` (RFC 6749 §4.4): a service gets its own token.

use super::{TokenError, Tokens};
use crate::domain::client::{Client, GrantType};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::service::ctx::Ctx;
use crate::service::issue;

/// A token for the client itself. Without `scope` it gets all that it may get (RFC 6749 §3.3).
pub async fn grant(ctx: &Ctx, tenant: &Tenant, client: &Client, scope: Option<&str>) -> Result<Tokens, TokenError> {
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
    let access_token = issue::service_token(ctx, tenant, client, scope).await?;
    Ok(Tokens { access_token, id_token: None, refresh_token: None })
}
