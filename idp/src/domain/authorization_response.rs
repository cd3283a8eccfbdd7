//! Authorization responses (RFC 6749 §4.1.2, RFC 9207): what the browser carries back to the client.

use serde::{Deserialize, Serialize};

use super::Secret;
use super::authorization_error::AuthorizationError;
use super::redirect_uri::RedirectUri;
use super::tenant::Issuer;

/// How an answer reaches the client (OAuth 2.0 Multiple Response Type Encoding Practices §2.1, OAuth 2.0 Form Post
/// Response Mode).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of a redirect.
    #[default]
    Query,
    /// In a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// The values that are known, as discovery lists them.
    pub const ALL: [&'static str; 2] = ["query", "form_post"];

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "query" => Some(Self::Query),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// Where an answer to the client goes, and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress {
    /// One of those registered.
    pub redirect_uri: RedirectUri,
    /// Returned unchanged.
    pub state: Option<String>,
    /// How it gets there.
    pub mode: ResponseMode,
}

/// What a client gets.
#[derive(Debug)]
pub struct Granted {
    /// The code.
    pub code: Secret,
    /// By which its page notices that somebody signs in or out (OpenID Connect Session Management §2).
    pub session_state: Option<String>,
}

/// An answer to the client (RFC 6749 §4.1.2).
#[derive(Debug)]
pub struct AuthorizationResponse {
    /// Where it goes.
    pub to: ReturnAddress,
    /// A code, or an error.
    pub outcome: Result<Granted, AuthorizationError>,
}

impl AuthorizationResponse {
    /// What the client is told, in this order, with `iss` (RFC 9207).
    pub fn parameters<'a>(&'a self, issuer: &'a Issuer) -> Vec<(&'static str, &'a str)> {
        let mut parameters = match &self.outcome {
            Ok(Granted { code, session_state }) => {
                let session_state = session_state.as_deref().map(|state| ("session_state", state));
                std::iter::once(("code", code.expose())).chain(session_state).collect()
            }
            Err(error) => {
                vec![("error", error.code.as_str()), ("error_description", error.description.as_str())]
            }
        };
        parameters.extend(self.to.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", issuer.as_str()));
        parameters
    }

    /// The address that the browser is sent to in [`ResponseMode::Query`].
    pub fn location(&self, issuer: &Issuer) -> String {
        self.to.redirect_uri.with_parameters(self.parameters(issuer))
    }
}
