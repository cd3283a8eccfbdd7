//! `signet webhook`: addresses that are told of events.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{self, Common, Page};
use super::place::{self, Administration, Place};
use super::record::{self, Record};
use crate::http::admin::model::{NewWebhook, Uri, Webhook, WebhookDelivery};

/// Verbs of `signet webhook`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make a webhook; what its messages are signed with is printed once
    Create {
        /// Address: https, and public unless outbound.allowed_networks has more
        #[arg(value_name = "URL")]
        address: String,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
        /// Only events of this type, such as auth:user.login; may be repeated
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List webhooks
    List {
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Show a webhook
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Change a webhook; what isn't named stays
    Set {
        /// Its id
        id: String,
        /// Address
        #[arg(long, value_name = "URL")]
        address: Option<String>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// Only events of this type; may be repeated
        #[arg(long = "type", value_name = "TYPE", conflicts_with = "all_types")]
        types: Vec<String>,
        /// Events of every type
        #[arg(long)]
        all_types: bool,
        #[command(flatten)]
        place: Place,
    },
    /// Tell it again from now on
    Enable {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Tell it nothing until it is enabled
    Disable {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// Give a webhook a new secret
    Rotate {
        /// Its id
        id: String,
        /// How long messages are signed with the former one as well
        #[arg(long, default_value = "24h", value_name = "DURATION", value_parser = options::duration)]
        grace: Duration,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a webhook; what waits for it is given up
    Delete {
        /// Its id
        id: String,
        #[command(flatten)]
        place: Place,
    },
    /// List what waits for a webhook, and what was given up
    Deliveries {
        /// Its id
        id: String,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Try again what was given up
    Replay {
        /// Its id
        id: String,
        /// Only this message
        #[arg(long, value_name = "DELIVERY_ID")]
        delivery: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

const FACTS: [&str; 7] = ["endpoint_id", "url", "description", "types", "status", "created_at", "updated_at"];

fn shown(webhook: &Webhook) -> Record {
    Record::of(webhook).with_all(&FACTS)
}

impl place::Verb for Verb {
    fn place(&self) -> &Place {
        match self {
            Self::Create { place, .. }
            | Self::List { place, .. }
            | Self::Show { place, .. }
            | Self::Set { place, .. }
            | Self::Enable { place, .. }
            | Self::Disable { place, .. }
            | Self::Rotate { place, .. }
            | Self::Delete { place, .. }
            | Self::Deliveries { place, .. }
            | Self::Replay { place, .. } => place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        let record = match self {
            Self::Create { address, description, types, .. } => {
                let made = admin.create_webhook(NewWebhook { url: Uri(address), description, types }).await?;
                let secret = made.secret.clone();
                shown(&made)
                    .with_text("secret", secret)
                    .note("The secret is shown this once. What a receiver does with it: docs/events.md.")
            }
            Self::List { page, .. } => {
                let read = async |after, limit| admin.list_webhooks(after, limit).await;
                let found = page.collect(|webhook: &Webhook| webhook.endpoint_id.0.clone(), read).await?;
                let records: Vec<Record> = found.iter().map(shown).collect();
                return record::list(console, common.format, &records, &["endpoint_id", "url", "status", "types"]);
            }
            Self::Show { id, .. } => shown(&admin.find_webhook(&id).await?),
            Self::Set { id, address, description, types, all_types, .. } => {
                let mut patch = Map::new();
                patch.extend(address.map(|url| ("url".to_owned(), Value::from(url))));
                patch.extend(description.map(|text| ("description".to_owned(), Value::from(text))));
                if all_types || !types.is_empty() {
                    patch.insert("types".to_owned(), types.into());
                }
                if patch.is_empty() {
                    return Err(CliError::usage("there is nothing to change: name an option"));
                }
                shown(&admin.update_webhook(&id, &patch.into()).await?)
            }
            Self::Enable { id, .. } => shown(&admin.update_webhook(&id, &json!({ "status": "active" })).await?),
            Self::Disable { id, .. } => shown(&admin.update_webhook(&id, &json!({ "status": "disabled" })).await?),
            Self::Rotate { id, grace, .. } => {
                let rotated = admin.rotate_webhook_secret(&id, grace).await?;
                Record::of(&rotated).with_all(&["endpoint_id", "secret", "former_secret_used_until"])
            }
            Self::Delete { id, .. } => {
                admin.delete_webhook(&id).await?;
                Record::default().with("endpoint_id", id).with("status", "deleted")
            }
            Self::Deliveries { id, page, .. } => {
                let read = async |after, limit| admin.webhook_deliveries(&id, after, limit).await;
                let found = page.collect(|delivery: &WebhookDelivery| delivery.delivery_id.0.clone(), read).await?;
                let columns = ["delivery_id", "type", "state", "attempts", "next_attempt_at", "last_error"];
                let all = [
                    "delivery_id",
                    "event_id",
                    "type",
                    "state",
                    "attempts",
                    "next_attempt_at",
                    "created_at",
                    "last_error",
                ];
                let records: Vec<Record> = found.iter().map(|delivery| Record::of(delivery).with_all(&all)).collect();
                return record::list(console, common.format, &records, &columns);
            }
            Self::Replay { id, delivery, .. } => {
                let replayed = admin.replay_webhook(&id, delivery.as_deref()).await?;
                Record::default().with("endpoint_id", id).with("replayed", replayed)
            }
        };
        record::show(console, common.format, &record)
    }
}
