//! What is counted while Signet works, for `/metrics`.
//!
//! Counting costs an atomic addition: all counters are there from the start, one for each value of closed sets of labels.
//! Decided against `prometheus-client` and `prometheus`: their histograms, and their families of labelled metrics, take a
//! lock for each observation, and a new value of a label is made by whoever names it.

mod instruments;
mod labels;
mod page;

use std::time::Duration;

use http::{Method, StatusCode};

pub use instruments::{Counter, Counters, Gauge, Histogram, Table};
pub use labels::{HttpMethod, Label, Lookup, Operation, SpanFate, Status, StatusClass, TokenKind, Validity};
pub use page::{Format, Page};

use super::route::RouteLabel;
use crate::domain::session::EndReason;
use instruments::{MICROSECONDS, MILLISECONDS};

/// Everything that is counted.
#[derive(Debug)]
pub struct Metrics {
    /// Requests by route.
    pub http: Http,
    /// What people and services came for.
    pub operations: Table<Operation, Status>,
    /// Tokens that were issued.
    pub tokens: Counters<TokenKind>,
    /// Sessions that began.
    pub sessions: Counter,
    /// Sessions that ended, by why.
    pub endings: Counters<EndReason>,
    /// Access tokens that were presented.
    pub validations: Counters<Validity>,
    /// How long it took to say what they are.
    pub validation: Histogram,
    /// Whether a presented token had been verified before.
    pub verified_tokens: Counters<Lookup>,
    /// Spans that ended, where there are traces.
    pub spans: Counters<SpanFate>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            http: Http::default(),
            operations: Table::default(),
            tokens: Counters::default(),
            sessions: Counter::default(),
            endings: Counters::default(),
            validations: Counters::default(),
            validation: Histogram::new(&MICROSECONDS),
            verified_tokens: Counters::default(),
            spans: Counters::default(),
        }
    }
}

impl Metrics {
    /// Counts what came of an operation.
    pub fn operation<T, E>(&self, operation: Operation, result: &Result<T, E>) {
        self.operations.count(operation, Status::from(result));
    }

    /// Writes all of it. S3's and S4's names are frozen.
    pub fn write(&self, page: &mut Page) {
        page.counter("auth_operations", "Operations by what came of them.");
        for (operation, status, count) in self.operations.all() {
            let labels = [("operation", operation.text()), ("status", status.text())];
            page.total("auth_operations", &labels, count);
        }
        page.counter("auth_tokens_generated", "Tokens that were issued.");
        for (kind, count) in self.tokens.all() {
            page.total("auth_tokens_generated", &[("type", kind.text())], count);
        }
        page.plain_counter("auth_session_creations", "Sessions that began.", self.sessions.get());
        page.counter("auth_session_endings", "Sessions that ended, by why.");
        for (reason, count) in self.endings.all() {
            page.total("auth_session_endings", &[("reason", reason.text())], count);
        }
        page.counter("auth_token_validations", "Access tokens that were presented.");
        for (validity, count) in self.validations.all() {
            page.total("auth_token_validations", &[("result", validity.text())], count);
        }
        page.histogram("auth_token_validation_duration_seconds", "How long it took to say what a token is.");
        page.durations("auth_token_validation_duration_seconds", &[], &self.validation);
        page.counter("auth_cache_lookups", "Presented tokens, by whether they had been verified before.");
        for (lookup, count) in self.verified_tokens.all() {
            page.total("auth_cache_lookups", &[("result", lookup.text())], count);
        }
        page.plain_gauge(
            "auth_cache_hit_rate",
            "Share of lookups that were hits, 0 to 1, since the start.",
            self.hit_rate(),
        );
        page.counter("signet_spans", "Spans of traces, by what became of them.");
        for (fate, count) in self.spans.all() {
            page.total("signet_spans", &[("result", fate.text())], count);
        }
        self.http.write(page);
    }

    #[expect(clippy::cast_precision_loss, reason = "a ratio is as good with 52 bits")]
    fn hit_rate(&self) -> f64 {
        let (hits, misses) = (self.verified_tokens.get(Lookup::Hit), self.verified_tokens.get(Lookup::Miss));
        if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 }
    }
}

/// Requests.
#[derive(Debug)]
pub struct Http {
    /// Being answered now.
    pub active: Gauge,
    routes: Box<[OfRoute]>,
}

#[derive(Debug)]
struct OfRoute {
    requests: Table<HttpMethod, StatusClass>,
    duration: Histogram,
}

impl Default for Http {
    fn default() -> Self {
        let of_route = |_| OfRoute { requests: Table::default(), duration: Histogram::new(&MILLISECONDS) };
        Self { active: Gauge::default(), routes: RouteLabel::all().map(of_route).collect() }
    }
}

impl Http {
    /// Counts a request that is over; without a status the client went away.
    pub fn count(&self, route: RouteLabel, method: &Method, status: Option<StatusCode>, took: Duration) {
        if let Some(of) = self.routes.get(route.index()) {
            of.requests.count(method.into(), status.into());
            of.duration.observe(took);
        }
    }

    /// Routes that nobody asked for are left out: the page would be ten times as long.
    fn write(&self, page: &mut Page) {
        let asked = || RouteLabel::all().zip(&self.routes).filter(|(_, of)| of.duration.count() > 0);
        page.plain_gauge("signet_http_requests_active", "Requests that are being answered.", self.active.get());
        page.counter("signet_http_requests", "Requests by route, method and class of status.");
        for (route, of) in asked() {
            for (method, status, count) in of.requests.all().filter(|(.., count)| *count > 0) {
                let labels = [("route", route.template()), ("method", method.text()), ("status", status.text())];
                page.total("signet_http_requests", &labels, count);
            }
        }
        page.histogram("signet_http_request_duration_seconds", "How long requests took, by route.");
        for (route, of) in asked() {
            page.durations("signet_http_request_duration_seconds", &[("route", route.template())], &of.duration);
        }
    }
}

/// What the threads that hash passwords are doing.
#[derive(Debug)]
pub struct PasswordMeter {
    /// How many there are.
    pub permits: usize,
    /// How many are at work.
    pub in_use: Gauge,
    /// Jobs that wait for one.
    pub queued: Gauge,
    /// Jobs that were refused, as there were too many.
    pub refused: Counter,
    /// How long a hash takes, without the wait.
    pub duration: Histogram,
}

impl PasswordMeter {
    /// Of so many threads.
    pub fn new(permits: usize) -> Self {
        let (in_use, queued, refused) = (Gauge::default(), Gauge::default(), Counter::default());
        Self { permits, in_use, queued, refused, duration: Histogram::new(&MILLISECONDS) }
    }

    /// Writes all of it.
    pub fn write(&self, page: &mut Page) {
        page.histogram(
            "auth_password_hash_duration_seconds",
            "How long a password hash took, without the wait for it.",
        );
        page.durations("auth_password_hash_duration_seconds", &[], &self.duration);
        page.plain_gauge("signet_password_permits", "Passwords that can be hashed at a time.", self.permits);
        page.plain_gauge("signet_password_permits_in_use", "Passwords that are being hashed.", self.in_use.get());
        page.plain_gauge("signet_password_queue", "Passwords that wait to be hashed.", self.queued.get());
        page.plain_counter(
            "signet_password_refused",
            "Passwords that were refused, as too many waited.",
            self.refused.get(),
        );
    }
}
