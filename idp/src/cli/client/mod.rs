//! `signet client`: the applications and services that a tenant's tokens are for.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

mod registration;

use std::time::Duration;

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{self, Common, Page};
use super::place::{self, Administration, Place};
use super::record::{self, Record};
use crate::domain::ClientId;
use crate::domain::client::ClientStatus;
use crate::http::admin::model::{Client, LogoutToken};

/// Verbs of `signet client`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Register a client, and print its secret once
    Create(Box<registration::NewArguments>),
    /// List clients
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Show one client
    Show(Named),
    /// Change what the options name; an empty text takes a setting back
    Set(Box<registration::SetArguments>),
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
    /// List the logout tokens that wait for a client, and those that were given up
    LogoutTokens {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        page: Page,
    },
    /// Send again logout tokens that were given up
    ReplayLogoutTokens {
        #[command(flatten)]
        named: Named,
        /// Only this one
        #[arg(long, value_name = "DELIVERY_ID")]
        delivery: Option<String>,
    },
    /// Delete a client, its secrets, and the consents that people gave it
    Delete(Named),
}

/// Which client.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// Its client_id
    client_id: ClientId,
    #[command(flatten)]
    place: Place,
}

const ONCE: &str = "The secret is shown this once; only its SHA-256 is kept.";

impl place::Verb for Verb {
    fn place(&self) -> &Place {
        match self {
            Self::Create(arguments) => arguments.place(),
            Self::Set(arguments) => arguments.place(),
            Self::List { place, .. } => place,
            Self::Show(named)
            | Self::Disable(named)
            | Self::Enable(named)
            | Self::Delete(named)
            | Self::RotateSecret { named, .. }
            | Self::LogoutTokens { named, .. }
            | Self::ReplayLogoutTokens { named, .. } => &named.place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        let record = match self {
            Self::Create(arguments) => {
                let client = admin.create_client(arguments.client(console)?).await?;
                match &client.client_secret {
                    Some(secret) => record(&client).with("client_secret", secret.0.as_str()).note(ONCE),
                    None => record(&client),
                }
            }
            Self::List { page, .. } => {
                let read = async |after, limit| admin.list_clients(after, limit).await;
                let found = page.collect(|client: &Client| client.client_id.clone(), read).await?;
                let records: Vec<Record> = found.iter().map(record).collect();
                let columns = ["client_id", "client_name", "status", "grant_types", "token_endpoint_auth_method"];
                return record::list(console, common.format, &records, &columns);
            }
            Self::Show(named) => {
                let client = admin.find_client(named.client_id.as_str()).await?;
                record(&client).with("secrets", secrets(&client))
            }
            Self::Set(arguments) => {
                let patch = arguments.patch()?;
                record(&admin.update_client(arguments.client_id(), &patch).await?)
            }
            Self::RotateSecret { named, grace } => {
                let new = admin.rotate_secret(named.client_id.as_str(), grace).await?;
                Record::of(&new).with_all(&["client_id", "client_secret", "former_secrets_good_until"]).note(ONCE)
            }
            Self::LogoutTokens { named, page } => {
                let read = async |after, limit| admin.logout_tokens(named.client_id.as_str(), after, limit).await;
                let found = page.collect(|token: &LogoutToken| token.delivery_id.0.clone(), read).await?;
                let all =
                    ["delivery_id", "session_id", "user_id", "state", "attempts", "next_attempt_at", "created_at"];
                let all = [all.as_slice(), &["last_error"]].concat();
                let records: Vec<Record> = found.iter().map(|token| Record::of(token).with_all(&all)).collect();
                let columns = ["delivery_id", "session_id", "state", "attempts", "next_attempt_at", "last_error"];
                return record::list(console, common.format, &records, &columns);
            }
            Self::ReplayLogoutTokens { named, delivery } => {
                let replayed = admin.replay_logout_tokens(named.client_id.as_str(), delivery.as_deref()).await?;
                Record::default().with("client_id", named.client_id.as_str()).with("replayed", replayed)
            }
            Self::Disable(named) => set_status(&named, ClientStatus::Disabled, admin).await?,
            Self::Enable(named) => set_status(&named, ClientStatus::Active, admin).await?,
            Self::Delete(named) => {
                admin.delete_client(named.client_id.as_str()).await?;
                Record::default().with("client_id", named.client_id.as_str()).with("status", "deleted")
            }
        };
        record::show(console, common.format, &record)
    }
}

async fn set_status(named: &Named, status: ClientStatus, admin: &impl Administration) -> Result<Record, CliError> {
    Ok(record(&admin.set_client_status(named.client_id.as_str(), status).await?))
}

fn secrets(client: &Client) -> Vec<String> {
    let line = |secret: &crate::http::admin::model::ClientSecret| {
        let until = secret.expires_at.as_ref().map(|at| format!(", good until {}", at.0)).unwrap_or_default();
        format!("made {}{until}", secret.created_at.0)
    };
    client.secrets.iter().flatten().map(line).collect()
}

/// A client under the names of RFC 7591 §2.
fn record(client: &Client) -> Record {
    Record::of(client).with_all(&[
        "client_id",
        "client_name",
        "status",
        "grant_types",
        "token_endpoint_auth_method",
        "token_endpoint_auth_signing_alg",
        "secret_transport",
        "redirect_uris",
        "scope",
        "audience",
        "roles",
        "consent",
        "pkce",
        "profile",
        "access_token_lifetime",
        "id_token_signed_response_alg",
        "access_token_signed_response_alg",
        "userinfo_signed_response_alg",
        "subject_type",
        "sector_identifier_uri",
        "default_max_age",
        "default_acr_values",
        "initiate_login_uri",
        "post_logout_redirect_uris",
        "allowed_origins",
        "frontchannel_logout_uri",
        "frontchannel_logout_session_required",
        "backchannel_logout_uri",
        "backchannel_logout_session_required",
        "refresh_tokens",
        "request_uris",
        "request_object_signing_alg",
        "require_signed_request_object",
        "contacts",
        "client_uri",
        "logo_uri",
        "policy_uri",
        "tos_uri",
        "jwks",
        "jwks_uri",
        "created_at",
        "updated_at",
    ])
}
