//! `/userinfo` (OpenID Connect Core §5.3).

use poem::error::ResponseError as _;
use poem::http::{HeaderValue, header};
use poem::{Request, Response};

use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::bearer;
use crate::http::extract::oauth_form::{FormError, PostedBody};
use crate::http::extract::visit::Call;
use crate::service::userinfo;

/// The claims of the user whose access token the request carries.
pub async fn answer(call: &Call, request: &Request, form: Option<&Parameters>) -> Result<Response, OAuthError> {
    let token = bearer::read(request, form)?;
    let claims = userinfo::claims(&call.ctx, call.tenant(), &token).await?;
    let body = serde_json::to_vec(&claims).map_err(|_| OAuthError::server_error())?;
    Ok(Response::builder()
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .content_type("application/json")
        .body(body))
}

/// The same by POST, where the form may carry the token (RFC 6750 §2.2).
pub async fn by_post(call: &Call, request: &Request, body: PostedBody) -> Result<Response, OAuthError> {
    let form = match body.0 {
        Ok(form) => Some(form),
        Err(FormError::ContentType) if !request.headers().contains_key(header::CONTENT_TYPE) => None,
        Err(error) => {
            let status = OAuthError::form(error).status();
            return Err(OAuthError::bearer(status, Some("invalid_request"), error.to_string()));
        }
    };
    answer(call, request, form.as_ref()).await
}
