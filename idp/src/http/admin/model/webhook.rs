//! Webhooks.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::delivery::Progress;
use crate::domain::delivery::Delivery;
use crate::domain::merge_patch::FieldError;
use crate::domain::typed_json;
use crate::domain::webhook::{self, Endpoint, EndpointDetails};
use crate::domain::{Secret, Timestamp};
use crate::http::api::schema::{DateTime, Id, Uri, Word};

/// An address that is told of events.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Webhook {
    /// Its id.
    pub endpoint_id: Id,
    /// The address.
    pub url: Uri,
    /// What it is for.
    pub description: String,
    /// Of what it is told: types of events; of everything if there are none.
    pub types: Vec<String>,
    /// Whether it is told.
    pub status: Word<webhook::EndpointStatus>,
    /// What its messages are signed with (Standard Webhooks): in the answer that makes it, this once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// When it was made.
    pub created_at: DateTime,
    /// When it was last changed.
    pub updated_at: DateTime,
}

impl Webhook {
    /// An endpoint, with its secret if it was just made.
    pub fn made(endpoint: &Endpoint, secret: Option<&Secret>) -> Self {
        Self {
            endpoint_id: Id(endpoint.id.to_string()),
            url: Uri(endpoint.details.url.clone()),
            description: endpoint.details.description.clone(),
            types: endpoint.details.types.clone(),
            status: Word(endpoint.status),
            secret: secret.map(|secret| secret.expose().to_owned()),
            created_at: endpoint.created_at.into(),
            updated_at: endpoint.updated_at.into(),
        }
    }
}

impl From<&Endpoint> for Webhook {
    fn from(endpoint: &Endpoint) -> Self {
        Self::made(endpoint, None)
    }
}

/// A part of the list of webhooks.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookPart {
    /// The webhooks.
    pub items: Vec<Webhook>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A new webhook.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct NewWebhook {
    /// The address: https, and public unless the operator allowed more.
    pub url: Uri,
    /// What it is for; at most 200 characters.
    #[serde(default)]
    #[oai(default)]
    pub description: String,
    /// Of what it is told: types of events; of everything if there are none.
    #[serde(default)]
    #[oai(default)]
    pub types: Vec<String>,
}

impl From<NewWebhook> for EndpointDetails {
    fn from(new: NewWebhook) -> Self {
        Self { url: new.url.0, description: new.description, types: new.types }
    }
}

/// What may be changed of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookPatch {
    /// The address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Uri>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Of what it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<String>>,
    /// Whether it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Word<webhook::EndpointStatus>>,
}

impl WebhookPatch {
    /// What a patch says. What is null becomes what it is in a new one.
    ///
    /// # Errors
    /// The member at fault.
    pub fn read(patch: &Value) -> Result<Self, FieldError> {
        let is_null = |name: &str| patch.get(name).is_some_and(Value::is_null);
        if is_null("url") {
            return Err(FieldError::new("url", "a webhook must have one"));
        }
        let said: Self = typed_json::read(patch.clone())?;
        Ok(Self {
            description: said.description.or_else(|| is_null("description").then(String::new)),
            types: said.types.or_else(|| is_null("types").then(Vec::new)),
            status: said.status.or_else(|| is_null("status").then_some(Word(webhook::EndpointStatus::Active))),
            ..said
        })
    }

    /// What becomes of an endpoint.
    pub fn applied(self, endpoint: &Endpoint) -> (EndpointDetails, webhook::EndpointStatus) {
        let before = &endpoint.details;
        let details = EndpointDetails {
            url: self.url.map_or_else(|| before.url.clone(), |url| url.0),
            description: self.description.unwrap_or_else(|| before.description.clone()),
            types: self.types.unwrap_or_else(|| before.types.clone()),
        };
        (details, self.status.map_or(endpoint.status, |status| status.0))
    }
}

/// How long the former secret is good.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookRotation {
    /// So many seconds: messages are signed with both until then. A day unless given, 30 days at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_seconds: Option<u32>,
}

/// A new secret of a webhook.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
pub struct NewWebhookSecret {
    /// The webhook.
    pub endpoint_id: Id,
    /// The secret, this once.
    pub secret: String,
    /// Until when messages are signed with the former one as well.
    pub former_secret_used_until: DateTime,
}

impl NewWebhookSecret {
    /// What was drawn.
    pub fn new(endpoint: &Endpoint, secret: &Secret, until: Timestamp) -> Self {
        Self {
            endpoint_id: Id(endpoint.id.to_string()),
            secret: secret.expose().to_owned(),
            former_secret_used_until: until.into(),
        }
    }
}

/// A message that waits for a webhook, or was given up.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookDelivery {
    /// Its id.
    pub delivery_id: Id,
    /// The event's: `webhook-id`.
    pub event_id: String,
    /// The event's type.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// `pending`, or `dead`: given up.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<DateTime>,
    /// When it was put into the queue.
    pub created_at: DateTime,
    /// Why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

impl From<&Delivery> for WebhookDelivery {
    fn from(delivery: &Delivery) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let Progress { state, attempts, next_attempt_at, created_at, last_error } = delivery.into();
        Self {
            delivery_id: Id(delivery.id.to_string()),
            event_id: text(delivery.payload.get("event_id")),
            kind: text(delivery.payload.get("event").and_then(|event| event.get("type"))),
            state,
            attempts,
            next_attempt_at,
            created_at,
            last_error,
        }
    }
}

/// A part of the list of a webhook's messages.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct WebhookDeliveryPart {
    /// The messages, the oldest event first.
    pub items: Vec<WebhookDelivery>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
