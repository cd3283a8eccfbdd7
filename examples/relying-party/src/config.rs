//! Where the provider is, who we are to it, and where visitors find us.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use serde::Deserialize;

/// A web application whose visitors sign in at an OIDC provider.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Arguments {
    /// The provider's issuer, as its discovery document spells it.
    #[arg(long, env = "ISSUER", required_unless_present = "dev_json")]
    issuer: Option<String>,

    /// The id under which the provider knows this application.
    #[arg(long, env = "CLIENT_ID", required_unless_present = "dev_json")]
    client_id: Option<String>,

    /// The secret that goes with it. Prefer the environment: other users can read a command line.
    #[arg(long, env = "CLIENT_SECRET", hide_env_values = true)]
    client_secret: Option<String>,

    /// Take all three from the file that `signet serve --dev` writes.
    #[arg(long, env = "DEV_JSON", value_name = "FILE")]
    dev_json: Option<PathBuf>,

    /// The address to serve on.
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8090", value_name = "ADDR:PORT")]
    listen: SocketAddr,

    /// The address that visitors use, when it isn't the one we listen on. `/callback` below it is registered at the provider.
    #[arg(long, env = "BASE_URL", value_name = "URL")]
    base_url: Option<String>,
}

/// The settings, complete.
pub(crate) struct Config {
    /// The provider's issuer.
    pub(crate) issuer: String,
    /// Our `client_id`.
    pub(crate) client_id: String,
    /// Our `client_secret`; a public client has none.
    pub(crate) client_secret: Option<String>,
    /// The address to serve on.
    pub(crate) listen: SocketAddr,
    /// The address that visitors use, without a trailing slash.
    pub(crate) base_url: String,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    /// The file of `--dev-json` can't be read.
    #[error("can't read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// It isn't what `signet serve --dev` writes.
    #[error("{} isn't a dev.json: {source}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The first thing that's wrong with it.
        source: serde_json::Error,
    },
    /// Neither the arguments nor the file say this.
    #[error("missing: {0}")]
    Missing(&'static str),
}

/// The part of dev.json that matters here.
#[derive(Deserialize)]
struct DevFacts {
    issuer: String,
    browser_client: DevClient,
}

#[derive(Deserialize)]
struct DevClient {
    client_id: String,
    client_secret: Option<String>,
}

impl Arguments {
    /// Fills in from dev.json what wasn't given.
    pub(crate) fn resolve(self) -> Result<Config, ConfigError> {
        let facts = self.dev_json.map(read_facts).transpose()?;
        let (issuer, client_id, client_secret) = match facts {
            Some(facts) => {
                (Some(facts.issuer), Some(facts.browser_client.client_id), facts.browser_client.client_secret)
            }
            None => (None, None, None),
        };
        Ok(Config {
            issuer: self.issuer.or(issuer).ok_or(ConfigError::Missing("--issuer"))?,
            client_id: self.client_id.or(client_id).ok_or(ConfigError::Missing("--client-id"))?,
            client_secret: self.client_secret.or(client_secret),
            listen: self.listen,
            base_url: self
                .base_url
                .map_or_else(|| format!("http://{}", self.listen), |url| url.trim_end_matches('/').to_owned()),
        })
    }
}

fn read_facts(path: PathBuf) -> Result<DevFacts, ConfigError> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(ConfigError::Unreadable { path, source }),
    };
    serde_json::from_str(&text).map_err(|source| ConfigError::Malformed { path, source })
}
