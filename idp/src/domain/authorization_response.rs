//! Authorization responses (RFC 6749 §4.1.2, RFC 9207): what the browser carries back to the client.

use super::Secret;
use super::authorization_request::{AuthorizationError, ReturnAddress};
use super::tenant::Issuer;

/// An answer to the client (RFC 6749 §4.1.2).
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// Where it goes.
    pub to: ReturnAddress,
    /// A code, or an error.
    pub outcome: Result<Secret, AuthorizationError>,
}

impl AuthorizationResponse {
    /// The address that the browser is sent to, with `iss` (RFC 9207).
    pub fn location(&self, issuer: &Issuer) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match &self.outcome {
            Ok(code) => query.append_pair("code", code.expose()),
            Err(error) => {
                query.append_pair("error", error.code.as_str()).append_pair("error_description", &error.description)
            }
        };
        if let Some(state) = &self.to.state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", issuer.as_str());
        let uri = self.to.redirect_uri.as_str();
        let separator = match uri.find('?') {
            None => "?",
            Some(_) if uri.ends_with(['?', '&']) => "",
            Some(_) => "&",
        };
        format!("{uri}{separator}{}", query.finish())
    }
}
