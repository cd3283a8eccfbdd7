//! `/v1/auth/m2m/token`: the service token of old, from the standard `client_credentials` grant. The form is that of
//! `/token`; `grant_type` may be left out.

use poem::http::HeaderMap;

use crate::domain::client::GrantType;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::oidc::token;
use crate::http::ready::Ready;
use crate::service::client_authentication;
use crate::service::token::client_credentials;

/// Issues a service's own token.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    if form.optional("grant_type")?.is_some_and(|name| name != GrantType::ClientCredentials.as_str()) {
        return Err(OAuthError::bad_request("unsupported_grant_type", "grant_type must be client_credentials"));
    }
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await?;
    let resources: Vec<&str> = form.all("resource").collect();
    let scope = form.optional("scope")?;
    let tokens = client_credentials::grant(&call.ctx, call.tenant(), &client, scope, &resources).await;
    token::respond(call, &client.id, GrantType::ClientCredentials, tokens.map_err(OAuthError::from)).await
}
