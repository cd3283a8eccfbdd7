//! Authorization requests (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1), parsed once.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::acr::Acr;
use super::authorization_response::{ResponseMode, ReturnAddress};
use super::claims_request::{self, ClaimsRequest};
use super::client::{Client, GrantType, PkcePolicy};
use super::parameters::{ParameterError, Parameters};
use super::pkce::CodeChallenge;
use super::redirect_uri::RedirectUri;
use super::scope::{OFFLINE_ACCESS, ScopeSet};
use super::sign_up::SignUpPolicy;
use super::{ClientId, Timestamp};

pub use super::authorization_error::{AuthorizationError, AuthorizationErrorCode, UntrustedRequest};

/// A valid authorization request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the answer goes; one of those registered.
    pub redirect_uri: RedirectUri,
    /// What is asked for, within what the client may get.
    pub scope: ScopeSet,
    /// Returned unchanged.
    pub state: Option<String>,
    /// Goes into the ID token.
    pub nonce: Option<String>,
    /// PKCE.
    pub code_challenge: Option<CodeChallenge>,
    /// What the user must or must not be shown.
    #[serde(default)]
    pub prompt: BTreeSet<Prompt>,
    /// How old, in seconds, the user's authentication may be.
    pub max_age: Option<u64>,
    /// What to put into the sign-in form.
    pub login_hint: Option<String>,
    /// Languages, the preferred first.
    pub ui_locales: Option<String>,
    /// Claims that are asked for one by one.
    #[serde(default)]
    pub claims: Option<ClaimsRequest>,
    /// How the answer reaches the client.
    #[serde(default)]
    pub response_mode: ResponseMode,
    /// The `sub` of each person that the request may be about, the preferred first: by `id_token_hint` or by the `sub`
    /// of `claims`. `None` if it may be about anybody.
    #[serde(default)]
    pub subjects: Option<Vec<String>>,
}

/// `prompt` (OpenID Connect Core §3.1.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prompt {
    /// Show nothing; fail instead.
    None,
    /// Ask for the password though there is a session.
    Login,
    /// Ask for consent though it was given.
    Consent,
    /// Ask which account though there is only one.
    SelectAccount,
    /// Let the person make an account (Initiating User Registration via OpenID Connect 1.0).
    Create,
}

impl Prompt {
    /// The values that are known where people may or may not make accounts for themselves, as discovery lists them.
    pub const fn supported(sign_up: SignUpPolicy) -> &'static [&'static str] {
        match sign_up {
            SignUpPolicy::Closed => &["none", "login", "consent", "select_account"],
            SignUpPolicy::Open => &["none", "login", "consent", "select_account", "create"],
        }
    }
}

impl AuthorizationRequest {
    /// The longest `state` and `nonce` that are taken, in bytes.
    pub const MAX_STATE: usize = 4096;

    /// The client that a request names, before anything else is looked at.
    pub fn client_id(parameters: &Parameters) -> Result<ClientId, UntrustedRequest> {
        let text = parameters.required("client_id").map_err(|error| UntrustedRequest::ClientId(error.to_string()))?;
        text.parse().map_err(|_| UntrustedRequest::UnknownClient)
    }

    /// Where errors may go: the gate that every redirect passes.
    pub fn return_address(parameters: &Parameters, client: &Client) -> Result<ReturnAddress, UntrustedRequest> {
        let text = match parameters.required("redirect_uri") {
            Ok(text) => text,
            Err(ParameterError::Missing(_)) => return Err(UntrustedRequest::RedirectUriMissing),
            Err(_) => return Err(UntrustedRequest::RedirectUri("was sent more than once".to_owned())),
        };
        let redirect_uri: RedirectUri =
            text.parse().map_err(|error| UntrustedRequest::RedirectUri(format!("{error}")))?;
        if !client.admits_redirect(&redirect_uri) {
            return Err(UntrustedRequest::RedirectUriMismatch);
        }
        let state = parameters.optional("state").ok().flatten().filter(|state| state.len() <= Self::MAX_STATE);
        // Errors go by the mode that was asked for as well, whatever else is wrong with the request.
        let mode = parameters.optional("response_mode").ok().flatten().and_then(ResponseMode::from_name);
        Ok(ReturnAddress { redirect_uri, state: state.map(str::to_owned), mode: mode.unwrap_or_default() })
    }

    /// Reads the rest of a request whose client and redirect URI are known.
    pub fn parse(parameters: &Parameters, client: &Client, address: ReturnAddress) -> Result<Self, AuthorizationError> {
        use AuthorizationErrorCode as Code;
        let refuse = |code, text: &str| Err(AuthorizationError::new(code, text));

        let state = parameters.optional("state")?;
        let nonce = parameters.optional("nonce")?.map(str::to_owned);
        if state.is_some_and(|text| text.len() > Self::MAX_STATE)
            || nonce.as_ref().is_some_and(|text| text.len() > Self::MAX_STATE)
        {
            return refuse(Code::InvalidRequest, "state and nonce have at most 4,096 bytes");
        }
        if parameters.optional("registration")?.is_some() {
            return refuse(Code::RegistrationNotSupported, "the registration parameter is not supported");
        }
        if parameters.all("resource").next().is_some() {
            return refuse(Code::InvalidTarget, "resource indicators are not supported");
        }
        match parameters.required("response_type")? {
            "code" => {}
            _ => return refuse(Code::UnsupportedResponseType, "response_type must be code"),
        }
        if !client.metadata.grant_types.contains(&GrantType::AuthorizationCode) {
            return refuse(Code::UnauthorizedClient, "this client may not use the authorization code flow");
        }
        if parameters.optional("response_mode")?.is_some_and(|mode| ResponseMode::from_name(mode).is_none()) {
            return refuse(Code::InvalidRequest, "response_mode must be query or form_post");
        }
        let scope = requested_scope(parameters, client)?;
        let code_challenge = code_challenge(parameters, client)?;
        let prompt = prompt(parameters)?;
        let claims = claims(parameters)?;
        if claims.as_ref().is_some_and(|claims| !Acr::can_meet(claims)) {
            return refuse(
                Code::UnmetAuthenticationRequirements,
                "claims makes an acr essential that nobody can reach here; acr_values_supported lists those there are",
            );
        }
        let max_age = match parameters.optional("max_age")? {
            None => client.metadata.default_max_age,
            Some(text) => Some(seconds(text).ok_or_else(|| {
                AuthorizationError::new(Code::InvalidRequest, "max_age must be a number of seconds, zero or more")
            })?),
        };
        Ok(Self {
            client_id: client.id.clone(),
            redirect_uri: address.redirect_uri,
            scope,
            state: address.state,
            nonce,
            code_challenge,
            prompt,
            max_age,
            login_hint: bounded(parameters.optional("login_hint")?),
            ui_locales: bounded(parameters.optional("ui_locales")?),
            subjects: claims
                .as_ref()
                .and_then(|claims| claims.subjects().map(|subjects| subjects.into_iter().map(str::to_owned).collect())),
            claims,
            response_mode: address.mode,
        })
    }

    /// The same about the person whom an `id_token_hint` names, too.
    ///
    /// # Errors
    /// `claims` names another one, or the request wants an account to be made: that would be somebody else, so that
    /// nothing could come of it but an account too many.
    pub fn about(self, subject: Option<String>) -> Result<Self, AuthorizationError> {
        let refuse = |text: &str| Err(AuthorizationError::new(AuthorizationErrorCode::InvalidRequest, text));
        let about = match (subject, &self.subjects) {
            (None, _) => self,
            (Some(hinted), Some(claimed)) if !claimed.contains(&hinted) => {
                return refuse("id_token_hint and the sub of claims name two people");
            }
            (Some(hinted), _) => Self { subjects: Some(vec![hinted]), ..self },
        };
        if about.wants_account() && about.subjects.is_some() {
            return refuse(
                "prompt=create goes with neither id_token_hint nor the sub of claims: whom they name has an account",
            );
        }
        Ok(about)
    }

    /// The same, where accounts may be made as it wants.
    ///
    /// # Errors
    /// It wants one to be made where none may: a value that isn't advertised is a fault of the request (Initiating User
    /// Registration via OpenID Connect 1.0).
    pub fn where_sign_up_is(self, sign_up: SignUpPolicy) -> Result<Self, AuthorizationError> {
        match sign_up {
            SignUpPolicy::Closed if self.wants_account() => Err(AuthorizationError::new(
                AuthorizationErrorCode::InvalidRequest,
                "prompt=create is not supported: nobody can make an account here",
            )),
            SignUpPolicy::Closed | SignUpPolicy::Open => Ok(self),
        }
    }

    /// Whether it wants an account to be made (`prompt=create`).
    pub fn wants_account(&self) -> bool {
        self.prompt.contains(&Prompt::Create)
    }

    /// What the person is asked for: scopes, and claims by the scope that carries them.
    pub fn to_consent(&self, client: &Client) -> ScopeSet {
        claims_request::to_consent(&self.scope, self.claims.as_ref(), &client.metadata.scope)
    }

    /// Where the answer goes.
    pub fn answer_to(&self) -> ReturnAddress {
        ReturnAddress { redirect_uri: self.redirect_uri.clone(), state: self.state.clone(), mode: self.response_mode }
    }

    /// Whether a session that was there before the request will do for it at `now`: neither `prompt` nor
    /// `max_age` asks for another proof of identity. One that lies ahead, after a clock was set back, has no age.
    pub fn accepts_earlier_authentication(&self, auth_time: Timestamp, now: Timestamp) -> bool {
        let forced = self.prompt.contains(&Prompt::Login) || self.wants_account() || self.max_age == Some(0);
        let young = |limit| auth_time <= now && now.since(auth_time) <= Duration::from_secs(limit);
        !forced && self.max_age.is_none_or(young)
    }
}

/// Digits and nothing else: Rust's own parser takes a sign as well.
fn seconds(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

fn bounded(value: Option<&str>) -> Option<String> {
    value.filter(|text| text.len() <= 512).map(str::to_owned)
}

/// What was asked for, within what the client may get. Values that it may not get are left out, as OpenID Connect
/// Core §3.1.2.1 advises for those not understood; the token response names what was granted.
fn requested_scope(parameters: &Parameters, client: &Client) -> Result<ScopeSet, AuthorizationError> {
    use AuthorizationErrorCode as Code;
    let text = parameters.optional("scope")?.unwrap_or_default();
    let requested: ScopeSet =
        text.parse().map_err(|error| AuthorizationError::new(Code::InvalidScope, format!("{error}")))?;
    let mut allowed = requested.intersection(&client.metadata.scope);
    if !client.metadata.grant_types.contains(&GrantType::RefreshToken) {
        allowed = allowed.iter().filter(|scope| scope.as_str() != OFFLINE_ACCESS).cloned().collect();
    }
    if allowed.is_empty() {
        return Err(AuthorizationError::new(Code::InvalidScope, "scope names nothing that this client may get"));
    }
    Ok(allowed)
}

fn claims(parameters: &Parameters) -> Result<Option<ClaimsRequest>, AuthorizationError> {
    let Some(text) = parameters.optional("claims")? else { return Ok(None) };
    let claims = ClaimsRequest::parse(text)
        .map_err(|error| AuthorizationError::new(AuthorizationErrorCode::InvalidRequest, error.to_string()))?;
    Ok(Some(claims))
}

fn code_challenge(parameters: &Parameters, client: &Client) -> Result<Option<CodeChallenge>, AuthorizationError> {
    use AuthorizationErrorCode as Code;
    let method = parameters.optional("code_challenge_method")?;
    match (parameters.optional("code_challenge")?, method) {
        (Some(text), Some("S256")) => CodeChallenge::try_from(text.to_owned())
            .map(Some)
            .map_err(|error| AuthorizationError::new(Code::InvalidRequest, error.to_string())),
        (Some(_), _) => Err(AuthorizationError::new(Code::InvalidRequest, "code_challenge_method must be S256")),
        (None, Some(_)) => Err(AuthorizationError::new(Code::InvalidRequest, "code_challenge is missing")),
        (None, None) if client.is_confidential() && client.metadata.pkce == PkcePolicy::Optional => Ok(None),
        (None, None) => Err(AuthorizationError::new(
            Code::InvalidRequest,
            "code_challenge is missing: this client must use PKCE with code_challenge_method S256",
        )),
    }
}

fn prompt(parameters: &Parameters) -> Result<BTreeSet<Prompt>, AuthorizationError> {
    use AuthorizationErrorCode as Code;
    let text = parameters.optional("prompt")?.unwrap_or_default();
    let values = text.split(' ').filter(|value| !value.is_empty());
    let prompt: BTreeSet<Prompt> = values
        .map(|value| match value {
            "none" => Ok(Prompt::None),
            "login" => Ok(Prompt::Login),
            "consent" => Ok(Prompt::Consent),
            "select_account" => Ok(Prompt::SelectAccount),
            "create" => Ok(Prompt::Create),
            _ => Err(AuthorizationError::new(
                Code::InvalidRequest,
                "prompt must be of none, login, consent, select_account and create",
            )),
        })
        .collect::<Result<_, _>>()?;
    for (alone, text) in [
        (Prompt::None, "prompt=none goes with no other value"),
        (Prompt::Create, "prompt=create goes with no other value"),
    ] {
        if prompt.contains(&alone) && prompt.len() > 1 {
            return Err(AuthorizationError::new(Code::InvalidRequest, text));
        }
    }
    Ok(prompt)
}
