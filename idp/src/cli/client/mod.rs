//! `signet client`: the applications and services that a tenant's tokens are for.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

mod registration;

use std::time::Duration;

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{self, ACTOR, Common, Page, TenantOption};
use super::record::{self, Record, rfc3339};
use crate::app::App;
use crate::domain::ClientId;
use crate::domain::client::{Client, ClientStatus};
use crate::service::clients;

/// Verbs of `signet client`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Register a client, and print its secret once
    Create(Box<registration::Arguments>),
    /// List clients
    List {
        #[command(flatten)]
        tenant: TenantOption,
        #[command(flatten)]
        page: Page,
    },
    /// Show one client
    Show(Named),
    /// Give a client a new secret, and print it once
    RotateSecret {
        #[command(flatten)]
        named: Named,
        /// How long the former secrets are still good: 0 ends them now
        #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = options::duration)]
        grace: Duration,
    },
    /// Switch a client off: its requests are refused
    Disable(Named),
    /// Switch a client on
    Enable(Named),
    /// Delete a client, its secrets, and the consents that people gave it
    Delete(Named),
}

/// Which client.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// Its client_id
    client_id: ClientId,
    #[command(flatten)]
    tenant: TenantOption,
}

/// Runs a verb.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let app = common.open(console).await?;
    let answer = answer(verb, common, console, &app).await;
    app.close().await;
    answer
}

async fn answer(verb: Verb, common: &Common, console: &mut Console<'_>, app: &App) -> Result<Exit, CliError> {
    let record = match verb {
        Verb::Create(arguments) => arguments.register(console, app).await?,
        Verb::List { tenant, page } => {
            let tenant = tenant.find(app).await?.id;
            let read = async |after: Option<ClientId>, limit| {
                Ok(clients::list(&app.ctx, tenant, after.as_ref(), limit).await?)
            };
            let found = page.collect(|client: &Client| client.id.clone(), read).await?;
            let records: Vec<Record> = found.iter().map(record).collect();
            let columns = ["client_id", "client_name", "status", "grant_types", "token_endpoint_auth_method"];
            return record::list(console, common.format, &records, &columns);
        }
        Verb::Show(named) => {
            let tenant = named.tenant.find(app).await?.id;
            let client = clients::find(&app.ctx, tenant, &named.client_id).await?;
            let secrets: Vec<String> = client
                .secrets
                .iter()
                .map(|secret| {
                    let until = secret.expires_at.map(|at| format!(", good until {}", rfc3339(at))).unwrap_or_default();
                    format!("made {}{until}", rfc3339(secret.created_at))
                })
                .collect();
            record(&client).with("secrets", secrets)
        }
        Verb::RotateSecret { named, grace } => rotate(&named, grace, app).await?,
        Verb::Disable(named) => set_status(&named, ClientStatus::Disabled, app).await?,
        Verb::Enable(named) => set_status(&named, ClientStatus::Active, app).await?,
        Verb::Delete(named) => {
            let tenant = named.tenant.find(app).await?.id;
            clients::delete(&app.ctx, tenant, &named.client_id, ACTOR).await?;
            Record::default().with("client_id", named.client_id.as_str()).with("status", "deleted")
        }
    };
    record::show(console, common.format, &record)
}

async fn rotate(named: &Named, grace: Duration, app: &App) -> Result<Record, CliError> {
    let tenant = named.tenant.find(app).await?.id;
    let (secret, former_until) = clients::rotate_secret(&app.ctx, tenant, &named.client_id, grace, ACTOR).await?;
    let record = Record::default().with("client_id", named.client_id.as_str()).with("client_secret", secret.expose());
    Ok(record
        .with_time("former_secrets_good_until", former_until)
        .note("The secret is shown this once; only its SHA-256 is kept."))
}

async fn set_status(named: &Named, status: ClientStatus, app: &App) -> Result<Record, CliError> {
    let tenant = named.tenant.find(app).await?.id;
    Ok(record(&clients::set_status(&app.ctx, tenant, &named.client_id, status, ACTOR).await?))
}

/// A client under the names of RFC 7591 §2.
fn record(client: &Client) -> Record {
    let metadata = serde_json::to_value(&client.metadata).unwrap_or_default();
    let of = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    Record::default()
        .with("client_id", client.id.as_str())
        .with("client_name", client.name.as_str())
        .with(
            "status",
            match client.status {
                ClientStatus::Active => "active",
                ClientStatus::Disabled => "disabled",
            },
        )
        .with("grant_types", of("grant_types"))
        .with("token_endpoint_auth_method", of("token_endpoint_auth_method"))
        .with("redirect_uris", of("redirect_uris"))
        .with("scope", of("scope"))
        .with("audience", of("audience"))
        .with("roles", of("roles"))
        .with("consent", of("consent"))
        .with("pkce", of("pkce"))
        .with("access_token_lifetime", of("access_token_lifetime"))
        .with("id_token_signed_response_alg", of("id_token_signed_response_alg"))
        .with("access_token_signed_response_alg", of("access_token_signed_response_alg"))
        .with("client_uri", of("client_uri"))
        .with("logo_uri", of("logo_uri"))
        .with("policy_uri", of("policy_uri"))
        .with("tos_uri", of("tos_uri"))
        .with("jwks", of("jwks"))
        .with_time("created_at", client.created_at)
        .with_time("updated_at", client.updated_at)
}
