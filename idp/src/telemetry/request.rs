//! A request's reference and its line in the log.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use tokio::time::Instant;

/// What a filter names to have or not to have the lines of requests.
const TARGET: &str = "signet::request";

tokio::task_local! {
    static CURRENT: RequestId;
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
        CURRENT.try_with(|id| *id).ok()
    }

    /// Answers a request under this reference.
    pub fn scope<F: Future>(self, answering: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, answering)
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

/// A request's line in the log. It costs a comparison where the filter doesn't want it.
#[derive(Debug)]
pub struct RequestLine(Option<Wanted>);

#[derive(Debug)]
struct Wanted {
    id: RequestId,
    began: Instant,
    method: Method,
    uri: Uri,
    client: IpAddr,
}

impl RequestLine {
    /// Begins to measure. Dropped without [`RequestLine::end`], as when the client went away, it says so.
    pub fn begin(id: RequestId, method: &Method, uri: &Uri, client: IpAddr) -> Self {
        Self(tracing::enabled!(target: TARGET, tracing::Level::INFO).then(|| Wanted {
            id,
            began: Instant::now(),
            method: method.clone(),
            uri: uri.clone(),
            client,
        }))
    }

    /// Writes the line of an answered request.
    pub fn end(mut self, status: StatusCode) {
        if let Some(wanted) = self.0.take() {
            wanted.write(status.as_u16(), "request");
        }
    }
}

impl Drop for RequestLine {
    fn drop(&mut self) {
        if let Some(wanted) = self.0.take() {
            wanted.write(0, "request abandoned by the client");
        }
    }
}

impl Wanted {
    /// The query may hold secrets, so it isn't written.
    fn write(&self, status: u16, message: &str) {
        let path = self.uri.path();
        tracing::info!(
            target: TARGET,
            request_id = self.id.as_str(),
            method = self.method.as_str(),
            path = shortened(path),
            status,
            duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            tenant = tenant(path),
            client = %self.client,
            "{message}"
        );
    }
}

/// A path's beginning, as long as a path of ours can be.
fn shortened(path: &str) -> &str {
    const MOST: usize = 256;
    path.get(..MOST).unwrap_or(path)
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
    }
}
