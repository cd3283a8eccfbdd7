//! Webhooks: events are posted to addresses that a tenant names, signed in the form of Standard Webhooks 1.0.
//!
//! What is told is put into the queue of [`super::deliveries`] in the transaction that notes that it was. The id in that
//! queue is made of the event's place, so that what is about one person arrives in order. The signature and its time are
//! made when it is sent.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use keys::SealContext;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde_json::{Value, json};
use thiserror::Error;

use super::Failure;
use super::audit::{self, Actor};
use super::ctx::Ctx;
use super::deliveries::{self, Outgoing, ReplayError, Undeliverable};
use super::outbound::{Message, OutboundError};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::delivery::{Delivery, DeliveryKind, NewDelivery};
use crate::domain::event::OutboxEvent;
use crate::domain::ids::EndpointId;
use crate::domain::merge_patch::FieldError;
use crate::domain::webhook::{Endpoint, EndpointDetails, EndpointStatus};
use crate::domain::{DeliveryId, Secret, TenantId, Timestamp};
use crate::store::outbox::{self, Consumer};
use crate::store::webhooks::SealedSecrets;
use crate::store::{self, StoreError};

/// The most endpoints that a tenant has: each event is queued once for each.
pub const MOST: u64 = 20;
/// What a secret begins with (Standard Webhooks 1.0).
const PREFIX: &str = "whsec_";

/// Why an endpoint can't be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    /// There is none of that name.
    #[error("there is no webhook {0}")]
    Unknown(String),
    /// A member that can't be what it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The address can't be reached from here.
    #[error("url: {0}")]
    Address(OutboundError),
    /// There are too many.
    #[error("a tenant has at most {MOST} webhooks")]
    TooMany,
    /// It was changed since it was looked at.
    #[error("the webhook was changed by somebody else in the meantime; look again")]
    Stale,
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for WebhookError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes an endpoint. Its secret is in the answer, this once.
pub async fn create(
    ctx: &Ctx,
    tenant: TenantId,
    details: EndpointDetails,
    actor: impl Into<Actor>,
) -> Result<(Endpoint, Secret), WebhookError> {
    check(ctx, &details)?;
    let now = ctx.now();
    let id = EndpointId::from_uuid(ctx.random.uuid_v7(now));
    let (secret, sealed) = draw(ctx, tenant, id)?;
    let endpoint = Endpoint { id, details, status: EndpointStatus::Active, created_at: now, updated_at: now };
    let event = changed(ctx, &endpoint, actor, "created");
    let row = endpoint.clone();
    ctx.database
        .write(async move |tx| {
            if store::webhooks::count(&tx, tenant).await? >= MOST {
                return Err(WebhookError::TooMany);
            }
            store::webhooks::insert(&tx, tenant, &row, sealed).await?;
            tx.record(tenant, event);
            Ok(())
        })
        .await?;
    Ok((endpoint, secret))
}

/// The endpoint of that id.
pub async fn find(ctx: &Ctx, tenant: TenantId, id: &str) -> Result<Endpoint, WebhookError> {
    let unknown = || WebhookError::Unknown(id.to_owned());
    let parsed = id.parse().map_err(|_| unknown())?;
    store::webhooks::find(ctx.database.read(), tenant, parsed).await?.ok_or_else(unknown)
}

/// Endpoints in the order of their ids, those after `after` only.
pub async fn list(
    ctx: &Ctx,
    tenant: TenantId,
    after: Option<EndpointId>,
    limit: u64,
) -> Result<Vec<Endpoint>, Failure> {
    Ok(store::webhooks::list(ctx.database.read(), tenant, after, limit).await?)
}

/// Changes an endpoint to these details and this status. With `seen`, nothing that was changed since is lost.
pub async fn update(
    ctx: &Ctx,
    tenant: TenantId,
    endpoint: &Endpoint,
    (details, status): (EndpointDetails, EndpointStatus),
    actor: impl Into<Actor>,
) -> Result<Endpoint, WebhookError> {
    check(ctx, &details)?;
    let updated_at = ctx.now().after(endpoint.updated_at);
    let next = Endpoint { details, status, updated_at, ..endpoint.clone() };
    let event = changed(ctx, &next, actor, "changed");
    let (row, seen) = (next.clone(), endpoint.updated_at);
    let written = ctx
        .database
        .write(async move |tx| {
            let written = store::webhooks::update(&tx, tenant, &row, seen).await?;
            if written {
                tx.record(tenant, event);
            }
            Ok(written)
        })
        .await
        .map_err(|error: StoreError| WebhookError::from(error))?;
    if written { Ok(next) } else { Err(WebhookError::Stale) }
}

/// Gives an endpoint a new secret. Messages are signed with the former one as well for `grace`.
pub async fn rotate_secret(
    ctx: &Ctx,
    tenant: TenantId,
    endpoint: &Endpoint,
    grace: Duration,
    actor: impl Into<Actor>,
) -> Result<(Secret, Timestamp), WebhookError> {
    let (secret, sealed) = draw(ctx, tenant, endpoint.id)?;
    let until = ctx.now() + grace;
    let event = changed(ctx, endpoint, actor, "secret rotated");
    let id = endpoint.id;
    let rotated = ctx
        .database
        .write(async move |tx| {
            let Some(stored) = store::webhooks::secrets(&tx, tenant, id).await? else { return Ok(false) };
            let secrets = SealedSecrets { current: sealed, former: Some((stored.current, until)) };
            store::webhooks::set_secrets(&tx, tenant, id, secrets).await?;
            tx.record(tenant, event);
            Ok(true)
        })
        .await
        .map_err(|error: StoreError| WebhookError::from(error))?;
    if rotated { Ok((secret, until)) } else { Err(WebhookError::Unknown(id.to_string())) }
}

/// Deletes an endpoint. What waits for it is given up.
pub async fn delete(
    ctx: &Ctx,
    tenant: TenantId,
    endpoint: &Endpoint,
    actor: impl Into<Actor>,
) -> Result<(), WebhookError> {
    let event = changed(ctx, endpoint, actor, "deleted");
    let id = endpoint.id;
    let deleted = ctx
        .database
        .write(async move |tx| {
            let deleted = store::webhooks::delete(&tx, tenant, id).await?;
            if deleted {
                store::deliveries::delete_of_target(&tx, tenant, DeliveryKind::Webhook, &id.to_string()).await?;
                tx.record(tenant, event);
            }
            Ok(deleted)
        })
        .await
        .map_err(|error: StoreError| WebhookError::from(error))?;
    if deleted { Ok(()) } else { Err(WebhookError::Unknown(id.to_string())) }
}

/// What waits for an endpoint and what was given up, the oldest first, those after `after` only.
pub async fn deliveries(
    ctx: &Ctx,
    tenant: TenantId,
    endpoint: EndpointId,
    after: Option<DeliveryId>,
    limit: u64,
) -> Result<Vec<Delivery>, Failure> {
    deliveries::of_target(ctx, tenant, (DeliveryKind::Webhook, &endpoint.to_string()), after, limit).await
}

/// Tries again what was given up: one message, or all of the endpoint's; how many they are.
pub async fn replay(
    ctx: &Ctx,
    tenant: TenantId,
    endpoint: &Endpoint,
    one: Option<DeliveryId>,
    actor: impl Into<Actor>,
) -> Result<u64, ReplayError> {
    let event = changed(ctx, endpoint, actor, "replayed");
    deliveries::replay(ctx, tenant, (DeliveryKind::Webhook, endpoint.id.to_string()), one, event).await
}

fn check(ctx: &Ctx, details: &EndpointDetails) -> Result<(), WebhookError> {
    details.check()?;
    ctx.outbound.check(&details.url).map(drop).map_err(WebhookError::Address)
}

fn changed(ctx: &Ctx, endpoint: &Endpoint, actor: impl Into<Actor>, what: &str) -> audit::AuditBuilder {
    let detail = json!({ "endpoint_id": endpoint.id, "what": what, "url": address(&endpoint.details.url) });
    audit::event(ctx, AuditKind::WebhookChanged, Outcome::Success).by(actor).detail(detail)
}

/// An address without its query, which may hold something secret.
fn address(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn draw(ctx: &Ctx, tenant: TenantId, id: EndpointId) -> Result<(Secret, Vec<u8>), Failure> {
    let key = ctx.random.bytes::<32>();
    let sealed = ctx.sealing.current().seal(&key, &seal_context(tenant, id)).map_err(|error| {
        tracing::error!(tenant = %tenant, endpoint = %id, error = %error, "a webhook's secret can't be sealed");
        Failure::Internal
    })?;
    Ok((Secret::new(format!("{PREFIX}{}", STANDARD.encode(key))), sealed))
}

/// What a webhook's secret is sealed for.
pub(super) fn seal_context(tenant: TenantId, id: EndpointId) -> SealContext {
    let (tenant, id) = (tenant.uuid(), id.uuid());
    SealContext::new("webhook-secret", &[tenant.as_bytes(), id.as_bytes()])
}

/// Puts the events after a place into the queue of those who want them, at most `limit`; the place of the last, or
/// `None` if there is nothing to do, or another node did it.
pub(super) async fn enqueue(ctx: &Ctx, tenant: TenantId, from: i64, limit: u64) -> Result<Option<i64>, StoreError> {
    let db = ctx.database.read();
    // Where the events end is asked before who listens, so that whoever listened when one was written hears of it.
    let newest = outbox::newest(db, tenant).await?;
    if newest <= from {
        return Ok(None);
    }
    let endpoints = store::webhooks::list(db, tenant, None, MOST).await?;
    let endpoints: Vec<Endpoint> =
        endpoints.into_iter().filter(|endpoint| endpoint.status == EndpointStatus::Active).collect();
    let mut events = if endpoints.is_empty() { Vec::new() } else { outbox::after(db, tenant, from, limit).await? };
    events.retain(|event| event.position <= newest);
    // Without any, nobody listens, and nobody has to be told.
    let last = events.last().map_or(newest, |last| last.position);
    let mut queued = Vec::new();
    for event in &events {
        let interested = endpoints.iter().filter(|endpoint| endpoint.wants(&event.kind));
        queued.extend(interested.map(|endpoint| message(ctx, endpoint, event)));
    }
    let now = ctx.now();
    let taken = ctx
        .database
        .write(async move |tx| {
            let taken = outbox::take(&tx, tenant, Consumer::Webhooks, from, last).await?;
            if taken {
                for new in queued {
                    store::deliveries::insert(&tx, tenant, new, now).await?;
                }
            }
            Ok(taken)
        })
        .await
        .map_err(|error: StoreError| error)?;
    Ok(taken.then_some(last))
}

fn message(ctx: &Ctx, endpoint: &Endpoint, event: &OutboxEvent) -> NewDelivery {
    NewDelivery {
        // In the place of a time stands the event's place: ids of one tenant's events are in their order.
        id: DeliveryId::from_uuid(ctx.random.uuid_v7(Timestamp::from_millis(event.position))),
        kind: DeliveryKind::Webhook,
        target: endpoint.id.to_string(),
        subject: Some(event.subject.clone()),
        payload: json!({ "event_id": event.id, "event": event.payload }),
    }
}

/// The request that carries an event (Standard Webhooks 1.0).
pub(super) async fn outgoing(ctx: &Ctx, tenant: TenantId, delivery: &Delivery) -> Result<Outgoing, Undeliverable> {
    let never = |why: &str| Undeliverable::Never(why.to_owned());
    let id: EndpointId = delivery.target.parse().map_err(|_| never("the message can't be read"))?;
    let db = ctx.database.read();
    let gone = || never("the webhook was deleted");
    let endpoint = store::webhooks::find(db, tenant, id).await?.ok_or_else(gone)?;
    if endpoint.status != EndpointStatus::Active {
        return Err(never("the webhook is disabled"));
    }
    let sealed = store::webhooks::secrets(db, tenant, id).await?.ok_or_else(gone)?;
    let now = ctx.now();
    let former = sealed.former.filter(|(_, until)| *until > now).map(|(former, _)| former);
    let event_id = delivery.payload.get("event_id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let body = delivery.payload.get("event").map(Value::to_string).unwrap_or_default();
    let timestamp = now.seconds().to_string();
    let mut signatures = Vec::new();
    for sealed in std::iter::once(sealed.current).chain(former) {
        let key = ctx.sealing.open(&sealed, &seal_context(tenant, id)).map_err(|error| {
            tracing::error!(tenant = %tenant, endpoint = %id, error = %error, "a webhook's secret can't be opened");
            Failure::Internal
        })?;
        signatures.push(sign(&key, &event_id, &timestamp, &body)?);
    }
    let header = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| never("the message can't be read"))?;
        Ok::<_, Undeliverable>((HeaderName::from_static(name), value))
    };
    let headers = vec![
        header("webhook-id", &event_id)?,
        header("webhook-timestamp", &timestamp)?,
        header("webhook-signature", &signatures.join(" "))?,
    ];
    let message = Message { content_type: "application/json", headers, body: body.into() };
    Ok(Outgoing { url: endpoint.details.url, message })
}

/// `v1,` and the HMAC-SHA256 over id, time and body.
fn sign(key: &[u8], id: &str, timestamp: &str, body: &str) -> Result<String, Failure> {
    let failed = |error: openssl::error::ErrorStack| {
        tracing::error!(error = %error, "a webhook's message can't be signed");
        Failure::Internal
    };
    let key = PKey::hmac(key).map_err(failed)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key).map_err(failed)?;
    let mac = signer.sign_oneshot_to_vec(format!("{id}.{timestamp}.{body}").as_bytes()).map_err(failed)?;
    Ok(format!("v1,{}", STANDARD.encode(mac)))
}
