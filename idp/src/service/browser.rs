//! What ties a form to the browser that it was shown to.
//!
//! A browser carries a random secret in a cookie that scripts and other sites' POSTs don't get. A flow belongs to the
//! browser that saw its first page, and each form carries a token made of that secret and the flow: a page elsewhere
//! knows neither. The authorization request itself needs no such token, and so may come from anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{FlowId, Secret, UserId};

/// Which form a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Who are you?
    SignIn,
    /// May it? Asked of this person, and of nobody else who signs in after the page was shown.
    Consent(UserId),
}

/// The value of the browser cookie: 256 random bits.
#[derive(Clone, Debug)]
pub struct BrowserSecret(pub Secret);

impl BrowserSecret {
    /// SHA-256 of it: what a flow in the database keeps.
    pub fn hash(&self) -> [u8; 32] {
        self.0.sha256()
    }

    /// The token of a form of a flow.
    pub fn csrf_token(&self, flow: FlowId, form: Form) -> Secret {
        let mut hasher = openssl::sha::Sha256::new();
        match form {
            Form::SignIn => hasher.update(b"signet sign-in\0"),
            Form::Consent(user) => {
                hasher.update(b"signet consent\0");
                hasher.update(user.uuid().as_bytes());
            }
        }
        hasher.update(flow.uuid().as_bytes());
        hasher.update(self.0.expose().as_bytes());
        Secret::new(URL_SAFE_NO_PAD.encode(hasher.finish()))
    }
}
