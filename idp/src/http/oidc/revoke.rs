//! `/revoke` (RFC 7009 §2).

use poem::http::{HeaderValue, header};
use poem::{Request, Response};

use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::service::{client_authentication, revocation};

/// Revokes a token. 200 says that it doesn't work from now on, whether or not it did before.
pub async fn answer(call: &Call, request: &Request, form: &Parameters) -> Result<Response, OAuthError> {
    let presented = credentials::read(request, form)?;
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await?;
    form.optional("token_type_hint")?;
    let token = Secret::new(form.required("token")?);
    revocation::revoke(&call.ctx, call.tenant(), &client, &call.caller, &token).await?;
    Ok(Response::builder().header(header::CACHE_CONTROL, HeaderValue::from_static("no-store")).finish())
}
