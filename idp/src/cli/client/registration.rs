//! `signet client create`.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use std::path::PathBuf;
use std::time::Duration;

use keys::Algorithm;

use super::record;
use crate::app::App;
use crate::cli::console::Console;
use crate::cli::exit::CliError;
use crate::cli::options::{self, ACTOR, TenantOption, one_of};
use crate::cli::password;
use crate::cli::record::Record;
use crate::cli::tenant::visible;
use crate::domain::ClientId;
use crate::domain::client::{ClientAuthMethod, ClientMetadata, ConsentPolicy, GrantType, PkcePolicy, SecretTransport};
use crate::domain::redirect_uri::RedirectUri;
use crate::domain::scope::ScopeSet;
use crate::service::clients::{self, NewClient};

/// Scopes of an application that names none.
const USUAL_SCOPES: &str = "openid profile email address phone";

/// Options of `signet client create`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Arguments {
    /// Its name for people
    name: String,
    /// Grant that it may use, may be repeated [default: authorization_code with --redirect-uri]
    #[arg(long = "grant", visible_alias = "grant-type", value_name = "GRANT", required_unless_present = "redirect_uris",
        value_parser = one_of(GrantType::ALL, |grant| grant.as_str()))]
    grants: Vec<GrantType>,
    /// Address that people are sent back to, byte for byte; may be repeated
    #[arg(long = "redirect-uri", id = "redirect_uris", value_name = "URI")]
    redirect_uris: Vec<RedirectUri>,
    /// How it proves itself [default: its secret in the header or in the form, with --jwks private_key_jwt]
    #[arg(long, value_name = "METHOD", value_parser = one_of(ClientAuthMethod::ALL, |method| method.as_str()))]
    auth_method: Option<ClientAuthMethod>,
    /// Scopes that it may get, separated by spaces; may be repeated [default: the standard ones, for people]
    #[arg(long = "scope", value_name = "SCOPES")]
    scopes: Vec<ScopeSet>,
    /// Its public keys, a JWK Set (RFC 7517 §5), for private_key_jwt
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
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
    /// Algorithm of its ID tokens
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = one_of(&Algorithm::ALL, |alg| alg.name()))]
    id_token_alg: Algorithm,
    /// Algorithm of its access tokens
    #[arg(long, value_name = "ALG", default_value = "RS256", value_parser = one_of(&Algorithm::ALL, |alg| alg.name()))]
    access_token_alg: Algorithm,
    /// aud of its access tokens [default: the tenant's; services for a service's own]
    #[arg(long, value_parser = visible)]
    audience: Option<String>,
    /// Role in its own tokens, may be repeated [default: service]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    /// Life of its access tokens, 10s to 24h [default: by configuration]
    #[arg(long, value_name = "DURATION", value_parser = options::duration)]
    access_token_lifetime: Option<Duration>,
    /// Don't ask people for consent: one of the tenant's own applications
    #[arg(long)]
    implied_consent: bool,
    /// Let it do without PKCE, for an old application that knows none
    #[arg(long)]
    pkce_optional: bool,
    /// Its client_id [default: random]
    #[arg(long, value_name = "CLIENT_ID")]
    id: Option<ClientId>,
    /// Read its secret from standard input instead of making one: 32 to 128 visible ASCII characters
    #[arg(long)]
    secret_stdin: bool,
    #[command(flatten)]
    tenant: TenantOption,
}

impl Arguments {
    /// Registers the client.
    pub(super) async fn register(self, console: &mut Console<'_>, app: &App) -> Result<Record, CliError> {
        let tenant = self.tenant.find(app).await?.id;
        let metadata = self.metadata()?;
        let secret = if self.secret_stdin { Some(password::read_line(console, "secret")?) } else { None };
        let new = NewClient { id: self.id, name: self.name, metadata, secret };
        let (client, secret) = clients::create(&app.ctx, tenant, new, ACTOR).await?;
        let record = record(&client);
        Ok(match secret {
            Some(secret) => record
                .with("client_secret", secret.expose())
                .note("The secret is shown this once; only its SHA-256 is kept."),
            None => record,
        })
    }

    fn metadata(&self) -> Result<ClientMetadata, CliError> {
        let grants = if self.grants.is_empty() { vec![GrantType::AuthorizationCode] } else { self.grants.clone() };
        let jwks = self.read_jwks()?;
        let usual = if jwks.is_some() { ClientAuthMethod::PrivateKeyJwt } else { ClientAuthMethod::ClientSecretBasic };
        let mut metadata = ClientMetadata::new(grants, self.auth_method.unwrap_or(usual));
        if self.auth_method.is_none() {
            metadata.secret_transport = SecretTransport::Either;
        }
        let people = metadata.grant_types.contains(&GrantType::AuthorizationCode);
        metadata.scope = match self.scopes.as_slice() {
            [] if people => USUAL_SCOPES.parse().unwrap_or_default(),
            scopes => scopes.iter().fold(ScopeSet::default(), |all, scopes| all.union(scopes)),
        };
        metadata.redirect_uris.clone_from(&self.redirect_uris);
        metadata.jwks = jwks;
        metadata.client_uri.clone_from(&self.client_uri);
        metadata.logo_uri.clone_from(&self.logo_uri);
        metadata.policy_uri.clone_from(&self.policy_uri);
        metadata.tos_uri.clone_from(&self.tos_uri);
        metadata.id_token_signed_response_alg = self.id_token_alg;
        metadata.access_token_signed_response_alg = self.access_token_alg;
        metadata.audience = self.audience.clone().filter(|audience| !audience.is_empty());
        metadata.roles = self.roles.iter().cloned().collect();
        let lifetime = self.access_token_lifetime;
        metadata.access_token_lifetime = lifetime.map(|lifetime| u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX));
        if self.implied_consent {
            metadata.consent = ConsentPolicy::Implied;
        }
        if self.pkce_optional {
            metadata.pkce = PkcePolicy::Optional;
        }
        Ok(metadata)
    }

    fn read_jwks(&self) -> Result<Option<serde_json::Value>, CliError> {
        let Some(path) = &self.jwks else { return Ok(None) };
        let text =
            std::fs::read(path).map_err(|error| CliError::io(format!("{} can't be read", path.display()), &error))?;
        let jwks = serde_json::from_slice(&text);
        jwks.map(Some).map_err(|error| CliError::usage(format!("{} isn't JSON: {error}", path.display())))
    }
}
