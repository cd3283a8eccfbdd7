//! Where a command does its work: on the database, or at the admin API of a server. The verbs know one
//! [`Administration`] and are written once; what they print is made of the same documents.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

mod local;
mod remote;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, TenantOption};
use crate::app::App;
use crate::domain::Secret;
use crate::domain::client::ClientStatus;
use crate::domain::tenant::Issuer;
use crate::domain::user::UserStatus;
use crate::http::admin::model::{
    AuditLine, AuditWhich, Client, Consent, Key, LogoutToken, NewClient, NewKey, NewSecret, NewUser, NewWebhook,
    NewWebhookSecret, Session, User, Webhook, WebhookDelivery,
};
use crate::service::key_rings::KeyChange;

/// Which tenant a command is about, and where it is.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Place {
    #[command(flatten)]
    tenant: TenantOption,
    /// Work at the admin API of this issuer instead of on a database: https://id.example.com or, for the tenant acme,
    /// https://id.example.com/t/acme. Who you are is in SIGNET_TOKEN, or in SIGNET_CLIENT_ID and SIGNET_CLIENT_SECRET
    #[arg(long, value_name = "ISSUER", help_heading = "At a server", conflicts_with_all = ["tenant", "config", "data"])]
    url: Option<Issuer>,
    /// Read the access token from standard input
    #[arg(long, help_heading = "At a server", requires = "url")]
    token_stdin: bool,
    /// Certificates to trust beside those of the system, PEM
    #[arg(long, value_name = "FILE", help_heading = "At a server", requires = "url")]
    ca_file: Option<PathBuf>,
}

/// Which users to list; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Which {
    /// Only those of this status.
    pub(super) status: Option<UserStatus>,
    /// Only those whose e-mail address or user name begins so.
    pub(super) search: Option<String>,
}

/// Whose sessions to list; all where nothing is said.
#[derive(Clone, Debug, Default)]
pub(super) struct Signed {
    /// Only those of this user.
    pub(super) user: Option<String>,
    /// Only those in which this client was given something.
    pub(super) client: Option<String>,
}

/// What to end.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// A session.
    Session(String),
    /// All sessions of a user, and all that they gave.
    User(String),
    /// All that a client was given.
    Client(String),
    /// Everything.
    All,
}

/// What commands can do to a tenant. People and clients are named by their ids, but by [`Self::find_user`].
pub(super) trait Administration {
    /// Makes a user.
    async fn create_user(&self, new: NewUser) -> Result<User, CliError>;
    /// Lists users, those after one.
    async fn list_users(&self, which: &Which, after: Option<String>, limit: u64) -> Result<Vec<User>, CliError>;
    /// The user of that e-mail address, user name or id.
    async fn find_user(&self, name: &str) -> Result<User, CliError>;
    /// Changes what a merge patch names.
    async fn update_user(&self, id: &str, patch: &Value) -> Result<User, CliError>;
    /// Switches a user on or off.
    async fn set_user_status(&self, id: &str, status: UserStatus) -> Result<User, CliError>;
    /// Gives a user a new password.
    async fn set_password(&self, id: &str, password: &Secret) -> Result<(), CliError>;
    /// Deletes a user.
    async fn delete_user(&self, id: &str) -> Result<(), CliError>;

    /// Registers a client; its secret is in the answer.
    async fn create_client(&self, new: NewClient) -> Result<Client, CliError>;
    /// Lists clients, those after one.
    async fn list_clients(&self, after: Option<String>, limit: u64) -> Result<Vec<Client>, CliError>;
    /// The client of that id.
    async fn find_client(&self, id: &str) -> Result<Client, CliError>;
    /// Changes what a merge patch names.
    async fn update_client(&self, id: &str, patch: &Value) -> Result<Client, CliError>;
    /// Gives a client a new secret.
    async fn rotate_secret(&self, id: &str, grace: Duration) -> Result<NewSecret, CliError>;
    /// Switches a client on or off.
    async fn set_client_status(&self, id: &str, status: ClientStatus) -> Result<Client, CliError>;
    /// The logout tokens that wait for a client and those that were given up, those after one.
    async fn logout_tokens(
        &self,
        client: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<LogoutToken>, CliError>;
    /// Sends again what was given up: one logout token, or all of the client's.
    async fn replay_logout_tokens(&self, client: &str, one: Option<&str>) -> Result<u64, CliError>;
    /// Deletes a client.
    async fn delete_client(&self, id: &str) -> Result<(), CliError>;

    /// All keys, the oldest first.
    async fn list_keys(&self) -> Result<Vec<Key>, CliError>;
    /// The key of that name.
    async fn find_key(&self, kid: &str) -> Result<Key, CliError>;
    /// Makes a key and publishes it.
    async fn create_key(&self, new: NewKey) -> Result<Key, CliError>;
    /// Changes a key's state.
    async fn change_key(&self, kid: &str, change: KeyChange) -> Result<Key, CliError>;

    /// What a user allowed, clients after one.
    async fn consents_of_user(&self, user: &str, after: Option<String>, limit: u64) -> Result<Vec<Consent>, CliError>;
    /// What a client was allowed, by users after one.
    async fn consents_of_client(
        &self,
        client: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<Consent>, CliError>;
    /// Takes a consent back, and what came of it.
    async fn withdraw(&self, user: &str, client: &str) -> Result<(), CliError>;

    /// Makes a webhook; its secret is in the answer.
    async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, CliError>;
    /// Lists webhooks, those after one.
    async fn list_webhooks(&self, after: Option<String>, limit: u64) -> Result<Vec<Webhook>, CliError>;
    /// The webhook of that id.
    async fn find_webhook(&self, id: &str) -> Result<Webhook, CliError>;
    /// Changes what a merge patch names.
    async fn update_webhook(&self, id: &str, patch: &Value) -> Result<Webhook, CliError>;
    /// Gives a webhook a new secret.
    async fn rotate_webhook_secret(&self, id: &str, grace: Duration) -> Result<NewWebhookSecret, CliError>;
    /// Deletes a webhook.
    async fn delete_webhook(&self, id: &str) -> Result<(), CliError>;
    /// What waits for a webhook and what was given up, those after one.
    async fn webhook_deliveries(
        &self,
        id: &str,
        after: Option<String>,
        limit: u64,
    ) -> Result<Vec<WebhookDelivery>, CliError>;
    /// Tries again what was given up: one message, or all.
    async fn replay_webhook(&self, id: &str, one: Option<&str>) -> Result<u64, CliError>;

    /// The audit log, the newest first, those lines after a place in that order.
    async fn audit(&self, which: &AuditWhich, after: Option<String>, limit: u64) -> Result<Vec<AuditLine>, CliError>;
    /// Lists live sessions, those after one.
    async fn list_sessions(&self, of: &Signed, after: Option<String>, limit: u64) -> Result<Vec<Session>, CliError>;
    /// The live session of that id.
    async fn find_session(&self, id: &str) -> Result<Session, CliError>;
    /// The live session that a person's access token of that `jti` was given in.
    async fn session_of_token(&self, jti: &str) -> Result<Session, CliError>;
    /// Ends sessions or what was given.
    async fn end(&self, what: &End) -> Result<(), CliError>;
}

fn no_session() -> CliError {
    CliError::new(Exit::NotFound, "there is no such session, or it has ended")
}

/// A verb that does its work at a [`Place`].
pub(super) trait Verb: Sized {
    /// Where.
    fn place(&self) -> &Place;
    /// Does it.
    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError>;
}

/// Runs a verb where it is to be run.
pub(super) async fn run(verb: impl Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let place = verb.place().clone();
    match place.url {
        Some(issuer) => {
            let remote = remote::Remote::open(issuer, place.ca_file, place.token_stdin, console).await?;
            verb.answer(&remote, common, console).await
        }
        None => {
            with_app(common, console, async |app, console| {
                let tenant = place.tenant.find(app).await?;
                verb.answer(&local::Local { ctx: &app.ctx, tenant }, common, console).await
            })
            .await
        }
    }
}

/// Opens the application, lets it be used, and closes it, however that ends.
pub(super) async fn with_app<T>(
    common: &Common,
    console: &mut Console<'_>,
    work: impl AsyncFnOnce(&App, &mut Console<'_>) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let app = common.open(console).await?;
    let answer = work(&app, console).await;
    app.close().await;
    answer
}
