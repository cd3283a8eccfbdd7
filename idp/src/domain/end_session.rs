//! Logout requests (OpenID Connect RP-Initiated Logout 1.0 §2): a client asks that its user be signed out.

use super::parameters::{ParameterError, Parameters};

/// What a client may say with its request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndSessionRequest {
    /// An ID token that was issued to the client: whose session it is about.
    pub id_token_hint: Option<String>,
    /// Whom it is about, as the client knows them.
    pub logout_hint: Option<String>,
    /// The client.
    pub client_id: Option<String>,
    /// Where the browser is to be sent then.
    pub post_logout_redirect_uri: Option<String>,
    /// Returned unchanged.
    pub state: Option<String>,
    /// Languages of the pages.
    pub ui_locales: Option<String>,
}

impl EndSessionRequest {
    /// Reads the parameters of a request; others are ignored.
    ///
    /// # Errors
    /// One that was sent more than once.
    pub fn parse(parameters: &Parameters) -> Result<Self, ParameterError> {
        let one = |name| Ok(parameters.optional(name)?.map(str::to_owned));
        Ok(Self {
            id_token_hint: one("id_token_hint")?,
            logout_hint: one("logout_hint")?,
            client_id: one("client_id")?,
            post_logout_redirect_uri: one("post_logout_redirect_uri")?,
            state: one("state")?,
            ui_locales: one("ui_locales")?,
        })
    }

    /// What was said, by name.
    pub fn pairs(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("id_token_hint", &self.id_token_hint),
            ("logout_hint", &self.logout_hint),
            ("client_id", &self.client_id),
            ("post_logout_redirect_uri", &self.post_logout_redirect_uri),
            ("state", &self.state),
            ("ui_locales", &self.ui_locales),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
    }

    /// The same as a query.
    pub fn query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.pairs()).finish()
    }
}
