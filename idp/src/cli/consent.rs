//! `signet consent`: what people allowed clients.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, Page};
use super::place::{self, Administration, Place};
use super::record::{self, Record};
use crate::domain::ClientId;
use crate::http::admin::model::Consent;

/// Verbs of `signet consent`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// List what a user allowed, or what a client was allowed
    #[command(group = clap::ArgGroup::new("whose").required(true))]
    List {
        /// E-mail address, user name or id of a user
        #[arg(long, value_name = "USER", group = "whose")]
        user: Option<String>,
        /// Id of a client
        #[arg(long, value_name = "CLIENT_ID", group = "whose")]
        client: Option<ClientId>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Take back what a user allowed a client; its codes and tokens for them end
    Withdraw {
        /// E-mail address, user name or id of the user
        user: String,
        /// Id of the client
        client_id: ClientId,
        #[command(flatten)]
        place: Place,
    },
}

impl place::Verb for Verb {
    fn place(&self) -> &Place {
        match self {
            Self::List { place, .. } | Self::Withdraw { place, .. } => place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        match self {
            Self::List { user, client, page, .. } => {
                let found = match (user, client) {
                    (Some(user), _) => {
                        let id = admin.find_user(&user).await?.user_id.0;
                        let read = async |after, limit| admin.consents_of_user(&id, after, limit).await;
                        page.collect(|consent: &Consent| consent.client_id.clone(), read).await?
                    }
                    (None, client) => {
                        let id = client.as_ref().map(ClientId::as_str).unwrap_or_default();
                        let read = async |after, limit| admin.consents_of_client(id, after, limit).await;
                        page.collect(|consent: &Consent| consent.user_id.0.clone(), read).await?
                    }
                };
                let columns = ["user_id", "client_id", "scope", "created_at", "updated_at"];
                let records: Vec<Record> = found.iter().map(|consent| Record::of(consent).with_all(&columns)).collect();
                record::list(console, common.format, &records, &columns)
            }
            Self::Withdraw { user, client_id, .. } => {
                let id = admin.find_user(&user).await?.user_id.0;
                admin.withdraw(&id, client_id.as_str()).await?;
                let record = Record::default().with("user_id", id).with("client_id", client_id.as_str());
                record::show(console, common.format, &record.with("status", "withdrawn"))
            }
        }
    }
}
