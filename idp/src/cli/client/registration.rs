//! What can be said of a client, for `signet client create` and `signet client set`.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use keys::{Algorithm, ClientAlgorithm};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::console::Console;
use crate::cli::exit::CliError;
use crate::cli::options::{self, one_of};
use crate::cli::password;
use crate::cli::place::Place;
use crate::cli::tenant::visible;
use crate::domain::ClientId;
use crate::domain::client::{
    ClientAuthMethod, ClientProfile, ConsentPolicy, GrantType, PkcePolicy, RefreshTokenPolicy, SubjectType,
};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;
use crate::http::admin::model::NewClient;

/// What can be said of a client.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Registration {
    /// Grant that it may use, may be repeated [default: authorization_code]
    #[arg(long = "grant", visible_alias = "grant-type", value_name = "GRANT",
        value_parser = one_of(GrantType::ALL, |grant| grant.as_str()))]
    grants: Vec<GrantType>,
    /// Address that people are sent back to, byte for byte; may be repeated
    #[arg(long = "redirect-uri", id = "redirect_uris", value_name = "URI")]
    redirect_uris: Vec<RedirectUri>,
    /// How it proves itself [default: its secret in the header or in the form, with keys private_key_jwt]
    #[arg(long, value_name = "METHOD", value_parser = one_of(ClientAuthMethod::ALL, |method| method.as_str()))]
    auth_method: Option<ClientAuthMethod>,
    /// The one algorithm of its assertions [default: any that its keys can do]
    #[arg(long, value_name = "ALG", value_parser = unless_empty(&CLIENT_ALGORITHMS))]
    token_auth_alg: Option<String>,
    /// Scopes that it may get, separated by spaces; may be repeated [default: the standard ones, for people]
    #[arg(long = "scope", value_name = "SCOPES")]
    scopes: Vec<ScopeSet>,
    /// Its public keys, a JWK Set (RFC 7517 §5)
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// Where its public keys are to be fetched
    #[arg(long, value_name = "URL", conflicts_with = "jwks")]
    jwks_uri: Option<String>,
    /// Where its request objects may be fetched, may be repeated
    #[arg(long = "request-uri", value_name = "URL")]
    request_uris: Vec<String>,
    /// The one algorithm of its request objects [default: any that its keys can do]
    #[arg(long, value_name = "ALG", value_parser = unless_empty(&CLIENT_ALGORITHMS))]
    request_object_alg: Option<String>,
    /// Whether its authorization requests count only as request objects
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    require_signed_request_object: Option<bool>,
    /// Whether each client sees its users under the same identifier
    #[arg(long, value_name = "TYPE", value_parser = one_of(SubjectType::ALL, |kind| kind.as_str()))]
    subject_type: Option<SubjectType>,
    /// The document whose host names the sector of pairwise subjects
    #[arg(long, value_name = "URL")]
    sector_identifier_uri: Option<String>,
    /// Its home page
    #[arg(long, value_name = "URL")]
    client_uri: Option<String>,
    /// Its logo
    #[arg(long, value_name = "URL")]
    logo_uri: Option<String>,
    /// Its privacy policy
    #[arg(long, value_name = "URL")]
    policy_uri: Option<String>,
    /// Its terms of service
    #[arg(long, value_name = "URL")]
    tos_uri: Option<String>,
    /// E-mail address of somebody responsible, may be repeated
    #[arg(long = "contact", value_name = "EMAIL")]
    contacts: Vec<String>,
    /// Algorithm of its ID tokens [default: RS256]
    #[arg(long, value_name = "ALG", value_parser = one_of(&Algorithm::ALL, |alg| alg.name()))]
    id_token_alg: Option<Algorithm>,
    /// Algorithm of its access tokens [default: RS256]
    #[arg(long, value_name = "ALG", value_parser = one_of(&Algorithm::ALL, |alg| alg.name()))]
    access_token_alg: Option<Algorithm>,
    /// Algorithm of its userinfo answers, which are JWTs then
    #[arg(long, value_name = "ALG", value_parser = unless_empty(&ALGORITHMS))]
    userinfo_alg: Option<String>,
    /// aud of its access tokens [default: the tenant's; services for a service's own]
    #[arg(long, value_parser = visible)]
    audience: Option<String>,
    /// Role in its own tokens, may be repeated [default: service]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Life of its access tokens, 10s to 24h [default: by configuration]
    #[arg(long, value_name = "DURATION", value_parser = options::duration)]
    access_token_lifetime: Option<Duration>,
    /// max_age of requests that have none
    #[arg(long, value_name = "DURATION", value_parser = options::duration)]
    default_max_age: Option<Duration>,
    /// acr_values of requests that have none, separated by spaces
    #[arg(long, value_name = "VALUES")]
    default_acr_values: Option<String>,
    /// Where a sign-in can be begun at the client
    #[arg(long, value_name = "URL")]
    initiate_login_uri: Option<String>,
    /// Address that people may be sent to once they are signed out, byte for byte; may be repeated
    #[arg(long = "post-logout-redirect-uri", value_name = "URI")]
    post_logout_redirect_uris: Vec<String>,
    /// Where its scripts come from that may call /v1/auth, as browsers send it: https://app.example.com; may be repeated
    #[arg(long = "allowed-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<String>,
    /// What a frame shows to sign people out there (OpenID Connect Front-Channel Logout)
    #[arg(long, value_name = "URL")]
    frontchannel_logout_uri: Option<String>,
    /// Whether iss and sid must go with it; they always do
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    frontchannel_logout_session_required: Option<bool>,
    /// Where it takes logout tokens (OpenID Connect Back-Channel Logout)
    #[arg(long, value_name = "URL")]
    backchannel_logout_uri: Option<String>,
    /// Whether logout tokens must have a sid; they always do
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    backchannel_logout_session_required: Option<bool>,
    /// What its refresh tokens die with: nothing but their time, or also the session
    #[arg(long, value_name = "POLICY",
        value_parser = one_of(&[RefreshTokenPolicy::Offline, RefreshTokenPolicy::Session], |policy| match policy {
            RefreshTokenPolicy::Offline => "offline",
            RefreshTokenPolicy::Session => "session",
        }))]
    refresh_tokens: Option<RefreshTokenPolicy>,
    /// Whether people are asked for consent
    #[arg(long, value_name = "POLICY",
        value_parser = one_of(&[ConsentPolicy::Ask, ConsentPolicy::Implied], |policy| match policy {
            ConsentPolicy::Ask => "ask",
            ConsentPolicy::Implied => "implied",
        }))]
    consent: Option<ConsentPolicy>,
    /// Don't ask people for consent: one of the tenant's own applications. The same as --consent implied
    #[arg(long, conflicts_with = "consent")]
    implied_consent: bool,
    /// Whether it must use PKCE
    #[arg(long, value_name = "POLICY",
        value_parser = one_of(&[PkcePolicy::Required, PkcePolicy::Optional], |policy| match policy {
            PkcePolicy::Required => "required",
            PkcePolicy::Optional => "optional",
        }))]
    pkce: Option<PkcePolicy>,
    /// Let it do without PKCE, for an old application that knows none. The same as --pkce optional
    #[arg(long, conflicts_with = "pkce")]
    pkce_optional: bool,
    /// Which rules it is held to; the grant password needs compat [default: oauth21]
    #[arg(long, value_name = "PROFILE", value_parser = one_of(ClientProfile::ALL, |profile| profile.as_str()))]
    profile: Option<ClientProfile>,
}

/// The algorithms of our own signatures, by name.
static ALGORITHMS: LazyLock<Vec<&str>> = LazyLock::new(|| Algorithm::ALL.iter().map(|alg| alg.name()).collect());
/// Those of clients' signatures.
static CLIENT_ALGORITHMS: LazyLock<Vec<&str>> =
    LazyLock::new(|| ClientAlgorithm::ALL.iter().map(|alg| alg.name()).collect());

/// One of these algorithms, or an empty text.
fn unless_empty(all: &'static [&'static str]) -> impl Fn(&str) -> Result<String, String> + Clone {
    move |text| {
        let fits = text.is_empty() || all.contains(&text);
        fits.then(|| text.to_owned()).ok_or_else(|| format!("expected one of {}", all.join(", ")))
    }
}

impl Registration {
    /// What is given, as a merge patch: null for what is given as an empty text.
    fn patch(&self) -> Result<Map<String, Value>, CliError> {
        let mut patch = Patch::default();
        patch.some("token_endpoint_auth_method", self.auth_method);
        patch.list("grant_types", &self.grants);
        patch.list("redirect_uris", &self.redirect_uris);
        let scope = self.scopes.iter().fold(ScopeSet::default(), |all, scopes| all.union(scopes));
        patch.some("scope", (!self.scopes.is_empty()).then_some(scope));
        patch.some("jwks", self.read_jwks()?);
        patch.some("require_signed_request_object", self.require_signed_request_object);
        patch.some("subject_type", self.subject_type);
        patch.list("request_uris", &self.request_uris);
        patch.list("post_logout_redirect_uris", &self.post_logout_redirect_uris);
        patch.list("allowed_origins", &self.allowed_origins);
        patch.some("frontchannel_logout_session_required", self.frontchannel_logout_session_required);
        patch.some("backchannel_logout_session_required", self.backchannel_logout_session_required);
        patch.list("contacts", &self.contacts);
        patch.list("roles", &self.roles);
        for (name, text) in [
            ("token_endpoint_auth_signing_alg", &self.token_auth_alg),
            ("request_object_signing_alg", &self.request_object_alg),
            ("jwks_uri", &self.jwks_uri),
            ("sector_identifier_uri", &self.sector_identifier_uri),
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
            ("userinfo_signed_response_alg", &self.userinfo_alg),
            ("audience", &self.audience),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("frontchannel_logout_uri", &self.frontchannel_logout_uri),
            ("backchannel_logout_uri", &self.backchannel_logout_uri),
        ] {
            patch.text(name, text.as_deref());
        }
        let words = |text: &String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        patch.some("default_acr_values", self.default_acr_values.as_ref().map(words));
        patch.some("id_token_signed_response_alg", self.id_token_alg);
        patch.some("access_token_signed_response_alg", self.access_token_alg);
        patch.some("access_token_lifetime", self.access_token_lifetime.map(|lifetime| lifetime.as_secs()));
        patch.some("default_max_age", self.default_max_age.map(|age| age.as_secs()));
        patch.some("refresh_tokens", self.refresh_tokens);
        patch.some("consent", self.consent.or(self.implied_consent.then_some(ConsentPolicy::Implied)));
        patch.some("pkce", self.pkce.or(self.pkce_optional.then_some(PkcePolicy::Optional)));
        patch.some("profile", self.profile);
        Ok(patch.0)
    }

    fn read_jwks(&self) -> Result<Option<Value>, CliError> {
        let Some(path) = &self.jwks else { return Ok(None) };
        let text =
            std::fs::read(path).map_err(|error| CliError::io(format!("{} can't be read", path.display()), &error))?;
        let jwks = serde_json::from_slice(&text);
        jwks.map(Some).map_err(|error| CliError::usage(format!("{} isn't JSON: {error}", path.display())))
    }
}

/// A merge patch in the making.
#[derive(Default)]
struct Patch(Map<String, Value>);

impl Patch {
    fn some(&mut self, name: &str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
    }

    /// All of a list; one empty text empties it.
    fn list<T: Serialize>(&mut self, name: &str, values: &[T]) {
        if !values.is_empty() {
            let values: Vec<Value> = values.iter().map(|value| json!(value)).filter(|value| value != "").collect();
            self.0.insert(name.to_owned(), json!(values));
        }
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.0.insert(name.to_owned(), if text.is_empty() { Value::Null } else { text.into() });
        }
    }
}

/// Options of `signet client create`.
#[derive(Clone, Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("purpose").args(["grants", "redirect_uris"]).multiple(true).required(true))]
pub(in crate::cli) struct NewArguments {
    /// Its name for people
    name: String,
    #[command(flatten)]
    registration: Registration,
    /// Its client_id [default: random]
    #[arg(long, value_name = "CLIENT_ID")]
    id: Option<ClientId>,
    /// Read its secret from standard input instead of making one: 32 to 128 visible ASCII characters
    #[arg(long, conflicts_with = "token_stdin")]
    secret_stdin: bool,
    #[command(flatten)]
    place: Place,
}

impl NewArguments {
    /// Where it is to be registered.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The client to be registered.
    pub(super) fn client(self, console: &mut Console<'_>) -> Result<NewClient, CliError> {
        let mut document = self.registration.patch()?;
        document.retain(|_, value| !value.is_null());
        document.insert("client_name".to_owned(), self.name.into());
        if let Some(id) = self.id {
            document.insert("client_id".to_owned(), id.as_str().into());
        }
        if self.secret_stdin {
            let secret = password::read_line(console, "secret")?;
            document.insert("client_secret".to_owned(), secret.expose().into());
        }
        serde_json::from_value(document.into()).map_err(|error| CliError::usage(error.to_string()))
    }
}

/// Options of `signet client set`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct SetArguments {
    /// Its client_id
    client_id: ClientId,
    /// Its name for people
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    registration: Registration,
    #[command(flatten)]
    place: Place,
}

impl SetArguments {
    /// Where it is registered.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Which client.
    pub(super) fn client_id(&self) -> &str {
        self.client_id.as_str()
    }

    /// What is to change, as a merge patch.
    pub(super) fn patch(&self) -> Result<Value, CliError> {
        let mut patch = self.registration.patch()?;
        if let Some(name) = &self.name {
            patch.insert("client_name".to_owned(), name.as_str().into());
        }
        if patch.is_empty() {
            return Err(CliError::usage("nothing is to be changed: give an option, see `signet client set --help`"));
        }
        Ok(patch.into())
    }
}
