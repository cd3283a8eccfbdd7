//! `/userinfo` (OpenID Connect Core §5.3).

use poem::error::ResponseError as _;
use poem::http::HeaderMap;
use poem_openapi::Object;

use crate::domain::parameters::Parameters;
use crate::domain::tenant::Tenant;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::bearer;
use crate::http::extract::oauth_form::OptionalForm;
use crate::http::extract::visit::Call;
use crate::http::ready::{Ready, unkept};
use crate::service::ctx::{Caller, Ctx};
use crate::service::userinfo::{self, Userinfo};

/// The claims of the user whose access token the request carries. Who asks, and from where, is wanted for a refusal alone.
pub async fn answer(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: impl FnOnce() -> Caller,
    headers: &HeaderMap,
    form: Option<&Parameters>,
) -> Result<Ready, OAuthError> {
    let token = bearer::read(headers, form)?;
    Ok(match userinfo::answer(ctx, tenant, caller, &token).await? {
        Userinfo::Json(bytes) => unkept("application/json", bytes),
        Userinfo::Jwt(bytes) => unkept("application/jwt", bytes),
    })
}

/// A request for claims by POST (RFC 6750 §2.2).
#[derive(Debug, Object)]
pub struct UserinfoRequest {
    /// The access token, where the `Authorization` header doesn't have it.
    access_token: Option<String>,
}

/// The same by POST, where the form may carry the token.
pub async fn by_post(
    call: &Call,
    headers: &HeaderMap,
    form: OptionalForm<UserinfoRequest>,
) -> Result<Ready, OAuthError> {
    let form = form.parameters.map_err(|error| {
        let status = OAuthError::form(error).status();
        OAuthError::bearer(status, Some("invalid_request"), error.to_string())
    })?;
    answer(&call.ctx, call.tenant(), || call.caller.clone(), headers, form.as_ref()).await
}
