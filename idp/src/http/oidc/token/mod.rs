//! `/token` (RFC 6749 §3.2): finds the client, then the grant, each in a file of its own.

mod authorization_code;
mod client_credentials;
mod password;
mod refresh_token;

use poem::http::{HeaderMap, HeaderValue, header};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;

use crate::domain::ClientId;
use crate::domain::client::GrantType;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::{OAuthError, OAuthErrorBody};
use crate::http::extract::client_credentials as credentials;
use crate::http::extract::visit::Call;
use crate::http::ready::{Ready, unkept};
use crate::service::client_authentication;
use crate::service::token::{self, Tokens};

/// A token request (RFC 6749 §4.1.3, §4.4.2; client authentication §2.3.1 and RFC 7523 §2.2).
#[derive(Debug, Object)]
pub struct TokenRequest {
    /// `authorization_code`, `refresh_token` or `client_credentials`; `password` for clients of the profile `compat`.
    grant_type: String,
    /// The code, for `authorization_code`.
    code: Option<String>,
    /// The redirect URI of the authorization request, for `authorization_code`.
    redirect_uri: Option<String>,
    /// The PKCE verifier, for `authorization_code`.
    code_verifier: Option<String>,
    /// The refresh token, for `refresh_token`.
    refresh_token: Option<String>,
    /// The person's e-mail address or user name, for `password`.
    username: Option<String>,
    /// The person's password, for `password`.
    password: Option<String>,
    /// Scopes, space-separated, for `client_credentials`, `refresh_token` and `password`.
    scope: Option<String>,
    /// What the token is for (RFC 8707), for `client_credentials`: the issuer and `/v1/admin`, for the admin API.
    resource: Option<String>,
    /// The client, where the `Authorization` header doesn't name it.
    client_id: Option<String>,
    /// The client's secret, for `client_secret_post`.
    client_secret: Option<String>,
    /// `urn:ietf:params:oauth:client-assertion-type:jwt-bearer`, for `private_key_jwt`.
    client_assertion_type: Option<String>,
    /// The assertion, for `private_key_jwt`.
    client_assertion: Option<String>,
}

/// A token response (RFC 6749 §5.1, OpenID Connect Core §3.1.3.3).
#[derive(Debug, Serialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct TokenResponse {
    /// The access token (RFC 9068).
    pub access_token: String,
    /// `Bearer`.
    pub token_type: String,
    /// Life of the access token in seconds.
    pub expires_in: u64,
    /// What was granted, space-separated.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The ID token, for a person who was asked for `openid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token: Option<String>,
    /// The refresh token, where `offline_access` was granted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
}

/// The answers of `/token`, as the OpenAPI document describes them.
#[derive(ApiResponse)]
pub enum TokenAnswers {
    /// Tokens.
    #[oai(status = 200)]
    Tokens(Json<TokenResponse>),
    /// The request is wrong (RFC 6749 §5.2).
    #[oai(status = 400)]
    Refused(Json<OAuthErrorBody>),
    /// The client didn't prove itself.
    #[oai(status = 401)]
    Unauthorized(Json<OAuthErrorBody>),
    /// The form is larger than 16 KiB.
    #[oai(status = 413)]
    TooLarge(Json<OAuthErrorBody>),
    /// Too many requests, or wrong passwords; `Retry-After` says when again.
    #[oai(status = 429)]
    TooMany(Json<OAuthErrorBody>),
    /// Come back later.
    #[oai(status = 503)]
    Unavailable(Json<OAuthErrorBody>),
}

/// Answers a token request.
pub async fn answer(call: &Call, headers: &HeaderMap, form: &Parameters) -> Result<Ready, OAuthError> {
    let presented = credentials::read(headers, form)?;
    let asked = grant_type(form);
    let client = client_authentication::authenticate(&call.ctx, call.tenant(), &call.caller, &presented).await;
    let (grant_type, client) = match (asked, client) {
        (Ok(grant_type), client) => (grant_type, client?),
        (Err(error), Ok(client)) => return respond(call, &client.id, None, Err(error)).await,
        (Err(error), Err(_)) => return Err(error),
    };
    let tokens = match grant_type {
        GrantType::AuthorizationCode => authorization_code::grant(call, &client, form).await,
        GrantType::ClientCredentials => client_credentials::grant(call, &client, form).await,
        GrantType::RefreshToken => refresh_token::grant(call, &client, form).await,
        GrantType::Password => password::grant(call, &client, form).await,
    };
    respond(call, &client.id, Some(grant_type), tokens).await
}

/// The grant that a form asks for.
fn grant_type(form: &Parameters) -> Result<GrantType, OAuthError> {
    let grant_type = GrantType::from_name(form.required("grant_type")?).ok_or_else(|| {
        OAuthError::bad_request("unsupported_grant_type", "grant_type must be one of grant_types_supported")
    })?;
    // A client that asks for a narrower token must not get a wider one in silence (RFC 8707 §2).
    if grant_type == GrantType::AuthorizationCode && form.all("resource").next().is_some() {
        return Err(OAuthError::bad_request("invalid_target", "resource indicators are not supported"));
    }
    Ok(grant_type)
}

/// What a grant came to for this client: a token response, or a refusal, which is in the audit log.
pub async fn respond(
    call: &Call,
    client: &ClientId,
    grant_type: Option<GrantType>,
    tokens: Result<Tokens, OAuthError>,
) -> Result<Ready, OAuthError> {
    if let Some(error) = tokens.as_ref().err().and_then(OAuthError::refusal) {
        token::note_refusal(&call.ctx, call.tenant_id(), &call.caller, client, (grant_type, error)).await?;
    }
    written(tokens?)
}

/// A token response as JSON that nobody keeps.
fn written(tokens: Tokens) -> Result<Ready, OAuthError> {
    let response = TokenResponse {
        expires_in: tokens.access_token.lifetime.as_secs(),
        scope: tokens.access_token.scope.to_string(),
        access_token: tokens.access_token.jwt,
        token_type: "Bearer".to_owned(),
        id_token: tokens.id_token,
        refresh_token: tokens.refresh_token.map(|token| token.expose().to_owned()),
    };
    let body = serde_json::to_vec(&response).map_err(|_| OAuthError::server_error())?;
    let mut ready = unkept("application/json", body);
    ready.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(ready)
}
