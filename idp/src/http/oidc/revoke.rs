//! `/revoke` (RFC 7009 §2).

use poem::http::{HeaderMap, HeaderValue, header};

use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::ready::Ready;
use crate::service::{client_authentication, revocation};

/// Revokes a token. 200 says that it doesn't work from now on, whether or not it did before.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await?;
    form.optional("token_type_hint")?;
    let token = Secret::new(form.required("token")?);
    revocation::revoke(&call.ctx, call.tenant(), &client, &call.caller, &token).await?;
    let mut revoked = Ready::default();
    revoked.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(revoked)
}
