//! `/revoke` (RFC 7009 §2).

use poem::http::{HeaderMap, HeaderValue, header};
use poem_openapi::ApiResponse;
use poem_openapi::payload::Json;

use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::{OAuthError, OAuthErrorBody};
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::ready::Ready;
use crate::service::clients::ReadyClient;
use crate::service::{client_authentication, revocation};

/// The answers of `/revoke`, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum RevocationAnswers {
    /// The token doesn't work.
    #[oai(status = 200)]
    Revoked,
    /// The request is wrong, or the token another client's.
    #[oai(status = 400)]
    Refused(Json<OAuthErrorBody>),
    /// The client didn't prove itself.
    #[oai(status = 401)]
    Unauthorized(Json<OAuthErrorBody>),
    /// The form is larger than 16 KiB.
    #[oai(status = 413)]
    TooLarge(Json<OAuthErrorBody>),
    /// Too many requests; `Retry-After` says when again.
    #[oai(status = 429)]
    TooMany(Json<OAuthErrorBody>),
    /// Come back later; nothing was revoked.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
}

/// Revokes a token. 200 says that it doesn't work from now on, whether or not it did before.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await?;
    let revoked = revoke(call, form, &client).await;
    if let Some(error) = revoked.as_ref().err().and_then(OAuthError::refusal) {
        revocation::note_refusal(&call.ctx, call.tenant_id(), &call.caller, &client.id, error).await?;
    }
    revoked?;
    let mut answer = Ready::default();
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(answer)
}

async fn revoke(call: &Call, form: &Parameters, client: &ReadyClient) -> Result<(), OAuthError> {
    form.optional("token_type_hint")?;
    let token = Secret::new(form.required("token")?);
    Ok(revocation::revoke(&call.ctx, call.tenant(), client, &call.caller, &token).await?)
}
