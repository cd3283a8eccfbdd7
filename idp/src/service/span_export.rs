//! Gives spans to the operator's collector (OTLP by HTTP, in protobuf), in batches and in the background.
//!
//! A collector that is gone, slow or unwell costs nobody anything: what can't be given is tried again a few times, then
//! counted as failed; what finds no room meanwhile was dropped before it got here. The log is told when that begins and
//! when it is over.
//!
//! Decided against `opentelemetry-otlp` and the SDK's own batches: the exporter takes settings from variables that
//! aren't in our configuration, brings an HTTP client of its own or wants one on a thread without a runtime, and neither
//! tells how many spans were dropped. What is sent is encoded by `opentelemetry-proto`, and sent by the client that is
//! here already.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ctx::Ctx;
use super::outbound::{Message, Outbound, OutboundError, OutboundSetupError};
use crate::telemetry::metrics::{Metrics, SpanFate};
use crate::telemetry::{Spans, Traces};

/// How many spans are in a batch at most.
const BATCH: usize = 512;
/// How long a batch waits for more, after its first.
const LINGER: Duration = Duration::from_secs(1);
/// How long it is waited before a batch is tried again, and how often it is.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Spans on their way to the collector.
#[derive(Debug)]
pub struct Export {
    stop: CancellationToken,
    running: JoinHandle<()>,
    patience: Duration,
}

/// Begins to trace, where there is a collector.
///
/// # Errors
/// See [`OutboundSetupError`].
pub fn begin(ctx: &Ctx) -> Result<Option<(Arc<Traces>, Export)>, OutboundSetupError> {
    let config = &ctx.config.traces;
    let (Some(url), Some(head)) = (config.url(), config.head()) else { return Ok(None) };
    let metrics = Arc::clone(&ctx.operations.metrics);
    let (issuer, node) = (ctx.config.issuer.as_str(), ctx.node.to_string());
    let (traces, spans, resource) = Traces::begin(config, issuer, &node, Arc::clone(&metrics));
    let outbound = Outbound::new(ctx.config.outbound.to_operators_address(config.timeout))?;
    let resource = (&resource).into();
    let exporter = Exporter { outbound, url: url.into(), head, resource, metrics, lost: 0, trouble: None };
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(spans, stop.clone()));
    Ok(Some((Arc::new(traces), Export { stop, running, patience: config.timeout })))
}

impl Export {
    /// Gives what is left, as far as the time allows that is set for it.
    pub async fn finish(self) {
        self.stop.cancel();
        let mut running = self.running;
        match timeout(self.patience, &mut running).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the export of spans ended badly"),
            Err(_) => {
                running.abort();
                tracing::warn!("the last spans could not be given to the collector in time");
            }
        }
    }
}

struct Exporter {
    outbound: Outbound,
    url: String,
    head: Vec<(HeaderName, HeaderValue)>,
    resource: ResourceAttributesWithSchema,
    metrics: Arc<Metrics>,
    /// How many spans had been lost after the last batch.
    lost: u64,
    /// How many had been lost when spans began to be lost, if they are.
    trouble: Option<u64>,
}

impl Exporter {
    /// Gives batches until `stop` is cancelled and nothing is left.
    async fn run(mut self, mut spans: Spans, stop: CancellationToken) {
        while let Some(batch) = next_batch(&mut spans, &stop).await {
            self.give(batch, &stop).await;
        }
    }

    async fn give(&mut self, batch: Vec<SpanData>, stop: &CancellationToken) {
        let count = batch.len() as u64;
        let spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let body = Bytes::from(ExportTraceServiceRequest { resource_spans: spans }.encode_to_vec());
        let mut pauses = PAUSES.into_iter();
        let error = loop {
            let message =
                Message { content_type: "application/x-protobuf", headers: self.head.clone(), body: body.clone() };
            let Err(error) = self.outbound.post_quietly(&self.url, message).await else {
                self.metrics.spans.add(SpanFate::Exported, count);
                return self.note(None);
            };
            self.note(Some(error));
            match pauses.next() {
                Some(pause) if may_pass(error) && stop.run_until_cancelled(sleep(pause)).await.is_some() => {}
                Some(_) | None => break error,
            }
        };
        tracing::debug!(%error, spans = count, "spans are lost");
        self.metrics.spans.add(SpanFate::Failed, count);
    }

    /// Tells the log when spans begin to be lost, and when that is over.
    fn note(&mut self, error: Option<OutboundError>) {
        let spans = &self.metrics.spans;
        let lost = spans.get(SpanFate::Failed) + spans.get(SpanFate::Dropped);
        let more = lost > self.lost;
        match (error, self.trouble) {
            (Some(error), None) => {
                self.trouble = Some(self.lost);
                tracing::warn!(%error, "the collector takes no spans; until it does, they are lost and counted");
            }
            (None, None) if more => {
                self.trouble = Some(self.lost);
                tracing::warn!("there are more spans than the collector takes; those beyond are lost and counted");
            }
            (None, Some(before)) if !more => {
                self.trouble = None;
                tracing::info!(lost = lost - before, "the collector takes all spans again");
            }
            (Some(_), Some(_)) | (None, _) => {}
        }
        self.lost = lost;
    }
}

/// The spans of the next batch; `None` if there will be none.
async fn next_batch(spans: &mut Spans, stop: &CancellationToken) -> Option<Vec<SpanData>> {
    let mut batch = Vec::new();
    let first = stop.run_until_cancelled(spans.recv_many(&mut batch, BATCH)).await;
    let until = Instant::now() + LINGER;
    while first.is_some() && batch.len() < BATCH && !stop.is_cancelled() {
        let room = BATCH - batch.len();
        let more = timeout_at(until, stop.run_until_cancelled(spans.recv_many(&mut batch, room))).await;
        if !matches!(more, Ok(Some(1..))) {
            break;
        }
    }
    while batch.len() < BATCH
        && let Ok(span) = spans.try_recv()
    {
        batch.push(span);
    }
    (!batch.is_empty()).then_some(batch)
}

/// Whether it may go better in a moment (OTLP §"Retryable Response Codes").
fn may_pass(error: OutboundError) -> bool {
    match error {
        OutboundError::NotTaken(status) => matches!(status, 429 | 502 | 503 | 504),
        OutboundError::Unresolvable
        | OutboundError::Unreachable
        | OutboundError::Slow
        | OutboundError::Busy
        | OutboundError::Tls
        | OutboundError::Protocol => true,
        OutboundError::Url
        | OutboundError::PlainHttp
        | OutboundError::NotPublic
        | OutboundError::Redirect
        | OutboundError::Status(_)
        | OutboundError::TooLarge(_)
        | OutboundError::JustFailed => false,
    }
}
