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
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::SpanData;
use prost::Message as _;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::ctx::Ctx;
use super::outbound::{Message, Outbound, OutboundError, OutboundSetupError};
use crate::telemetry::metrics::{Metrics, SpanFate};
use crate::telemetry::{Spans, Traces};

/// How many spans are in a batch at most.
const BATCH: usize = 512;
/// How long a batch waits for more, after its first.
const LINGER: Duration = Duration::from_secs(1);
/// The longest answer of a collector that is read, in bytes.
const RECEIPT: usize = 16 * 1024;
/// The most that the log has of what a collector says, in characters.
const MAX_REASON: usize = 200;
/// How long it is waited before a batch is tried again, and how often it is.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];

/// Spans on their way to the collector.
#[derive(Debug)]
pub struct Export {
    stop: CancellationToken,
    running: JoinHandle<()>,
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
    let exporter = Exporter { outbound, url: url.into(), head, resource, metrics, in_hand: 0, lost: 0, trouble: None };
    let stop = CancellationToken::new();
    let running = tokio::spawn(exporter.run(spans, stop.clone(), config.timeout));
    Ok(Some((Arc::new(traces), Export { stop, running })))
}

impl Export {
    /// Gives what is left, as far as the time allows that is set for it.
    pub async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.running.await {
            tracing::error!(%error, "the export of spans ended badly");
        }
    }
}

struct Exporter {
    outbound: Outbound,
    url: String,
    head: Vec<(HeaderName, HeaderValue)>,
    resource: ResourceAttributesWithSchema,
    metrics: Arc<Metrics>,
    /// How many spans are in the batch that is being given.
    in_hand: u64,
    /// How many spans had been lost after the last batch.
    lost: u64,
    /// How many had been lost when spans began to be lost, if they are.
    trouble: Option<u64>,
}

impl Exporter {
    /// Gives batches until `stop` is cancelled and nothing is left, or as much time has passed since. Whatever is left then
    /// is counted: what the collector hadn't taken yet, and what it wasn't given.
    async fn run(mut self, mut spans: Spans, stop: CancellationToken, patience: Duration) {
        let too_late = async {
            stop.cancelled().await;
            sleep(patience).await;
        };
        tokio::select! {
            () = self.give_all(&mut spans, &stop) => return,
            () = too_late => {}
        }
        let (failed, dropped) = (self.in_hand, spans.len() as u64);
        self.metrics.spans.add(SpanFate::Failed, failed);
        self.metrics.spans.add(SpanFate::Dropped, dropped);
        tracing::warn!(spans = failed + dropped, "the last spans could not be given to the collector in time");
    }

    async fn give_all(&mut self, spans: &mut Spans, stop: &CancellationToken) {
        while let Some(batch) = next_batch(spans, stop).await {
            self.in_hand = batch.len() as u64;
            self.give(batch, stop).await;
            self.in_hand = 0;
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
            let error = match self.outbound.post_quietly(&self.url, message, RECEIPT).await {
                Ok(receipt) => return self.taken(count, &receipt),
                Err(error) => error,
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

    /// Counts what the collector took of a batch. It may say that it didn't take all, and is given none a second time then
    /// (OTLP §"Partial Success").
    fn taken(&mut self, count: u64, receipt: &[u8]) {
        // What can't be read came with a success all the same.
        let said = ExportTraceServiceResponse::decode(receipt).unwrap_or_default().partial_success.unwrap_or_default();
        let rejected = u64::try_from(said.rejected_spans).unwrap_or(0).min(count);
        self.metrics.spans.add(SpanFate::Exported, count - rejected);
        self.metrics.spans.add(SpanFate::Failed, rejected);
        if rejected > 0 {
            let reason: String = said.error_message.chars().take(MAX_REASON).collect();
            tracing::debug!(spans = rejected, reason, "the collector rejects spans");
        }
        self.note(None);
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
                tracing::warn!("the collector doesn't take all spans; the others are lost and counted");
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
