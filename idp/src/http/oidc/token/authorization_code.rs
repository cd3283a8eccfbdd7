//! Grant type `authorization_code` (RFC 6749 §4.1.3).

use crate::domain::Secret;
use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::domain::pkce::CodeVerifier;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::visit::Call;
use crate::service::token::Tokens;
use crate::service::token::authorization_code::{self, CodePresentation};

/// Reads the form and redeems the code.
pub(super) async fn grant(call: &Call, client: &Client, form: &Parameters) -> Result<Tokens, OAuthError> {
    let code_verifier = match form.optional("code_verifier")? {
        None => None,
        Some(text) => Some(
            CodeVerifier::try_from(text.to_owned()).map_err(|error| OAuthError::invalid_request(error.to_string()))?,
        ),
    };
    let presented = CodePresentation {
        code: Secret::new(form.required("code")?),
        redirect_uri: form.required("redirect_uri")?.to_owned(),
        code_verifier,
    };
    Ok(authorization_code::grant(&call.ctx, call.tenant(), client, &call.caller, presented).await?)
}
