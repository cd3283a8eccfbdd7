//! How a client proves itself in a request: read here, judged by [`client_authentication`].
//!
//! [`client_authentication`]: crate::service::client_authentication

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::http::{HeaderMap, header};

use crate::domain::client::ClientAuthMethod;
use crate::domain::parameters::{ParameterError, Parameters, decode_component};
use crate::domain::{ClientId, Secret};
use crate::http::error::oauth::OAuthError;
use crate::service::client_authentication::{PresentedCredentials, REFUSAL};

/// `client_assertion_type` of RFC 7523 §2.2.
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The credentials of a request. More than one kind is refused (RFC 6749 §2.3).
pub fn read(headers: &HeaderMap, parameters: &Parameters) -> Result<PresentedCredentials, OAuthError> {
    let mut headers = headers.get_all(header::AUTHORIZATION).iter();
    let basic = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(_), Some(_)) => return Err(OAuthError::invalid_request("there is more than one Authorization header")),
        (Some(value), None) => Some(value.to_str().ok().and_then(basic).ok_or_else(|| {
            OAuthError::invalid_client("the Authorization header must be HTTP Basic with client id and secret")
        })?),
    };
    let client_id = match parameters.optional("client_id")? {
        None => None,
        Some(text) => Some(text.parse::<ClientId>().map_err(|_| OAuthError::invalid_client(REFUSAL))?),
    };
    let secret = parameters.optional("client_secret")?;
    let assertion = parameters.optional("client_assertion")?;
    let assertion_type = parameters.optional("client_assertion_type")?;
    if usize::from(basic.is_some()) + usize::from(secret.is_some()) + usize::from(assertion.is_some()) > 1 {
        return Err(OAuthError::invalid_request("the client authenticates in more than one way; use one"));
    }
    match (basic, secret, assertion) {
        (Some((basic_id, _)), ..) if client_id.as_ref().is_some_and(|id| *id != basic_id) => {
            Err(OAuthError::invalid_request("client_id is not that of the Authorization header"))
        }
        (Some((client_id, secret)), ..) => {
            Ok(PresentedCredentials::Secret { method: ClientAuthMethod::ClientSecretBasic, client_id, secret })
        }
        (_, Some(secret), _) => Ok(PresentedCredentials::Secret {
            method: ClientAuthMethod::ClientSecretPost,
            client_id: client_id.ok_or(ParameterError::Missing("client_id"))?,
            secret: Secret::new(secret),
        }),
        (_, _, Some(jwt)) => {
            if assertion_type != Some(JWT_BEARER) {
                return Err(OAuthError::invalid_request(format!("client_assertion_type must be {JWT_BEARER}")));
            }
            let client_id = match client_id {
                Some(client_id) => client_id,
                None => subject(jwt).ok_or_else(|| OAuthError::invalid_client(REFUSAL))?,
            };
            Ok(PresentedCredentials::Assertion { client_id, jwt: Secret::new(jwt) })
        }
        (None, None, None) if assertion_type.is_some() => Err(ParameterError::Missing("client_assertion").into()),
        (None, None, None) => match client_id {
            Some(client_id) => Ok(PresentedCredentials::Name(client_id)),
            None => Err(OAuthError::invalid_client("the request names no client")),
        },
    }
}

/// RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
fn basic(header: &str) -> Option<(ClientId, Secret)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|&b| b == b':')?;
    let (id, secret) = decoded.split_at(colon);
    let id = decode_component(id)?.parse().ok()?;
    let secret = decode_component(secret.get(1..)?)?;
    (!secret.is_empty()).then(|| (id, Secret::new(secret)))
}

/// The client that an assertion names, before anything of it is believed.
fn subject(jwt: &str) -> Option<ClientId> {
    let payload = jwt.split('.').nth(1)?;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: keys::RegisteredClaims = serde_json::from_slice(&bytes).ok()?;
    claims.sub?.parse().ok()
}
