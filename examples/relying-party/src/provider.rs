//! Signing in by OIDC: the authorization code flow with PKCE (OIDC Core §3.1, RFC 9700).
//!
//! Two steps. [`Provider::begin`] makes the address to send the browser to, and an [`Attempt`] to keep until it comes back.
//! [`Provider::finish`] takes that attempt and what the browser brought, and answers with the [`Person`] who signed in.

use std::error::Error;

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreGrantType, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge,
    PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::http_client::HttpClient;

/// What we ask for, beside `openid` which the crate adds.
const SCOPES: [&str; 2] = ["profile", "email"];

/// The one provider that this application trusts, and who we are to it.
pub(crate) struct Provider {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect_url: RedirectUrl,
    http: HttpClient,
}

/// A sign-in under way. Keep it on the server, bound to the visitor's browser, and use it once.
pub(crate) struct Attempt {
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

/// The query string of our callback: an authorization response (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub(crate) struct AuthorizationResponse {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

/// Somebody who signed in.
pub(crate) struct Person {
    /// What to call them.
    pub(crate) name: String,
    /// The verified claims of the ID token.
    pub(crate) id_token: serde_json::Value,
    /// What the userinfo endpoint said.
    pub(crate) userinfo: serde_json::Value,
    /// The scopes that were granted.
    pub(crate) scope: String,
}

/// A setting that isn't usable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SetupError {
    /// The issuer or our own address isn't a URL.
    #[error("{what} isn't a URL: {source}")]
    Url {
        /// Which one.
        what: &'static str,
        /// What's wrong with it.
        source: openidconnect::url::ParseError,
    },
    /// The HTTP client can't be made.
    #[error("no HTTP client: {0}")]
    HttpClient(#[from] reqwest::Error),
}

/// Why a sign-in came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignInError {
    /// The provider says no: most often `access_denied`, because the visitor cancelled.
    #[error("the provider answered {code}: {description}")]
    Refused {
        /// The error code (RFC 6749 §4.1.2.1).
        code: String,
        /// The provider's own words, which may be none.
        description: String,
    },
    /// The answer belongs to another sign-in, or to none.
    #[error("`state` isn't the one that this sign-in began with")]
    State,
    /// The answer comes from another provider than the one that was asked (RFC 9207).
    #[error("`iss` isn't the provider that was asked")]
    Issuer,
    /// The answer has neither a code nor an error.
    #[error("the answer has no `code`")]
    NoCode,
    /// The provider can't be reached, or says something that the specifications don't allow.
    #[error("{step} failed: {reason}")]
    Provider {
        /// What we were doing.
        step: &'static str,
        /// The whole chain of causes, for the log.
        reason: String,
    },
    /// The ID token is missing or doesn't verify.
    #[error("the ID token isn't valid: {0}")]
    IdToken(String),
}

/// What the discovery document says beyond the crate's own list.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Additional {
    /// Every authorization response carries `iss` (RFC 9207 §3).
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Additional {}

type Metadata = ProviderMetadata<
    Additional,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// A client whose endpoints come from a discovery document.
type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

impl Provider {
    /// Checks the settings; asks nobody yet.
    pub(crate) fn new(config: &Config) -> Result<Self, SetupError> {
        let url = |what| move |source| SetupError::Url { what, source };
        Ok(Self {
            issuer: IssuerUrl::new(config.issuer.clone()).map_err(url("the issuer"))?,
            client_id: ClientId::new(config.client_id.clone()),
            client_secret: config.client_secret.clone().map(ClientSecret::new),
            redirect_url: RedirectUrl::new(format!("{}/callback", config.base_url)).map_err(url("the base URL"))?,
            http: HttpClient::new()?,
        })
    }

    /// The address to send the browser to, and what to remember until it comes back.
    pub(crate) async fn begin(&self) -> Result<(Url, Attempt), SignInError> {
        let client = self.client(self.discover().await?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        Ok((url, Attempt { state, nonce, verifier }))
    }

    /// Checks what the browser brought back, swaps the code for tokens, verifies them and asks for the person's details.
    pub(crate) async fn finish(
        &self,
        attempt: Attempt,
        response: AuthorizationResponse,
    ) -> Result<Person, SignInError> {
        let metadata = self.discover().await?;
        let code = self.check(&metadata, &attempt, response)?;
        let client = self.client(metadata);

        let tokens = client
            .exchange_code(code)
            .map_err(|error| failed("finding the token endpoint", &error))?
            .set_pkce_verifier(attempt.verifier)
            .request_async(&self.http)
            .await
            .map_err(|error| failed("exchanging the code", &error))?;

        let verifier = client.id_token_verifier();
        let id_token = tokens.id_token().ok_or_else(|| SignInError::IdToken("there is none".to_owned()))?;
        let claims = id_token.claims(&verifier, &attempt.nonce).map_err(|error| SignInError::IdToken(chain(&error)))?;
        check_access_token(&tokens, id_token, &verifier, claims.access_token_hash())?;

        // Naming the subject makes the crate refuse an answer about somebody else.
        let userinfo: CoreUserInfoClaims = client
            .user_info(tokens.access_token().clone(), Some(claims.subject().clone()))
            .map_err(|error| failed("finding the userinfo endpoint", &error))?
            .request_async(&self.http)
            .await
            .map_err(|error| failed("asking for userinfo", &error))?;

        Ok(Person {
            name: display_name(&userinfo),
            id_token: as_json(claims)?,
            userinfo: as_json(&userinfo)?,
            scope: tokens
                .scopes()
                .map(|scopes| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
                .unwrap_or_default(),
        })
    }

    /// Reads the discovery document and the keys that it names.
    ///
    /// Twice for each sign-in, so that a new key is known at once. A busy site keeps the answer as long as its
    /// `Cache-Control` allows, and reads it again when a token names an unknown key.
    async fn discover(&self) -> Result<Metadata, SignInError> {
        Metadata::discover_async(self.issuer.clone(), &self.http).await.map_err(|error| failed("discovery", &error))
    }

    fn client(&self, metadata: Metadata) -> Client {
        CoreClient::from_provider_metadata(metadata, self.client_id.clone(), self.client_secret.clone())
            .set_redirect_uri(self.redirect_url.clone())
    }

    /// The code, if this response answers this attempt and comes from this provider.
    fn check(
        &self,
        metadata: &Metadata,
        attempt: &Attempt,
        response: AuthorizationResponse,
    ) -> Result<AuthorizationCode, SignInError> {
        // `CsrfToken` compares in constant time, as secrets should be.
        if response.state.map(CsrfToken::new).as_ref().map(CsrfToken::secret) != Some(attempt.state.secret()) {
            return Err(SignInError::State);
        }
        let named = response.iss.as_deref();
        let must_be_named = metadata.additional_metadata().authorization_response_iss_parameter_supported;
        if named != Some(self.issuer.as_str()) && (named.is_some() || must_be_named) {
            return Err(SignInError::Issuer);
        }
        if let Some(code) = response.error {
            return Err(SignInError::Refused { code, description: response.error_description.unwrap_or_default() });
        }
        response.code.map(AuthorizationCode::new).ok_or(SignInError::NoCode)
    }
}

/// Checks that the access token is the one that the ID token was issued with (OIDC Core §3.1.3.8).
fn check_access_token(
    tokens: &CoreTokenResponse,
    id_token: &CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    expected: Option<&AccessTokenHash>,
) -> Result<(), SignInError> {
    let Some(expected) = expected else { return Ok(()) };
    let invalid = |error: &dyn Error| SignInError::IdToken(chain(error));
    let algorithm = id_token.signing_alg().map_err(|error| invalid(&error))?;
    let key = id_token.signing_key(verifier).map_err(|error| invalid(&error))?;
    let actual = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).map_err(|error| invalid(&error))?;
    if actual == *expected {
        Ok(())
    } else {
        Err(SignInError::IdToken("`at_hash` belongs to another access token".to_owned()))
    }
}

/// The best of the names that the provider gave us.
fn display_name(userinfo: &CoreUserInfoClaims) -> String {
    userinfo
        .name()
        .and_then(|names| names.get(None))
        .map(|name| name.as_str())
        .or_else(|| userinfo.preferred_username().map(|name| name.as_str()))
        .or_else(|| userinfo.email().map(|email| email.as_str()))
        .unwrap_or_else(|| userinfo.subject().as_str())
        .to_owned()
}

fn as_json(claims: &impl Serialize) -> Result<serde_json::Value, SignInError> {
    serde_json::to_value(claims).map_err(|error| failed("reading the claims", &error))
}

fn failed(step: &'static str, error: &dyn Error) -> SignInError {
    SignInError::Provider { step, reason: chain(error) }
}

/// An error with all its causes, outermost first.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
