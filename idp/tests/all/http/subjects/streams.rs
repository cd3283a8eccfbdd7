//! A stream of events goes on for as long as its subject may use it, and no longer.

use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use poem::http::StatusCode;

use super::reason::Reason;
use super::subject::Subject;
use super::usage::{Expected, Usage};
use super::{BASE, watched};
use crate::http::admin::service_token;
use crate::support::databases;
use crate::support::world::{World, request};

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// Follows the tenant's events from now on.
async fn follow(world: &World, token: &str) -> impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin + use<> {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("accept", "text/event-stream")];
    let response = world.open(request("GET", &format!("{BASE}/v1/admin/events"), &headers, Vec::new())).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = Box::pin(response.into_body().into_bytes_stream());
    assert_eq!(body.next().await.unwrap().unwrap(), "retry: 2000\n\n");
    body
}

/// Whether the stream says that before it ends.
async fn says(mut body: impl Stream<Item = std::io::Result<bytes::Bytes>> + Unpin, what: &str) -> bool {
    let reads = async {
        while let Some(chunk) = body.next().await {
            if std::str::from_utf8(&chunk.unwrap()).unwrap().contains(what) {
                return true;
            }
        }
        false
    };
    tokio::time::timeout(PATIENCE, reads).await.unwrap_or_else(|_| panic!("it neither ends nor says {what}"))
}

#[tokio::test]
async fn a_stream_ends_with_the_right_to_it() {
    for database in databases().await {
        let (world, acme) = watched(&database).await;
        let mut wrong = Vec::new();
        for (number, reason) in Reason::ALL.iter().copied().enumerate() {
            world.pass(Duration::from_mins(20));
            let subject = Subject::new(&world, &acme, number).await;
            let by_service = service_token(&world, BASE, &subject.client, "admin:events:read").await;
            let streams = [
                (Usage::AdminByPerson, follow(&world, &subject.access_token()).await),
                (Usage::AdminByService, follow(&world, &by_service).await),
            ];
            // What begins in the very millisecond of an end of everything ends with it.
            world.pass(Duration::from_millis(1));
            reason.befalls(&world, &acme, &subject.user, &subject.client).await;
            let later = format!("later{number}@example.com");
            world.user(&acme, &later).await;
            for (usage, stream) in streams {
                let (expected, goes_on) = (usage.expected(reason), says(stream, &later).await);
                if goes_on != matches!(expected, Expected::Works(_)) {
                    wrong.push(format!("{usage:?} after {reason:?}: {expected:?}, but it goes on: {goes_on}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
