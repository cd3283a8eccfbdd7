//! `/v1/auth/m2m/token`: the service token of old, from the standard `client_credentials` grant. The form is that of
//! `/token`; `grant_type` may be left out.

use poem::http::HeaderMap;

use crate::domain::client::{Client, GrantType};
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::oidc::token;
use crate::http::ready::Ready;
use crate::service::client_authentication;
use crate::service::token::{Tokens, client_credentials};

/// Issues a service's own token.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    let asked = grant_type(form);
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await;
    let client = match (asked, client) {
        (Ok(()), client) => client?,
        (Err(error), Ok(client)) => return token::respond(call, &client.id, None, Err(error)).await,
        (Err(error), Err(_)) => return Err(error),
    };
    let tokens = grant(call, &client, form).await;
    token::respond(call, &client.id, Some(GrantType::ClientCredentials), tokens).await
}

fn grant_type(form: &Parameters) -> Result<(), OAuthError> {
    match form.optional("grant_type")? {
        Some(name) if name != GrantType::ClientCredentials.as_str() => {
            Err(OAuthError::bad_request("unsupported_grant_type", "grant_type must be client_credentials"))
        }
        Some(_) | None => Ok(()),
    }
}

async fn grant(call: &Call, client: &Client, form: &Parameters) -> Result<Tokens, OAuthError> {
    let resources: Vec<&str> = form.all("resource").collect();
    let scope = form.optional("scope")?;
    Ok(client_credentials::grant(&call.ctx, call.tenant(), client, scope, &resources).await?)
}
