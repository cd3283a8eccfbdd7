//! `/v1/admin/webhooks`, and what waits for them.

use std::time::Duration;

use poem_openapi::OpenApi;
use poem_openapi::param::{Header, Path, Query};
use serde_json::Value;

use super::Group;
use super::gate::{Gate, WebhooksRead, WebhooksWrite};
use super::logout_tokens::delivery;
use super::model::{
    NewWebhook, NewWebhookSecret, Replay, Replayed, Webhook, WebhookDelivery, WebhookDeliveryPart, WebhookPart,
    WebhookPatch, WebhookRotation,
};
use super::users::matching;
use crate::domain::DeliveryId;
use crate::domain::ids::EndpointId;
use crate::domain::webhook::Endpoint;
use crate::http::api::answer::{Answer, Changed, Content, Done, Listed, Made, Shown};
use crate::http::api::body::{Body, Optional, Patch};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::webhooks;

/// How long messages are signed with the former secret as well unless said otherwise.
const USUAL_GRACE: Duration = Duration::from_hours(24);
/// How long at most.
const LONGEST_GRACE: Duration = Duration::from_hours(30 * 24);

/// Addresses that are told of events.
#[derive(Debug)]
pub struct Webhooks;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Webhooks")]
impl Webhooks {
    /// List webhooks
    ///
    /// In the order in which they were made. Scope: `admin:webhooks:read`.
    #[oai(path = "/webhooks", method = "get", operation_id = "listWebhooks")]
    async fn list(
        &self,
        gate: Gate<WebhooksRead>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<WebhookPart>> {
        Answer::new(list(&gate, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Make a webhook
    ///
    /// What its messages are signed with is in the answer, this once. Scope: `admin:webhooks:write`.
    #[oai(path = "/webhooks", method = "post", operation_id = "createWebhook")]
    async fn create(&self, gate: Gate<WebhooksWrite>, body: Body<NewWebhook>) -> Answer<Made<Webhook>> {
        Answer::new(create(&gate, body.read).await)
    }

    /// Show a webhook
    ///
    /// Scope: `admin:webhooks:read`.
    #[oai(path = "/webhooks/:endpoint_id", method = "get", operation_id = "getWebhook")]
    async fn show(
        &self,
        gate: Gate<WebhooksRead>,
        /// The webhook's id.
        endpoint_id: Path<String>,
    ) -> Answer<Shown<Webhook>> {
        Answer::new(find(&gate, &endpoint_id).await.map(|endpoint| shown(&endpoint)))
    }

    /// Change a webhook
    ///
    /// A merge patch (RFC 7396). With `If-Match`, nothing that was changed since is lost: the answer is 412 then.
    /// Scope: `admin:webhooks:write`.
    #[oai(path = "/webhooks/:endpoint_id", method = "patch", operation_id = "updateWebhook")]
    async fn update(
        &self,
        gate: Gate<WebhooksWrite>,
        /// The webhook's id.
        endpoint_id: Path<String>,
        /// `ETag` of the version that is to be changed.
        #[oai(name = "If-Match")]
        if_match: Header<Option<String>>,
        body: Body<WebhookPatch, Patch>,
    ) -> Answer<Changed<Webhook>> {
        Answer::new(update(&gate, &endpoint_id, if_match.0.as_deref(), &body.document).await)
    }

    /// Delete a webhook
    ///
    /// What waits for it is given up. Scope: `admin:webhooks:write`.
    #[oai(path = "/webhooks/:endpoint_id", method = "delete", operation_id = "deleteWebhook")]
    async fn delete(
        &self,
        gate: Gate<WebhooksWrite>,
        /// The webhook's id.
        endpoint_id: Path<String>,
    ) -> Answer<Done> {
        Answer::new(delete(&gate, &endpoint_id).await)
    }

    /// Give a webhook a new secret
    ///
    /// Messages are signed with both for a while, so that the receiver can be given the new one without an outage.
    /// Scope: `admin:webhooks:write`.
    #[oai(path = "/webhooks/:endpoint_id/secret", method = "post", operation_id = "rotateWebhookSecret")]
    async fn rotate(
        &self,
        gate: Gate<WebhooksWrite>,
        /// The webhook's id.
        endpoint_id: Path<String>,
        body: Body<WebhookRotation, Optional>,
    ) -> Answer<Changed<NewWebhookSecret>> {
        Answer::new(rotate(&gate, &endpoint_id, body.read.grace_seconds).await)
    }

    /// List what waits for a webhook, and what was given up
    ///
    /// The oldest event first. Scope: `admin:webhooks:read`.
    #[oai(path = "/webhooks/:endpoint_id/deliveries", method = "get", operation_id = "listWebhookDeliveries")]
    async fn deliveries(
        &self,
        gate: Gate<WebhooksRead>,
        /// The webhook's id.
        endpoint_id: Path<String>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<WebhookDeliveryPart>> {
        Answer::new(deliveries(&gate, &endpoint_id, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Try again what was given up
    ///
    /// One message, or all. Scope: `admin:webhooks:write`.
    #[oai(path = "/webhooks/:endpoint_id/replay", method = "post", operation_id = "replayWebhook")]
    async fn replay(
        &self,
        gate: Gate<WebhooksWrite>,
        /// The webhook's id.
        endpoint_id: Path<String>,
        body: Body<Replay, Optional>,
    ) -> Answer<Changed<Replayed>> {
        Answer::new(replay(&gate, &endpoint_id, body.read.delivery_id.as_deref()).await)
    }
}

async fn find<R>(gate: &Gate<R>, id: &str) -> Result<Endpoint> {
    Ok(webhooks::find(&gate.ctx, gate.tenant_id(), id).await?)
}

fn shown(endpoint: &Endpoint) -> Content {
    Content::json(&Webhook::from(endpoint)).version(endpoint.updated_at)
}

async fn list(gate: &Gate<WebhooksRead>, part: Result<Part<EndpointId>>) -> Result<Content> {
    let part = part?;
    let found = webhooks::list(&gate.ctx, gate.tenant_id(), part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |endpoint| endpoint.id.to_string());
    Ok(Content::json(&WebhookPart { items: shown.iter().map(Webhook::from).collect(), next_cursor }))
}

async fn create(gate: &Gate<WebhooksWrite>, new: NewWebhook) -> Result<Content> {
    let actor = &gate.admitted.actor;
    let (endpoint, secret) = webhooks::create(&gate.ctx, gate.tenant_id(), new.into(), actor).await?;
    let address = format!("{}/v1/admin/webhooks/{}", gate.site.base, endpoint.id);
    let content = Content::json(&Webhook::made(&endpoint, Some(&secret)));
    Ok(content.version(endpoint.updated_at).location(address))
}

async fn update(gate: &Gate<WebhooksWrite>, id: &str, if_match: Option<&str>, patch: &Value) -> Result<Content> {
    let endpoint = find(gate, id).await?;
    matching(if_match, endpoint.updated_at, "the webhook")?;
    let changed = WebhookPatch::read(patch)?.applied(&endpoint);
    let actor = &gate.admitted.actor;
    Ok(shown(&webhooks::update(&gate.ctx, gate.tenant_id(), &endpoint, changed, actor).await?))
}

async fn delete(gate: &Gate<WebhooksWrite>, id: &str) -> Result<Content> {
    let endpoint = find(gate, id).await?;
    webhooks::delete(&gate.ctx, gate.tenant_id(), &endpoint, &gate.admitted.actor).await?;
    Ok(Content::default())
}

async fn rotate(gate: &Gate<WebhooksWrite>, id: &str, grace: Option<u32>) -> Result<Content> {
    let endpoint = find(gate, id).await?;
    let grace = grace.map_or(USUAL_GRACE, |seconds| Duration::from_secs(seconds.into()));
    if grace > LONGEST_GRACE {
        return Err(Refusal::unprocessable("grace_seconds: at most 30 days"));
    }
    let actor = &gate.admitted.actor;
    let (secret, until) = webhooks::rotate_secret(&gate.ctx, gate.tenant_id(), &endpoint, grace, actor).await?;
    Ok(Content::json(&NewWebhookSecret::new(&endpoint, &secret, until)).version(endpoint.updated_at))
}

async fn deliveries(gate: &Gate<WebhooksRead>, id: &str, part: Result<Part<DeliveryId>>) -> Result<Content> {
    let (part, endpoint) = (part?, find(gate, id).await?.id);
    let found = webhooks::deliveries(&gate.ctx, gate.tenant_id(), endpoint, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |delivery| delivery.id.to_string());
    Ok(Content::json(&WebhookDeliveryPart { items: shown.iter().map(WebhookDelivery::from).collect(), next_cursor }))
}

async fn replay(gate: &Gate<WebhooksWrite>, id: &str, one: Option<&str>) -> Result<Content> {
    let endpoint = find(gate, id).await?;
    let one = delivery(one)?;
    let actor = &gate.admitted.actor;
    let replayed = webhooks::replay(&gate.ctx, gate.tenant_id(), &endpoint, one, actor).await?;
    Ok(Content::json(&Replayed { replayed }).version(endpoint.updated_at))
}
