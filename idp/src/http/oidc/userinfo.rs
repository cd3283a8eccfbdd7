//! `/userinfo` (OpenID Connect Core §5.3).

use poem::error::ResponseError as _;
use poem::http::{HeaderValue, header};
use poem::{Request, Response};
use poem_openapi::Object;

use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::bearer;
use crate::http::extract::oauth_form::OptionalForm;
use crate::http::extract::visit::Call;
use crate::service::userinfo::{self, Userinfo};

/// The claims of the user whose access token the request carries.
pub async fn answer(call: &Call, request: &Request, form: Option<&Parameters>) -> Result<Response, OAuthError> {
    let token = bearer::read(request, form)?;
    let (media_type, body) = match userinfo::answer(&call.ctx, call.tenant(), &token).await? {
        Userinfo::Json(bytes) => ("application/json", bytes),
        Userinfo::Jwt(bytes) => ("application/jwt", bytes),
    };
    Ok(Response::builder()
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .content_type(media_type)
        .body(body))
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
    request: &Request,
    form: OptionalForm<UserinfoRequest>,
) -> Result<Response, OAuthError> {
    let form = form.parameters.map_err(|error| {
        let status = OAuthError::form(error).status();
        OAuthError::bearer(status, Some("invalid_request"), error.to_string())
    })?;
    answer(call, request, form.as_ref()).await
}
