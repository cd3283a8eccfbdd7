//! What can be said of a client, for `signet client create` and `signet client set`.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolValueParser, NonEmptyStringValueParser, PathBufValueParser, TypedValueParser};
use keys::{Algorithm, ClientAlgorithm};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::cli::console::Console;
use crate::cli::exit::CliError;
use crate::cli::options::{self, Change, one_of, unless_empty};
use crate::cli::password;
use crate::cli::place::Place;
use crate::cli::tenant::visible;
use crate::domain::ClientId;
use crate::domain::client::{
    ClientAuthMethod, ClientProfile, ConsentPolicy, GrantType, PkcePolicy, RefreshTokenPolicy, SubjectType,
};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;
use crate::domain::typed_json;
use crate::http::admin::model::NewClient;

/// What can be said of a client.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Registration {
    /// Grant that it may use, may be repeated [default: authorization_code]
    #[arg(long = "grant", visible_alias = "grant-type", value_name = "GRANT",
        value_parser = unless_empty(one_of(GrantType::ALL, |grant| grant.as_str())))]
    grants: Vec<Change<GrantType>>,
    /// Address that people are sent back to, byte for byte; may be repeated
    #[arg(long = "redirect-uri", id = "redirect_uris", value_name = "URI",
        value_parser = unless_empty(|text: &str| text.parse::<RedirectUri>()))]
    redirect_uris: Vec<Change<RedirectUri>>,
    /// How it proves itself [default: its secret in the header or in the form, with keys private_key_jwt]
    #[arg(long, value_name = "METHOD", value_parser = unless_empty(one_of(ClientAuthMethod::ALL, |method| method.as_str())))]
    auth_method: Option<Change<ClientAuthMethod>>,
    /// The one algorithm of its assertions [default: any that its keys can do]
    #[arg(long, value_name = "ALG", value_parser = client_algorithm())]
    token_auth_alg: Option<Change<ClientAlgorithm>>,
    /// Scopes that it may get, separated by spaces; may be repeated [default: the standard ones, for people]
    #[arg(long = "scope", value_name = "SCOPES", value_parser = unless_empty(|text: &str| text.parse::<ScopeSet>()))]
    scopes: Vec<Change<ScopeSet>>,
    /// Its public keys, a JWK Set (RFC 7517 §5)
    #[arg(long, value_name = "FILE", value_parser = unless_empty(PathBufValueParser::new()))]
    jwks: Option<Change<PathBuf>>,
    /// Where its public keys are to be fetched
    #[arg(long, value_name = "URL", value_parser = text())]
    jwks_uri: Option<Change<String>>,
    /// Where its request objects may be fetched, may be repeated
    #[arg(long = "request-uri", value_name = "URL", value_parser = text())]
    request_uris: Vec<Change<String>>,
    /// The one algorithm of its request objects [default: any that its keys can do]
    #[arg(long, value_name = "ALG", value_parser = client_algorithm())]
    request_object_alg: Option<Change<ClientAlgorithm>>,
    /// Whether its authorization requests count only as request objects
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        value_parser = unless_empty(BoolValueParser::new()))]
    require_signed_request_object: Option<Change<bool>>,
    /// Whether each client sees its users under the same identifier
    #[arg(long, value_name = "TYPE", value_parser = unless_empty(one_of(SubjectType::ALL, |kind| kind.as_str())))]
    subject_type: Option<Change<SubjectType>>,
    /// The document whose host names the sector of pairwise subjects
    #[arg(long, value_name = "URL", value_parser = text())]
    sector_identifier_uri: Option<Change<String>>,
    /// Its home page
    #[arg(long, value_name = "URL", value_parser = text())]
    client_uri: Option<Change<String>>,
    /// Its logo
    #[arg(long, value_name = "URL", value_parser = text())]
    logo_uri: Option<Change<String>>,
    /// Its privacy policy
    #[arg(long, value_name = "URL", value_parser = text())]
    policy_uri: Option<Change<String>>,
    /// Its terms of service
    #[arg(long, value_name = "URL", value_parser = text())]
    tos_uri: Option<Change<String>>,
    /// E-mail address of somebody responsible, may be repeated
    #[arg(long = "contact", value_name = "EMAIL", value_parser = text())]
    contacts: Vec<Change<String>>,
    /// Algorithm of its ID tokens [default: RS256]
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    id_token_alg: Option<Change<Algorithm>>,
    /// Algorithm of its access tokens [default: RS256]
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    access_token_alg: Option<Change<Algorithm>>,
    /// Algorithm of its userinfo answers, which are JWTs then
    #[arg(long, value_name = "ALG", value_parser = algorithm())]
    userinfo_alg: Option<Change<Algorithm>>,
    /// aud of its access tokens [default: the tenant's; services for a service's own]
    #[arg(long, value_parser = unless_empty(visible))]
    audience: Option<Change<String>>,
    /// Role in its own tokens, may be repeated [default: service]
    #[arg(long = "role", value_name = "ROLE", value_parser = text())]
    roles: Vec<Change<String>>,
    /// Life of its access tokens, 10s to 24h [default: by configuration]
    #[arg(long, value_name = "DURATION", value_parser = unless_empty(options::duration))]
    access_token_lifetime: Option<Change<Duration>>,
    /// max_age of requests that have none
    #[arg(long, value_name = "DURATION", value_parser = unless_empty(options::duration))]
    default_max_age: Option<Change<Duration>>,
    /// acr_values of requests that have none, separated by spaces
    #[arg(long, value_name = "VALUES", value_parser = text())]
    default_acr_values: Option<Change<String>>,
    /// Where a sign-in can be begun at the client
    #[arg(long, value_name = "URL", value_parser = text())]
    initiate_login_uri: Option<Change<String>>,
    /// Address that people may be sent to once they are signed out, byte for byte; may be repeated
    #[arg(long = "post-logout-redirect-uri", value_name = "URI", value_parser = text())]
    post_logout_redirect_uris: Vec<Change<String>>,
    /// Where its scripts come from that may call /v1/auth, as browsers send it: https://app.example.com; may be repeated
    #[arg(long = "allowed-origin", value_name = "ORIGIN", value_parser = text())]
    allowed_origins: Vec<Change<String>>,
    /// What a frame shows to sign people out there (OpenID Connect Front-Channel Logout)
    #[arg(long, value_name = "URL", value_parser = text())]
    frontchannel_logout_uri: Option<Change<String>>,
    /// Whether iss and sid must go with it; they always do
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        value_parser = unless_empty(BoolValueParser::new()))]
    frontchannel_logout_session_required: Option<Change<bool>>,
    /// Where it takes logout tokens (OpenID Connect Back-Channel Logout)
    #[arg(long, value_name = "URL", value_parser = text())]
    backchannel_logout_uri: Option<Change<String>>,
    /// Whether logout tokens must have a sid; they always do
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true,
        value_parser = unless_empty(BoolValueParser::new()))]
    backchannel_logout_session_required: Option<Change<bool>>,
    /// What its refresh tokens die with: nothing but their time, or also the session
    #[arg(long, value_name = "POLICY",
        value_parser = unless_empty(one_of(&[RefreshTokenPolicy::Offline, RefreshTokenPolicy::Session], |policy| match policy {
            RefreshTokenPolicy::Offline => "offline",
            RefreshTokenPolicy::Session => "session",
        })))]
    refresh_tokens: Option<Change<RefreshTokenPolicy>>,
    /// Whether people are asked for consent
    #[arg(long, value_name = "POLICY",
        value_parser = unless_empty(one_of(&[ConsentPolicy::Ask, ConsentPolicy::Implied], |policy| match policy {
            ConsentPolicy::Ask => "ask",
            ConsentPolicy::Implied => "implied",
        })))]
    consent: Option<Change<ConsentPolicy>>,
    /// Don't ask people for consent: one of the tenant's own applications. The same as --consent implied
    #[arg(long, conflicts_with = "consent")]
    implied_consent: bool,
    /// Whether it must use PKCE
    #[arg(long, value_name = "POLICY",
        value_parser = unless_empty(one_of(&[PkcePolicy::Required, PkcePolicy::Optional], |policy| match policy {
            PkcePolicy::Required => "required",
            PkcePolicy::Optional => "optional",
        })))]
    pkce: Option<Change<PkcePolicy>>,
    /// Let it do without PKCE, for an old application that knows none. The same as --pkce optional
    #[arg(long, conflicts_with = "pkce")]
    pkce_optional: bool,
    /// Which rules it is held to; the grant password needs compat [default: oauth21]
    #[arg(long, value_name = "PROFILE", value_parser = unless_empty(one_of(ClientProfile::ALL, |profile| profile.as_str())))]
    profile: Option<Change<ClientProfile>>,
}

fn text() -> impl TypedValueParser<Value = Change<String>> {
    unless_empty(NonEmptyStringValueParser::new())
}

/// An algorithm of our own signatures.
fn algorithm() -> impl TypedValueParser<Value = Change<Algorithm>> {
    unless_empty(one_of(&Algorithm::ALL, |alg| alg.name()))
}

/// One of clients' signatures.
fn client_algorithm() -> impl TypedValueParser<Value = Change<ClientAlgorithm>> {
    unless_empty(one_of(&ClientAlgorithm::ALL, |alg| alg.name()))
}

impl Registration {
    /// What is given, as a merge patch: null for what is given as an empty text.
    fn patch(&self) -> Result<Map<String, Value>, CliError> {
        let implied_consent = self.implied_consent.then_some(Change::To(ConsentPolicy::Implied));
        let pkce_optional = self.pkce_optional.then_some(Change::To(PkcePolicy::Optional));
        let mut patch = Patch::default();
        patch.set("token_endpoint_auth_method", self.auth_method.as_ref());
        patch.list("grant_types", &self.grants);
        patch.list("redirect_uris", &self.redirect_uris);
        patch.set("scope", self.scope().as_ref());
        patch.set("jwks", self.read_jwks()?.as_ref());
        patch.set("require_signed_request_object", self.require_signed_request_object.as_ref());
        patch.set("subject_type", self.subject_type.as_ref());
        patch.list("request_uris", &self.request_uris);
        patch.list("post_logout_redirect_uris", &self.post_logout_redirect_uris);
        patch.list("allowed_origins", &self.allowed_origins);
        patch.set("frontchannel_logout_session_required", self.frontchannel_logout_session_required.as_ref());
        patch.set("backchannel_logout_session_required", self.backchannel_logout_session_required.as_ref());
        patch.list("contacts", &self.contacts);
        patch.list("roles", &self.roles);
        for (name, text) in [
            ("jwks_uri", &self.jwks_uri),
            ("sector_identifier_uri", &self.sector_identifier_uri),
            ("client_uri", &self.client_uri),
            ("logo_uri", &self.logo_uri),
            ("policy_uri", &self.policy_uri),
            ("tos_uri", &self.tos_uri),
            ("audience", &self.audience),
            ("initiate_login_uri", &self.initiate_login_uri),
            ("frontchannel_logout_uri", &self.frontchannel_logout_uri),
            ("backchannel_logout_uri", &self.backchannel_logout_uri),
        ] {
            patch.set(name, text.as_ref());
        }
        let words = |text: &String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        patch.set("default_acr_values", self.default_acr_values.as_ref().map(|values| values.map(words)).as_ref());
        patch.set("token_endpoint_auth_signing_alg", self.token_auth_alg.as_ref());
        patch.set("request_object_signing_alg", self.request_object_alg.as_ref());
        patch.set("id_token_signed_response_alg", self.id_token_alg.as_ref());
        patch.set("access_token_signed_response_alg", self.access_token_alg.as_ref());
        patch.set("userinfo_signed_response_alg", self.userinfo_alg.as_ref());
        for (name, duration) in
            [("access_token_lifetime", &self.access_token_lifetime), ("default_max_age", &self.default_max_age)]
        {
            patch.set(name, duration.as_ref().map(|duration| duration.map(Duration::as_secs)).as_ref());
        }
        patch.set("refresh_tokens", self.refresh_tokens.as_ref());
        patch.set("consent", self.consent.as_ref().or(implied_consent.as_ref()));
        patch.set("pkce", self.pkce.as_ref().or(pkce_optional.as_ref()));
        patch.set("profile", self.profile.as_ref());
        Ok(patch.0)
    }

    /// All that were given, however many options they came in.
    fn scope(&self) -> Option<Change<ScopeSet>> {
        let given = self.scopes.iter().filter_map(Change::value).cloned();
        let all = given.reduce(|all, scopes| all.union(&scopes));
        all.map(Change::To).or_else(|| self.scopes.first().map(|_| Change::Usual))
    }

    fn read_jwks(&self) -> Result<Option<Change<Value>>, CliError> {
        let path = match &self.jwks {
            Some(Change::To(path)) => path,
            Some(Change::Usual) => return Ok(Some(Change::Usual)),
            None => return Ok(None),
        };
        let text =
            std::fs::read(path).map_err(|error| CliError::io(format!("{} can't be read", path.display()), &error))?;
        let jwks = serde_json::from_slice(&text).map(|jwks| Some(Change::To(jwks)));
        jwks.map_err(|error| CliError::usage(format!("{} isn't JSON: see line {}", path.display(), error.line())))
    }
}

/// A merge patch in the making.
#[derive(Default)]
struct Patch(Map<String, Value>);

impl Patch {
    fn set<T: Serialize>(&mut self, name: &str, change: Option<&Change<T>>) {
        if let Some(change) = change {
            self.0.insert(name.to_owned(), change.value().map_or(Value::Null, |value| json!(value)));
        }
    }

    /// All of a list; one empty text takes it back.
    fn list<T: Serialize>(&mut self, name: &str, values: &[Change<T>]) {
        let given: Vec<&T> = values.iter().filter_map(Change::value).collect();
        if !values.is_empty() {
            self.0.insert(name.to_owned(), if given.is_empty() { Value::Null } else { json!(given) });
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
        typed_json::read(document.into()).map_err(|error| CliError::usage(error.to_string()))
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use clap::{Args as _, Parser as _};

    use super::*;
    use crate::cli::client::Verb;
    use crate::cli::{Cli, Command};

    /// Each option that takes a value takes its setting back when that value is empty, and does nothing else.
    #[test]
    fn every_option_takes_its_setting_back() {
        let command = SetArguments::augment_args(clap::Command::new("set"));
        let place = Place::augment_args(clap::Command::new("place"));
        let of_place = |arg: &clap::Arg| place.get_arguments().any(|other| other.get_id() == arg.get_id());
        let mut members = std::collections::BTreeSet::new();
        for arg in command.get_arguments().filter(|arg| arg.get_action().takes_values() && !of_place(arg)) {
            let Some(option) = arg.get_long().filter(|option| *option != "name") else { continue };
            let cli = Cli::try_parse_from(["signet", "client", "set", "x", &format!("--{option}=")]).unwrap();
            let Command::Client(Verb::Set(arguments)) = cli.command else { panic!("another verb") };
            let patch = arguments.patch().unwrap();
            let patch = patch.as_object().unwrap();
            assert_eq!(patch.values().collect::<Vec<_>>(), [&Value::Null], "{option}");
            members.extend(patch.keys().cloned());
        }
        assert_eq!(members.len(), 36, "each has a member of its own: {members:?}");
    }
}
