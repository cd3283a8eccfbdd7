//! Access tokens in requests (RFC 6750 §2).

use poem::http::{HeaderMap, StatusCode, header};
use poem_openapi::registry::MetaSecurityScheme;

use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;

/// The access token of a request: in the header, or in the form of a POST. Never in the address, where logs keep it.
pub fn read(headers: &HeaderMap, form: Option<&Parameters>) -> Result<Secret, OAuthError> {
    let invalid = |text: &str| OAuthError::bearer(StatusCode::BAD_REQUEST, Some("invalid_request"), text);
    let mut headers = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(value), None) => {
            let token = value.to_str().ok().and_then(|text| text.split_once(' '));
            let token =
                token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
            Some(token.filter(|token| !token.is_empty()).ok_or_else(missing)?)
        }
        (Some(_), Some(_)) => return Err(invalid("there is more than one Authorization header")),
    };
    let in_form = match form {
        Some(form) => form.optional("access_token").map_err(|error| invalid(&error.to_string()))?,
        None => None,
    };
    match (in_header, in_form) {
        (Some(token), None) | (None, Some(token)) => Ok(Secret::new(token)),
        (Some(_), Some(_)) => Err(invalid("the access token was sent in more than one way; use one")),
        (None, None) => Err(missing()),
    }
}

fn missing() -> OAuthError {
    OAuthError::bearer(StatusCode::UNAUTHORIZED, None, "an access token is needed: Authorization: Bearer TOKEN")
}

/// An access token in the header, as the OpenAPI document has it. `description` says which tokens it takes.
pub fn scheme(description: &'static str) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: Some("JWT"),
        flows: None,
        openid_connect_url: None,
    }
}
