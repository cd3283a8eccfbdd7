//! A request's reference and its line in the log.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::metrics::Metrics;
use super::route::RouteLabel;
use super::traces::{About, Place, Traces};

/// What a filter names to have or not to have the lines of requests.
const TARGET: &str = "signet::request";

tokio::task_local! {
    static CURRENT: Current;
}

/// What is known of the request that is being answered.
struct Current {
    id: RequestId,
    client: RefCell<Option<String>>,
    place: Option<Place>,
}

/// Looks at the place that the request that is being answered has in a trace; `None` if it has none.
pub(super) fn in_place<T>(look: impl FnOnce(&Place) -> T) -> Option<T> {
    CURRENT.try_with(|current| current.place.as_ref().map(look)).ok().flatten()
}

/// Notes which client a request is by, once it has proved itself or is known to exist: its line in the log names it, and
/// its span.
pub fn note_client(client: &str) {
    let wanted = tracing::enabled!(target: TARGET, tracing::Level::INFO);
    // Outside of a request there is neither.
    let _outside = CURRENT.try_with(|current| {
        if wanted || current.place.as_ref().is_some_and(Place::is_recorded) {
            current.client.replace(Some(client.to_owned()));
        }
    });
}

/// Does something beside the request that is being answered, and under its reference: it goes on where that ends.
pub fn beside<F>(work: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let current = CURRENT.try_with(|current| (current.id, current.place.clone()));
    match current {
        Ok((id, place)) => tokio::spawn(id.scope_in(place, work)),
        Err(_outside) => tokio::spawn(work),
    }
}

/// A request's reference: in its log lines, on its error page, in the answer's `X-Request-Id`. 13 characters out of
/// `0-9a-v`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId([u8; 13]);

impl RequestId {
    /// The header that tells the client.
    pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

    /// The reference of the request that is being answered; `None` outside of one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.id).ok()
    }

    /// Answers a request under this reference.
    pub fn scope<F: Future>(self, answering: F) -> impl Future<Output = F::Output> {
        self.scope_in(None, answering)
    }

    /// The same for a request that has a place in a trace.
    pub fn scope_in<F: Future>(self, place: Option<Place>, answering: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(Current { id: self, client: RefCell::default(), place }, answering)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The value of [`RequestId::HEADER`].
    pub fn to_header(self) -> HeaderValue {
        HeaderValue::from_bytes(&self.0).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    fn of(number: u64) -> Self {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        let mut text = [0; 13];
        let mut rest = number;
        for character in text.iter_mut().rev() {
            let [.., digit] = rest.to_be_bytes();
            *character = DIGITS[usize::from(digit) % DIGITS.len()];
            rest >>= 5;
        }
        Self(text)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Draws references. They don't repeat within a process, and differ between processes; they are no secret.
#[derive(Debug)]
pub struct RequestIds {
    next: AtomicU64,
}

impl RequestIds {
    /// Begins somewhere that another process hardly begins at.
    pub fn of_this_process() -> Self {
        // The standard library seeds its hash maps with random numbers, once a process; no more is needed here.
        Self::from_seed(RandomState::new().build_hasher().finish())
    }

    /// Begins at `seed`.
    pub fn from_seed(seed: u64) -> Self {
        Self { next: AtomicU64::new(seed) }
    }

    /// The next reference.
    pub fn draw(&self) -> RequestId {
        // SplitMix64: a counter whose every value is mixed into another, so that neighbours don't look alike.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self.next.fetch_add(STEP, Ordering::Relaxed);
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        RequestId::of(number ^ (number >> 31))
    }
}

/// A request as it arrived.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its address.
    pub uri: &'a Uri,
    /// Its header fields.
    pub headers: &'a HeaderMap,
    /// Whether it came by TLS, to us or to a declared proxy.
    pub https: bool,
}

/// A request from its first to its last moment: one line in the log, what is counted of it, and its span. The line costs
/// a comparison where the filter doesn't want it.
#[derive(Debug)]
pub struct RequestLine<'a> {
    began: Instant,
    method: Method,
    route: RouteLabel,
    metrics: Option<&'a Metrics>,
    place: Option<Place>,
    told: Option<Told>,
    ended: bool,
}

/// What is told of a request at its end.
#[derive(Debug)]
struct Told {
    id: RequestId,
    uri: Uri,
    address: Option<IpAddr>,
    /// Whether the log wants its line.
    in_log: bool,
}

impl<'a> RequestLine<'a> {
    /// Begins to measure. Dropped without [`RequestLine::end`], as when the client went away, it says so. `address` is
    /// what is to be logged of the client's.
    pub fn begin(
        id: RequestId,
        head: RequestHead<'_>,
        address: Option<IpAddr>,
        (metrics, traces): (Option<&'a Metrics>, Option<&Arc<Traces>>),
    ) -> Self {
        if let Some(metrics) = metrics {
            metrics.http.active.increase();
        }
        let in_log = tracing::enabled!(target: TARGET, tracing::Level::INFO);
        let route = RouteLabel::of(head.uri.path());
        let place = match traces {
            Some(traces) => Some(traces.request(head.headers, (head.method, route, head.https))),
            None if in_log => Place::told(head.headers),
            None => None,
        };
        let wanted = in_log || place.as_ref().is_some_and(Place::is_recorded);
        Self {
            began: Instant::now(),
            method: head.method.clone(),
            route,
            metrics,
            place,
            told: wanted.then(|| Told { id, uri: head.uri.clone(), address, in_log }),
            ended: false,
        }
    }

    /// Its place in a trace, if it has one: for [`RequestId::scope_in`].
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Writes the line of an answered request, and counts it. Belongs inside its [`RequestId::scope`], which knows the
    /// client. `bytes` is the length of the answer's body, where that is known.
    pub fn end(mut self, status: StatusCode, bytes: Option<u64>) {
        self.finish(Some(status), bytes);
    }

    fn finish(&mut self, status: Option<StatusCode>, bytes: Option<u64>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let took = self.began.elapsed();
        if let Some(metrics) = self.metrics {
            metrics.http.active.decrease();
            metrics.http.count(self.route, &self.method, status, took);
        }
        let Some(told) = self.told.take() else { return };
        let client = CURRENT.try_with(|current| current.client.take()).ok().flatten();
        let about = About { request_id: told.id.as_str(), tenant: tenant(told.uri.path()), client: client.as_deref() };
        if let Some(place) = &self.place {
            place.end(status, &about);
        }
        if told.in_log {
            self.write(&about, told.address, (status, bytes), took);
        }
    }

    /// Path and query may hold secrets, so neither is written.
    fn write(
        &self,
        about: &About<'_>,
        address: Option<IpAddr>,
        (status, bytes): (Option<StatusCode>, Option<u64>),
        took: Duration,
    ) {
        tracing::info!(
            target: TARGET,
            request_id = about.request_id,
            trace_id = self.place.as_ref().map(|place| tracing::field::display(place.trace())),
            method = self.method.as_str(),
            route = self.route.template(),
            status = status.map_or(0, |status| status.as_u16()),
            duration_ms = milliseconds(took),
            bytes,
            tenant = about.tenant,
            client = about.client,
            address = address.map(tracing::field::display),
            "{}", if status.is_some() { "request" } else { "request abandoned by the client" }
        );
    }
}

impl Drop for RequestLine<'_> {
    fn drop(&mut self) {
        self.finish(None, None);
    }
}

/// With three places.
#[expect(clippy::cast_precision_loss, reason = "a request that takes 2^52 microseconds has other troubles")]
fn milliseconds(took: Duration) -> f64 {
    took.as_micros() as f64 / 1_000.0
}

/// A tenant's name, as long as one can be.
fn shortened(name: &str) -> &str {
    const MOST: usize = 64;
    &name[..name.floor_char_boundary(MOST)]
}

/// The slug of the tenant that a path is for, whether there is one of that name or not.
fn tenant(path: &str) -> &str {
    let below = if path.starts_with("/.well-known/") {
        path.split_once("/t/").map(|(_, slug)| slug)
    } else {
        path.strip_prefix("/t/")
    };
    below.map_or("default", |below| shortened(below.split('/').next().unwrap_or(below)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{RequestId, RequestIds, tenant};

    #[test]
    fn references_differ() {
        let ids = RequestIds::from_seed(1);
        let drawn: HashSet<String> = (0..10_000).map(|_| ids.draw().to_string()).collect();
        assert_eq!(drawn.len(), 10_000);
    }

    #[test]
    fn a_reference_has_thirteen_characters() {
        assert_eq!(RequestId::of(0).as_str(), "0000000000000");
        assert_eq!(RequestId::of(u64::MAX).as_str(), "fvvvvvvvvvvvv");
    }

    #[tokio::test]
    async fn the_current_reference_is_that_of_the_task() {
        let id = RequestId::of(7);
        assert_eq!(RequestId::current(), None);
        assert_eq!(id.scope(async { RequestId::current() }).await, Some(id));
    }

    #[test]
    fn tenants_by_path() {
        for (path, slug) in [
            ("/token", "default"),
            ("/t/acme/token", "acme"),
            ("/t/acme", "acme"),
            ("/.well-known/openid-configuration/t/acme", "acme"),
            ("/.well-known/openid-configuration", "default"),
        ] {
            assert_eq!(tenant(path), slug, "{path}");
        }
        let long = format!("/t/{}é{}", "a".repeat(63), "a".repeat(1000));
        assert_eq!(tenant(&long), "a".repeat(63));
    }
}
