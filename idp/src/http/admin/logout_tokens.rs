//! `/v1/admin/clients/{client_id}/logout-tokens`: what waits for a client that hears of logouts by the back channel.

use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::gate::{Gate, SessionsRead, SessionsWrite};
use super::model::{LogoutToken, LogoutTokenPart, Replay, Replayed};
use super::{Group, clients};
use crate::domain::DeliveryId;
use crate::http::api::answer::{Answer, Changed, Content, Listed};
use crate::http::api::body::{Body, Optional};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::service::backchannel_logout;

/// What clients are told of ended sessions.
#[derive(Debug)]
pub struct LogoutTokens;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Sessions")]
impl LogoutTokens {
    /// List the logout tokens that wait for a client, and those that were given up
    ///
    /// The oldest first. One that was taken isn't there. Scope: `admin:sessions:read`.
    #[oai(path = "/clients/:client_id/logout-tokens", method = "get", operation_id = "listLogoutTokens")]
    async fn list(
        &self,
        gate: Gate<SessionsRead>,
        /// The client's id.
        client_id: Path<String>,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<LogoutTokenPart>> {
        Answer::new(list(&gate, &client_id, Part::new(limit.0, cursor.0.as_deref())).await)
    }

    /// Send logout tokens again that were given up
    ///
    /// One, or all of the client's. Scope: `admin:sessions:write`.
    #[oai(path = "/clients/:client_id/logout-tokens/replay", method = "post", operation_id = "replayLogoutTokens")]
    async fn replay(
        &self,
        gate: Gate<SessionsWrite>,
        /// The client's id.
        client_id: Path<String>,
        body: Body<Replay, Optional>,
    ) -> Answer<Changed<Replayed>> {
        Answer::new(replay(&gate, &client_id, body.read.delivery_id.as_deref()).await)
    }
}

async fn list(gate: &Gate<SessionsRead>, client: &str, part: Result<Part<DeliveryId>>) -> Result<Content> {
    let (part, client) = (part?, clients::find(gate, client).await?.id);
    let found = backchannel_logout::waiting(&gate.ctx, gate.tenant_id(), &client, part.after, part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |waiting| waiting.delivery.id.to_string());
    Ok(Content::json(&LogoutTokenPart { items: shown.iter().map(LogoutToken::from).collect(), next_cursor }))
}

async fn replay(gate: &Gate<SessionsWrite>, client: &str, one: Option<&str>) -> Result<Content> {
    let (client, one) = (clients::find(gate, client).await?, delivery(one)?);
    let actor = &gate.admitted.actor;
    let replayed = backchannel_logout::replay(&gate.ctx, gate.tenant_id(), &client.id, one, actor).await?;
    Ok(Content::json(&Replayed { replayed }).version(client.updated_at))
}

/// The message that a body names, if it names one.
pub(super) fn delivery(id: Option<&str>) -> Result<Option<DeliveryId>> {
    id.map(str::parse).transpose().map_err(|_| Refusal::bad_request("delivery_id: must be the id of a message"))
}
