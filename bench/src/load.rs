//! A closed load: so many workers, each with one operation at a time on its own connection, for a fixed time.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::{task::JoinHandle, time};

use crate::{
    error::{BenchError, Failure},
    process,
};

/// How long operations that are under way at the end may take to finish.
const GRACE: Duration = Duration::from_secs(10);
/// Rest of a worker after a failure, so that a dead server isn't asked a million times.
const REST: Duration = Duration::from_millis(10);

/// What one worker does again and again.
pub(crate) trait Operation: Send + 'static {
    /// Does it once; an error is counted and the first one shown.
    fn run(&mut self) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// How long a load runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// While it counts.
    pub(crate) window: Duration,
}

/// What a load saw.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Latencies of the operations that succeeded within the window.
    pub(crate) latencies: Latencies,
    /// Failures, those of the warm-up included.
    pub(crate) errors: u64,
    /// The first failure.
    pub(crate) first_error: Option<Failure>,
    /// How long it counted.
    pub(crate) window: Duration,
    /// Processor time of the server within the window, divided by the window: 1 is a whole core.
    pub(crate) server_share: Option<f64>,
}

impl Outcome {
    /// Nothing yet.
    pub(crate) fn new(window: Duration) -> Result<Self, BenchError> {
        Ok(Self { latencies: Latencies::new()?, errors: 0, first_error: None, window, server_share: None })
    }

    /// Counts a failure.
    pub(crate) fn fail(&mut self, failure: Failure) {
        self.errors += 1;
        self.first_error.get_or_insert(failure);
    }

    /// Operations a second.
    pub(crate) fn per_second(&self) -> f64 {
        self.latencies.count() / self.window.as_secs_f64()
    }

    /// The server's processor seconds per 1,000 operations.
    pub(crate) fn cpu_per_thousand(&self) -> Option<f64> {
        let per_second = self.per_second();
        self.server_share.filter(|_| per_second > 0.0).map(|share| share / per_second * 1000.0)
    }
}

/// Latencies from a microsecond to two minutes, to three digits.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet.
    pub(crate) fn new() -> Result<Self, BenchError> {
        Histogram::new_with_bounds(1_000, 120_000_000_000, 3)
            .map(Self)
            .map_err(|error| BenchError::Setup(format!("latencies: {error}")))
    }

    /// Adds one; beyond the bounds it counts as the nearest.
    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds all of another worker's.
    fn merge(&mut self, other: &Self) {
        // Both have the same bounds, so that every value fits.
        self.0.add(&other.0).ok();
    }

    /// How many.
    pub(crate) fn count(&self) -> f64 {
        f64::from(u32::try_from(self.0.len()).unwrap_or(u32::MAX))
    }

    /// The latency in milliseconds that this share (0 to 1) of the operations doesn't exceed; none without operations.
    pub(crate) fn quantile(&self, share: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| Duration::from_nanos(self.0.value_at_quantile(share)).as_secs_f64() * 1000.0)
    }
}

struct Share {
    latencies: Latencies,
    errors: u64,
    first_error: Option<(Instant, Failure)>,
}

/// Lets each operation run in a worker of its own; `server` is the process whose processor time is read.
pub(crate) async fn drive<O: Operation>(
    timing: Timing,
    operations: Vec<O>,
    server: Option<u32>,
) -> Result<Outcome, BenchError> {
    let none_yet = Latencies::new()?;
    let counting = Instant::now() + timing.warm_up;
    let end = counting + timing.window;
    let workers: Vec<JoinHandle<Share>> = operations
        .into_iter()
        .map(|operation| {
            let share = Share { latencies: none_yet.clone(), errors: 0, first_error: None };
            tokio::spawn(work(operation, share, counting, end))
        })
        .collect();

    time::sleep_until(counting.into()).await;
    let (first_look, cpu_before) = (Instant::now(), cpu_time(server));
    time::sleep_until(end.into()).await;
    let (last_look, cpu_after) = (Instant::now(), cpu_time(server));

    let mut outcome = Outcome {
        latencies: none_yet,
        errors: 0,
        first_error: None,
        window: timing.window,
        server_share: cpu_before
            .zip(cpu_after)
            .map(|(before, after)| after.saturating_sub(before).as_secs_f64() / (last_look - first_look).as_secs_f64()),
    };
    let mut first = None;
    for mut worker in workers {
        if let Ok(Ok(share)) = time::timeout_at((end + GRACE).into(), &mut worker).await {
            outcome.latencies.merge(&share.latencies);
            outcome.errors += share.errors;
            first = earlier(first, share.first_error);
        } else {
            worker.abort();
            outcome.errors += 1;
            first = earlier(first, Some((end + GRACE, Failure::Stuck(GRACE.as_secs()))));
        }
    }
    outcome.first_error = first.map(|(_, failure)| failure);
    Ok(outcome)
}

async fn work<O: Operation>(mut operation: O, mut share: Share, counting: Instant, end: Instant) -> Share {
    loop {
        let started = Instant::now();
        if started >= end {
            return share;
        }
        let result = operation.run().await;
        let finished = Instant::now();
        match result {
            Ok(()) if finished > counting && finished <= end => share.latencies.record(finished - started),
            Ok(()) => {}
            Err(failure) => {
                share.errors += 1;
                share.first_error.get_or_insert((finished, failure));
                time::sleep(REST).await;
            }
        }
    }
}

fn earlier(one: Option<(Instant, Failure)>, other: Option<(Instant, Failure)>) -> Option<(Instant, Failure)> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if one.0 <= other.0 { one } else { other }),
        (one, other) => one.or(other),
    }
}

fn cpu_time(server: Option<u32>) -> Option<Duration> {
    process::cpu_time(server?).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    };

    use poem::{EndpointExt, Route, Server, endpoint, listener::TcpListener};
    use tokio::sync::oneshot;

    use super::*;
    use crate::same_request::SameRequest;

    /// A server on a free port that answers `status` on `/` and counts; the receiver's end stops it.
    async fn stub(status: u16) -> (std::net::SocketAddr, Arc<AtomicU64>, oneshot::Sender<()>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let requests = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&requests);
        let answer = endpoint::make_sync(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            poem::Response::builder().status(poem::http::StatusCode::from_u16(status).unwrap()).body("too\nmany")
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = Server::new(TcpListener::bind(address.to_string()));
        tokio::spawn(server.run_with_graceful_shutdown(
            Route::new().at("/", answer.boxed()),
            async { drop(stopped.await) },
            Some(Duration::ZERO),
        ));
        while tokio::net::TcpStream::connect(address).await.is_err() {
            time::sleep(Duration::from_millis(1)).await;
        }
        (address, requests, stop)
    }

    const SHORT: Timing = Timing { warm_up: Duration::from_millis(50), window: Duration::from_millis(200) };

    #[tokio::test]
    async fn every_success_within_the_window_is_counted_once() {
        let (address, requests, _stop) = stub(200).await;
        let operations = (0..4).map(|_| SameRequest::get(address, "hello", "/")).collect();
        let outcome = drive(SHORT, operations, Some(std::process::id())).await.unwrap();
        assert_eq!(outcome.errors, 0, "{:?}", outcome.first_error);
        let counted = outcome.latencies.count();
        let served = f64::from(u32::try_from(requests.load(Ordering::Relaxed)).unwrap());
        assert!(counted > 0.0 && counted < served, "{counted} of {served}");
        assert!((outcome.per_second() - counted / 0.2).abs() < 1e-6);
        assert!(outcome.server_share.is_some());
    }

    #[tokio::test]
    async fn failures_are_counted_and_the_first_is_shown_with_status_and_body() {
        let (address, _, _stop) = stub(429).await;
        let outcome = drive(SHORT, vec![SameRequest::get(address, "hello", "/")], None).await.unwrap();
        assert!(outcome.errors > 0);
        assert_eq!(outcome.latencies.count().to_bits(), 0.0_f64.to_bits());
        assert_eq!(
            outcome.first_error.unwrap().to_string(),
            "hello: unexpected status: status 429 Too Many Requests, body: too many"
        );
    }

    #[tokio::test]
    async fn a_dead_server_is_an_error_not_a_hang() {
        let (address, _, stop) = stub(200).await;
        drop(stop);
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            time::sleep(Duration::from_millis(1)).await;
        }
        let outcome = drive(SHORT, vec![SameRequest::get(address, "hello", "/")], None).await.unwrap();
        assert!(outcome.errors > 0 && outcome.errors < 100);
        assert!(matches!(outcome.first_error, Some(Failure::Problem { .. })));
    }

    #[test]
    fn quantiles_are_milliseconds_to_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        assert_eq!(latencies.quantile(0.5), None);
        (1..=1000).for_each(|n| latencies.record(Duration::from_micros(n * 100)));
        for (share, milliseconds) in [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0)] {
            let quantile = latencies.quantile(share).unwrap();
            assert!((quantile / milliseconds - 1.0).abs() < 0.002, "{share}: {quantile}");
        }
    }

    #[test]
    fn latencies_beyond_the_bounds_count_as_the_nearest() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::from_secs(100_000));
        latencies.record(Duration::ZERO);
        assert_eq!(latencies.count().to_bits(), 2.0_f64.to_bits());
    }

    #[test]
    fn processor_time_is_told_per_thousand_operations() {
        let mut outcome = Outcome {
            latencies: Latencies::new().unwrap(),
            errors: 0,
            first_error: None,
            window: Duration::from_secs(2),
            server_share: Some(0.5),
        };
        assert_eq!(outcome.cpu_per_thousand(), None);
        (0..4000).for_each(|_| outcome.latencies.record(Duration::from_millis(1)));
        assert!((outcome.cpu_per_thousand().unwrap() - 0.25).abs() < 1e-9);
    }
}
