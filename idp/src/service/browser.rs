//! What ties a form to the browser that it was shown to.
//!
//! A browser carries a random secret in a cookie that scripts and other sites' POSTs don't get. A flow belongs to the
//! browser that saw its first page, and each form carries a token made of that secret and the flow: a page elsewhere
//! knows neither. The authorization request itself needs no such token, and so may come from anywhere.
//!
//! A browser whose first pages were opened side by side was given a secret with each of them. It keeps them all, so that
//! no tab takes another's away.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::end_session::EndSessionRequest;
use crate::domain::{FlowId, Secret, SessionId, UserId};

/// Which form a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Who are you?
    SignIn,
    /// Who are you going to be?
    SignUp,
    /// Which account?
    SelectAccount,
    /// May it? Asked of this person, and of nobody else who signs in after the page was shown.
    Consent(UserId),
}

/// The value of a browser cookie: 256 random bits.
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
            Form::SignUp => hasher.update(b"signet sign-up\0"),
            Form::SelectAccount => hasher.update(b"signet select account\0"),
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

impl BrowserSecret {
    /// The token of the account console's forms, as this session sees them: what is sent with it is this account's,
    /// whichever account another tab has chosen in the meantime.
    pub fn account_token(&self, session: SessionId) -> Secret {
        let mut hasher = openssl::sha::Sha256::new();
        hasher.update(b"signet account\0");
        hasher.update(session.uuid().as_bytes());
        hasher.update(self.0.expose().as_bytes());
        Secret::new(URL_SAFE_NO_PAD.encode(hasher.finish()))
    }

    /// The token of the form that asks whether to log out, for that request and no other.
    pub fn logout_token(&self, request: &EndSessionRequest) -> Secret {
        let mut hasher = openssl::sha::Sha256::new();
        hasher.update(b"signet logout\0");
        hasher.update(self.0.expose().as_bytes());
        hasher.update(request.query().as_bytes());
        Secret::new(URL_SAFE_NO_PAD.encode(hasher.finish()))
    }
}

/// A browser: the secrets that it carries.
#[derive(Clone, Debug, Default)]
pub struct Browser(Vec<BrowserSecret>);

impl Browser {
    /// The most secrets of one browser that are looked at: one for each of the first pages that were opened side by side,
    /// as when a browser opens all its tabs again. It sends the oldest first, so that those beyond this are lost.
    pub const MOST: usize = 128;

    /// A browser with the first few of these secrets.
    pub fn new(secrets: impl IntoIterator<Item = BrowserSecret>) -> Self {
        Self(secrets.into_iter().take(Self::MOST).collect())
    }

    /// The secret that new flows are bound to; none if the browser has never been here.
    pub fn first(&self) -> Option<&BrowserSecret> {
        self.0.first()
    }

    /// The secret of this SHA-256.
    pub fn of_hash(&self, hash: &[u8; 32]) -> Option<&BrowserSecret> {
        self.0.iter().find(|secret| openssl::memcmp::eq(&secret.hash(), hash))
    }

    /// Whether this is the token of a form that asked this browser whether to log out.
    pub fn asked_to_log_out(&self, request: &EndSessionRequest, token: &Secret) -> bool {
        self.0.iter().any(|secret| secret.logout_token(request).same_as(token))
    }

    /// The secret, and which of `forms`, that a token was made of.
    pub fn that_was_shown(&self, flow: FlowId, forms: &[Form], token: &Secret) -> Option<(BrowserSecret, Form)> {
        let pairs = self.0.iter().flat_map(|secret| forms.iter().map(move |form| (secret, *form)));
        let mut right = pairs.filter(|(secret, form)| secret.csrf_token(flow, *form).same_as(token));
        right.next().map(|(secret, form)| (secret.clone(), form))
    }

    /// Which of `sessions` the console's forms were shown to that have this token.
    pub fn whose_account(&self, sessions: impl Iterator<Item = SessionId>, token: &Secret) -> Option<SessionId> {
        let mut shown = sessions.filter(|id| self.0.iter().any(|secret| secret.account_token(*id).same_as(token)));
        shown.next()
    }
}

impl From<BrowserSecret> for Browser {
    fn from(secret: BrowserSecret) -> Self {
        Self(vec![secret])
    }
}
