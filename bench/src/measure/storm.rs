//! P7: three times as many people want to sign in as passwords can be checked. Those for whom there is no time are told
//! so at once, nobody waits for long, and what needs no password doesn't feel it.
//!
//! An open load: people come whether or not those before them have been answered.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use hyper::StatusCode;
use tokio::{task::JoinSet, time};

use crate::{
    bench::Bench,
    error::{BenchError, Failure},
    limit::Limit,
    load::{Operation, Outcome, Timing},
    process,
    relying_party::Visit,
    report::Row,
    same_request::SameRequest,
    site::UserFacts,
    wire::Wire,
};

/// How many times the rate at which passwords can be checked.
const TIMES: f64 = 3.0;
/// Between two requests of a load beside the storm.
const PACE: Duration = Duration::from_millis(5);
/// A request that is sent later than this counts from when it was due.
const LATE: Duration = Duration::from_millis(2);

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let capacity = bench.limit(Limit::Argon2);
    let capacity = capacity.ok_or_else(|| BenchError::Setup("the limit argon2id wasn't measured".into()))?;
    let site = bench.site().await?;
    // That a person's oldest session ends for the next one is no part of this.
    site.signet(&["tenant", "set", "default", "--first-party-limit", "1000"], "")?;
    let tokens = site.relying_party(None)?.tokens(&mut site.browser(), Visit::First).await?;
    let (address, endpoints) = (site.server().address(), site.endpoints());
    let form = format!("token={}", tokens.access_token);
    let jwks = SameRequest::get(address, "JWKS", &endpoints.jwks);
    let basic = site.browser_client().basic();
    let introspection = SameRequest::post(address, "introspection", &endpoints.introspection, &basic, &form);
    let login = login(address, site.user());
    // The first makes the client of the tenant's own apps.
    Wire::new(address).expect_ok("login", &login).await?;

    let (timing, server) = (bench.timing(), site.server().pid());
    let (storm, jwks, introspection) = tokio::join!(
        storm(address, login, capacity * TIMES, timing, server),
        paced(jwks, timing),
        paced(introspection, timing)
    );
    let Storm { signed_in, refused, longest } = storm?;
    let row = |name: &str, outcome: &Outcome| Row::new("P7", name).outcome(outcome);
    let mut storm = row("sign-in storm at 3 × capacity: signed in", &signed_in).bar("longest ≤ 1 s");
    storm.note.get_or_insert_with(|| format!("the longest wait for an answer was {} ms", longest.as_millis()));
    let storm = storm.memory(process::memory(server).ok()).compare(bench.limit(Limit::Argon2), "argon2id");
    Ok(vec![
        storm,
        row("the excess: 503 with Retry-After", &refused),
        row("JWKS beside it", &jwks?).bar("p99 ≤ 20 ms"),
        row("introspection beside it", &introspection?).bar("p99 ≤ 20 ms"),
    ])
}

/// The request to sign in at the first-party API.
fn login(address: SocketAddr, user: &UserFacts) -> Arc<[u8]> {
    let body = serde_json::json!({ "email": user.email, "password": user.password }).to_string();
    let length = body.len();
    let head = format!("POST /v1/auth/login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n");
    Arc::from(format!("{head}Content-Length: {length}\r\n\r\n{body}").as_bytes())
}

/// What became of those who came.
struct Storm {
    signed_in: Outcome,
    refused: Outcome,
    /// The longest wait for an answer.
    longest: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    SignedIn,
    /// 503 with `Retry-After`.
    Refused,
}

async fn storm(
    address: SocketAddr,
    request: Arc<[u8]>,
    rate: f64,
    timing: Timing,
    server: u32,
) -> Result<Storm, BenchError> {
    let counting = Instant::now() + timing.warm_up;
    let end = counting + timing.window;
    let resting: Arc<Mutex<Vec<Wire>>> = Arc::default();
    let mut ticks = time::interval(Duration::from_secs_f64(1.0 / rate));
    let mut people = JoinSet::new();
    let mut before = None;
    while Instant::now() < end {
        ticks.tick().await;
        if Instant::now() >= counting {
            before.get_or_insert_with(|| process::cpu_time(server).ok());
        }
        let (request, resting) = (Arc::clone(&request), Arc::clone(&resting));
        people.spawn(async move {
            let came = Instant::now();
            let wire = resting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut wire = wire.unwrap_or_else(|| Wire::new(address));
            let answer = sign_in(&mut wire, &request).await;
            let waited = came.elapsed();
            resting.lock().unwrap_or_else(PoisonError::into_inner).push(wire);
            (came, waited, answer)
        });
    }
    let used = before.flatten().zip(process::cpu_time(server).ok()).map(|(before, after)| after.saturating_sub(before));
    let none = || Outcome::new(timing.window);
    let mut storm = Storm { signed_in: none()?, refused: none()?, longest: Duration::ZERO };
    storm.signed_in.server_share = used.map(|used| used.as_secs_f64() / timing.window.as_secs_f64());
    while let Some(person) = people.join_next().await {
        let (came, waited, answer) = person.map_err(|error| BenchError::Setup(format!("the storm: {error}")))?;
        storm.longest = storm.longest.max(waited);
        match answer {
            Ok(Answer::SignedIn) if came >= counting => storm.signed_in.latencies.record(waited),
            Ok(Answer::Refused) if came >= counting => storm.refused.latencies.record(waited),
            Ok(Answer::SignedIn | Answer::Refused) => {}
            Err(failure) => storm.signed_in.fail(failure),
        }
    }
    Ok(storm)
}

async fn sign_in(wire: &mut Wire, request: &[u8]) -> Result<Answer, Failure> {
    let head = wire.exchange("login", request).await?;
    match head.status {
        StatusCode::OK => Ok(Answer::SignedIn),
        StatusCode::SERVICE_UNAVAILABLE if wire.has_header(&head, "retry-after") => Ok(Answer::Refused),
        _ => Err(wire.failure("login", &head)),
    }
}

/// One connection that asks at a fixed pace.
async fn paced(mut operation: impl Operation, timing: Timing) -> Result<Outcome, BenchError> {
    let mut outcome = Outcome::new(timing.window)?;
    let counting = Instant::now() + timing.warm_up;
    let mut due = Instant::now();
    while due < counting + timing.window {
        time::sleep_until(due.into()).await;
        let sent = if due.elapsed() > LATE { due } else { Instant::now() };
        match operation.run().await {
            Ok(()) if sent >= counting => outcome.latencies.record(sent.elapsed()),
            Ok(()) => {}
            Err(failure) => outcome.fail(failure),
        }
        due += PACE;
    }
    Ok(outcome)
}
