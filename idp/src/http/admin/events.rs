//! `/v1/admin/events`: the list, and a stream of server-sent events (HTML Living Standard §9.2).

use std::io;

use futures_util::stream;
use poem::http::{HeaderMap, StatusCode, header};
use poem::{Body, Request, Response};
use poem_openapi::OpenApi;
use poem_openapi::param::Query;
use poem_openapi::types::Any;

use super::Group;
use super::gate::{EventsRead, Gate, Right as _};
use super::model::EventPart;
use super::refusal;
use crate::domain::Secret;
use crate::domain::event::OutboxEvent;
use crate::http::api::answer::{Answer, Content, Listed};
use crate::http::api::paging::Part;
use crate::http::api::refusal::{Refusal, Result};
use crate::http::extract::bearer;
use crate::service::Failure;
use crate::service::event_streams::{self, Follower, Heard};

const EVENT_STREAM: &str = "text/event-stream";
/// How long a browser waits before it connects again, in milliseconds.
const RETRY: u32 = 2000;

/// Events.
#[derive(Debug)]
pub struct Events;

#[OpenApi(prefix_path = "/v1/admin", tag = "Group::Events")]
impl Events {
    /// List events, or follow them
    ///
    /// The oldest first. With `Accept: text/event-stream` the answer is a stream that goes on: the events after
    /// `Last-Event-ID`, or after `cursor`, or those that come from now on; `id` is the event's `position`, `event` its
    /// type. It ends when the access token stops holding. Scope: `admin:events:read`.
    #[oai(path = "/events", method = "get", operation_id = "listEvents")]
    async fn list(
        &self,
        gate: Gate<EventsRead>,
        request: &Request,
        /// How many, 1 to 200; 50 unless given.
        #[oai(validator(minimum(value = "1"), maximum(value = "200")))]
        limit: Query<Option<u16>>,
        /// `next_cursor` of the part before, or the `position` of an event.
        cursor: Query<Option<String>>,
    ) -> Answer<Listed<EventPart>> {
        if wants_stream(request.headers()) {
            return match follow(&gate, request, cursor.0.as_deref()).await {
                Ok(response) => Answer::ready(response),
                Err(refusal) => Answer::new(Err(refusal)),
            };
        }
        Answer::new(list(&gate, Part::new(limit.0, cursor.0.as_deref())).await)
    }
}

async fn list(gate: &Gate<EventsRead>, part: Result<Part<i64>>) -> Result<Content> {
    let part = part?;
    let found = event_streams::list(&gate.ctx, gate.tenant_id(), part.after.unwrap_or(0), part.reads()).await?;
    let (shown, next_cursor) = part.shows(found, |event| event.position.to_string());
    Ok(Content::json(&EventPart { items: shown.into_iter().map(|event| Any(event.payload)).collect(), next_cursor }))
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|range| range.split(';').next().is_some_and(|range| range.trim() == EVENT_STREAM))
}

async fn follow(gate: &Gate<EventsRead>, request: &Request, cursor: Option<&str>) -> Result<Response> {
    let last = request.headers().get("last-event-id").map(|value| value.to_str().unwrap_or("?"));
    let after = last.or(cursor).map(str::parse).transpose();
    let after = after.map_err(|_| Refusal::bad_request("Last-Event-ID must be the id of an event of this stream"))?;
    let token: Secret =
        bearer::read(request.headers(), None).map_err(|error| refusal::bearer(error, EventsRead::NEED.scope))?;
    let who = (&gate.caller, &token, EventsRead::NEED);
    let follower = Follower::begin(&gate.ctx, gate.tenant(), who, after).await.map_err(Failure::from)?;
    let Some(follower) = follower else {
        let text = "as many streams as this server serves, or serves a tenant, are open; try again in a moment";
        return Err(Refusal::later(text));
    };
    let begin = stream::iter([Ok::<_, io::Error>(format!("retry: {RETRY}\n\n"))]);
    let rest = stream::unfold(follower, |mut follower| async {
        let heard = follower.next().await?;
        Some((Ok(text(&heard)), follower))
    });
    let body = Body::from_bytes_stream(stream::StreamExt::chain(begin, rest));
    Ok(Response::builder()
        .status(StatusCode::OK)
        .content_type(EVENT_STREAM)
        .header(header::CACHE_CONTROL, "no-store")
        // nginx keeps answers back otherwise.
        .header("x-accel-buffering", "no")
        .body(body))
}

fn text(heard: &Heard) -> String {
    match heard {
        Heard::Events(events) => events.iter().map(one).collect(),
        Heard::Missed(from, to) => {
            format!("event: signet:missed\ndata: {}\n\n", serde_json::json!({ "from": from, "to": to }))
        }
        Heard::Nothing => ":\n\n".to_owned(),
    }
}

/// JSON has no line breaks but escaped ones, and a type is one of ours.
fn one(event: &OutboxEvent) -> String {
    format!("id: {}\nevent: {}\ndata: {}\n\n", event.position, event.kind, event.payload)
}
