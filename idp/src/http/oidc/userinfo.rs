//! `/userinfo` (OpenID Connect Core §5.3).

use poem::error::ResponseError as _;
use poem::http::HeaderMap;
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, ResponseContent};

use crate::domain::parameters::Parameters;
use crate::domain::tenant::Tenant;
use crate::http::error::oauth::{OAuthError, OAuthErrorBody};
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

/// The body with the claims, as the OpenAPI document describes it.
#[derive(ResponseContent)]
pub enum UserinfoContent {
    /// As they are.
    #[oai(content_type = "application/json")]
    Json(Json<Any<serde_json::Value>>),
    /// Signed, for a client that registered `userinfo_signed_response_alg`.
    #[oai(content_type = "application/jwt")]
    Jwt(PlainText<String>),
}

/// The answers of `GET /userinfo`, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum UserinfoAnswers {
    /// The claims.
    #[oai(status = 200)]
    Claims(UserinfoContent),
    /// The request is wrong (RFC 6750 §3.1).
    #[oai(status = 400)]
    Refused(Json<OAuthErrorBody>),
    /// The access token is missing or invalid.
    #[oai(status = 401)]
    Unauthorized(Json<OAuthErrorBody>),
    /// The access token wasn't given `openid`.
    #[oai(status = 403)]
    Forbidden(Json<OAuthErrorBody>),
    /// Too many requests; `Retry-After` says when again.
    #[oai(status = 429)]
    TooMany(Json<OAuthErrorBody>),
    /// Come back later.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
}

/// The answers of `POST /userinfo`, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum PostedUserinfoAnswers {
    /// The claims.
    #[oai(status = 200)]
    Claims(UserinfoContent),
    /// The request is wrong (RFC 6750 §3.1).
    #[oai(status = 400)]
    Refused(Json<OAuthErrorBody>),
    /// The access token is missing or invalid.
    #[oai(status = 401)]
    Unauthorized(Json<OAuthErrorBody>),
    /// The access token wasn't given `openid`.
    #[oai(status = 403)]
    Forbidden(Json<OAuthErrorBody>),
    /// The form is larger than 16 KiB.
    #[oai(status = 413)]
    TooLarge(Json<OAuthErrorBody>),
    /// Too many requests; `Retry-After` says when again.
    #[oai(status = 429)]
    TooMany(Json<OAuthErrorBody>),
    /// Come back later.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
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
