//! `/introspect` (RFC 7662 §2, RFC 9701 §4).

use poem::http::{HeaderMap, header};
use poem_openapi::payload::{Json, PlainText};
use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object, ResponseContent};

use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::{OAuthError, OAuthErrorBody};
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::ready::{Ready, unkept};
use crate::service::clients::ReadyClient;
use crate::service::{client_authentication, introspection};

/// The media type of a signed answer.
const SIGNED: &str = "application/token-introspection+jwt";

/// A question about a token (RFC 7662 §2.1), or the wish to revoke one (RFC 7009 §2.1).
#[derive(Debug, Object)]
pub struct TokenQuery {
    /// The token: an access token or a refresh token.
    token: String,
    /// `access_token` or `refresh_token`; not needed, a token's kind is seen by its form.
    token_type_hint: Option<String>,
    /// The client, where the `Authorization` header doesn't name it.
    client_id: Option<String>,
    /// The client's secret, for `client_secret_post`.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, for `private_key_jwt`.
    client_assertion_type: Option<String>,
    /// The assertion, for `private_key_jwt`.
    client_assertion: Option<String>,
}

/// The body of an introspection, as the OpenAPI document describes it.
#[derive(ResponseContent)]
pub enum IntrospectionContent {
    /// As it is: `{"active":false}`, or what the token says.
    #[oai(content_type = "application/json")]
    Json(Json<Any<serde_json::Value>>),
    /// Signed (RFC 9701), for who accepts that media type.
    #[oai(content_type = "application/token-introspection+jwt")]
    Jwt(PlainText<String>),
}

/// The answers of `/introspect`, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum IntrospectionAnswers {
    /// What the token is worth.
    #[oai(status = 200)]
    Introspection(IntrospectionContent),
    /// The request is wrong.
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
    /// Come back later.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
}

/// What a token is worth now.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await?;
    let answer = tell(call, headers, form, &client).await;
    if let Some(error) = answer.as_ref().err().and_then(OAuthError::refusal) {
        introspection::note_refusal(&call.ctx, call.tenant_id(), &call.caller, &client.id, error).await?;
    }
    answer
}

async fn tell(call: &Call, headers: &HeaderMap, form: &Parameters, client: &ReadyClient) -> Result<Ready, OAuthError> {
    // Who has nothing to prove itself with could be anybody, who would find out whether a token that they found works.
    if !client.is_confidential() {
        return Err(OAuthError::invalid_client("public clients may not introspect tokens"));
    }
    form.optional("token_type_hint")?;
    let token = Secret::new(form.required("token")?);
    let answer = introspection::answer(&call.ctx, call.tenant(), client, &token).await?;
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let wants_signed = accepted.flat_map(|text| text.split(',')).any(is_signed);
    Ok(if wants_signed {
        let jwt = introspection::sign(&call.ctx, call.tenant(), client, &answer).await?;
        unkept(SIGNED, jwt)
    } else {
        unkept("application/json", answer)
    })
}

fn is_signed(range: &str) -> bool {
    range.split(';').next().is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case(SIGNED))
}
