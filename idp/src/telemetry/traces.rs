//! Traces: a span for each request, and one below it for each thing that it waits for.
//!
//! A request's span is in its task, beside its reference; what the request waits for asks there ([`part`]). Where
//! nothing is traced that is a look at an empty `Option`. Spans that end wait in a queue of a fixed length for whoever
//! gives them to the collector; if there is no room they are dropped and counted, so that no request ever waits.
//!
//! A span says which endpoint, tenant and client, what came of it and how long it took. It never has paths, queries,
//! bodies or names of people: its attributes are named here one by one.
//!
//! Decided against the spans of `tracing`, by `tracing-opentelemetry`: each would cost where nothing is traced as well,
//! the log's filter would decide which there are, and what somebody logs inside would become part of what is exported.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanKind, Status, TraceContextExt as _, TraceId, Tracer as _,
    TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span, SpanData, SpanLimits, SpanProcessor};
use tokio::sync::mpsc;

use super::metrics::{HttpMethod, Label as _, Metrics, SpanFate};
use super::request;
use super::route::RouteLabel;
use super::trace_context;
use crate::config;

/// Makes spans.
#[derive(Debug)]
pub struct Traces {
    tracer: SdkTracer,
    /// Host and port of the issuer: what a client sends as `Host` is nobody's name.
    server: (String, Option<i64>),
}

/// The end of the queue that spans come out of.
pub type Spans = mpsc::Receiver<SpanData>;

impl Traces {
    /// Spans by these settings, those that end, and what is said of whom they are of. `issuer` is the default tenant's.
    pub fn begin(config: &config::Traces, issuer: &str, node: &str, metrics: Arc<Metrics>) -> (Self, Spans, Resource) {
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", config.service_name.clone()),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", node.to_owned()),
            ])
            .build();
        let share = Sampler::TraceIdRatioBased(config.sampling_ratio.0);
        let mut sampler = Sampler::parent_based(share.clone());
        if !config.parent_based {
            // Anybody may say anything in a header.
            sampler = sampler.with_remote_parent_sampled(share.clone()).with_remote_parent_not_sampled(share);
        }
        let (queue, spans) = mpsc::channel(config.queue.get());
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_resource(resource.clone())
            // Said here, as otherwise variables of the environment would say it.
            .with_span_limits(SpanLimits::default())
            .with_span_processor(Queue { queue, metrics })
            .build();
        let url = url::Url::parse(issuer).ok();
        let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default().to_owned();
        let port = url.and_then(|url| url.port_or_known_default()).map(i64::from);
        (Self { tracer: provider.tracer("signet"), server: (host, port) }, spans, resource)
    }

    /// Begins the span of a request, below the one that it comes from.
    pub(super) fn request(
        self: &Arc<Self>,
        headers: &HeaderMap,
        (method, route, https): (&Method, RouteLabel, bool),
    ) -> Place {
        let method = HttpMethod::from(method);
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.text()),
            KeyValue::new("url.scheme", if https { "https" } else { "http" }),
            KeyValue::new("server.address", self.server.0.clone()),
        ];
        attributes.extend(self.server.1.map(|port| KeyValue::new("server.port", port)));
        let verb = if method == HttpMethod::Other { "HTTP" } else { method.text() };
        let name = match route.known() {
            Some(template) => {
                attributes.push(KeyValue::new("http.route", template));
                Cow::Owned(format!("{verb} {template}"))
            }
            None => Cow::Borrowed(verb),
        };
        let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let parent = trace_context::parent(headers);
        let around = parent.map_or_else(Context::new, |parent| Context::new().with_remote_span_context(parent));
        let span = self.tracer.build_with_context(builder, &around);
        let (context, recorded) = (span.span_context().clone(), span.is_recording());
        let recorded = recorded.then(|| (Arc::clone(self), around.with_span(span)));
        Place { own: Some(context.clone()), trace: context.trace_id(), recorded }
    }
}

/// A request's place in a trace.
#[derive(Clone, Debug)]
pub struct Place {
    trace: TraceId,
    /// Its own span; `None` where there are no traces, and only the caller's is known.
    own: Option<SpanContext>,
    recorded: Option<(Arc<Traces>, Context)>,
}

impl Place {
    /// What a caller says where there are no traces: for the log.
    pub(super) fn told(headers: &HeaderMap) -> Option<Self> {
        let trace = trace_context::parent(headers)?.trace_id();
        Some(Self { trace, own: None, recorded: None })
    }

    /// The trace's id.
    pub(super) fn trace(&self) -> TraceId {
        self.trace
    }

    /// Whether anything of it is recorded.
    pub(super) fn is_recorded(&self) -> bool {
        self.recorded.is_some()
    }

    fn part(&self, name: &'static str, kind: SpanKind, attributes: impl FnOnce() -> Vec<KeyValue>) -> Part {
        Part(self.recorded.as_ref().map(|(traces, context)| {
            let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes());
            Box::new(traces.tracer.build_with_context(builder, context))
        }))
    }

    /// Ends the request's span; without a status the client went away.
    pub(super) fn end(&self, status: Option<StatusCode>, about: &About<'_>) {
        let Some((_, context)) = &self.recorded else { return };
        let span = context.span();
        span.set_attribute(KeyValue::new("signet.request_id", about.request_id.to_owned()));
        span.set_attribute(KeyValue::new("signet.tenant", about.tenant.to_owned()));
        if let Some(client) = about.client {
            span.set_attribute(KeyValue::new("signet.client", client.to_owned()));
        }
        let error = match status {
            Some(status) if status.is_server_error() => Some(status.as_str().to_owned()),
            Some(_) => None,
            None => Some("abandoned".to_owned()),
        };
        if let Some(status) = status {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
        if let Some(error) = error {
            span.set_attribute(KeyValue::new("error.type", error));
            span.set_status(Status::error(""));
        }
        span.end();
    }
}

/// What is known of a request at its end.
pub(super) struct About<'a> {
    pub(super) request_id: &'a str,
    pub(super) tenant: &'a str,
    pub(super) client: Option<&'a str>,
}

/// A part of the request that is being answered, until it is dropped; nothing where it isn't recorded.
#[derive(Debug)]
#[must_use = "a part takes until it is dropped"]
pub struct Part(Option<Box<Span>>);

/// Begins a part of the request that is being answered.
pub fn part(name: &'static str) -> Part {
    request::in_place(|place| place.part(name, SpanKind::Internal, Vec::new)).unwrap_or(Part(None))
}

/// The same for a part that waits for the database.
pub fn database_part(name: &'static str, system: &'static str) -> Part {
    let attributes = || vec![KeyValue::new("db.system.name", system)];
    request::in_place(|place| place.part(name, SpanKind::Client, attributes)).unwrap_or(Part(None))
}

/// The same for a request of our own, with the field that tells whom we ask of the trace. Neither path nor query is
/// recorded: a client may have put a secret there.
pub fn outbound_part(method: &Method, url: &url::Url) -> (Part, Option<(HeaderName, HeaderValue)>) {
    let name = HttpMethod::from(method).text();
    let attributes = || {
        let mut attributes = vec![
            KeyValue::new("http.request.method", name),
            KeyValue::new("url.scheme", url.scheme().to_owned()),
            KeyValue::new("server.address", url.host_str().unwrap_or_default().to_owned()),
        ];
        attributes.extend(url.port_or_known_default().map(|port| KeyValue::new("server.port", i64::from(port))));
        attributes
    };
    let begun = request::in_place(|place| {
        let part = place.part(name, SpanKind::Client, attributes);
        let own = part.0.as_ref().map(|span| span.span_context()).or(place.own.as_ref());
        let value = own.and_then(trace_context::traceparent);
        (part, value.map(|value| (trace_context::PARENT, value)))
    });
    begun.unwrap_or((Part(None), None))
}

impl Part {
    /// Work that is this part.
    pub fn of<T>(self, work: impl FnOnce() -> T) -> T {
        work()
    }

    /// What was answered.
    pub fn answered(&mut self, status: StatusCode) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
        }
    }

    /// It failed. `kind` is one of a fixed set of words.
    pub fn failed(&mut self, kind: &'static str) {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new("error.type", kind));
            span.set_status(Status::error(""));
        }
    }
}

/// Puts spans that end into the queue.
#[derive(Debug)]
struct Queue {
    queue: mpsc::Sender<SpanData>,
    metrics: Arc<Metrics>,
}

impl SpanProcessor for Queue {
    fn on_start(&self, _span: &mut Span, _context: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.queue.try_send(span).is_err() {
            self.metrics.spans.count(SpanFate::Dropped);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}
