//! A request's body, with an end: in bytes and in time.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

/// Why a body wasn't read to its end. The endpoint that reads it sees an error; what the client sees is this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// More bytes than `listen.max_body_bytes`.
    TooLong,
    /// More time than `listen.body_timeout`.
    TooSlow,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn to_error(self) -> io::Error {
        match self {
            Self::TooLong => io::Error::new(io::ErrorKind::FileTooLarge, "the body is too long"),
            Self::TooSlow => io::Error::new(io::ErrorKind::TimedOut, "the body took too long"),
        }
    }
}

/// Where a body leaves word of its refusal, for the server to find.
#[derive(Clone, Default)]
pub(super) struct Verdict(Arc<AtomicU8>);

impl Verdict {
    pub(super) fn get(&self) -> Option<Refusal> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(Refusal::TooLong),
            2 => Some(Refusal::TooSlow),
            _ => None,
        }
    }

    fn refuse(&self, refusal: Refusal) -> io::Error {
        let word = match refusal {
            Refusal::TooLong => 1,
            Refusal::TooSlow => 2,
        };
        self.0.store(word, Ordering::Release);
        refusal.to_error()
    }
}

/// A body that ends in an error beyond its limits.
pub(super) struct LimitedBody {
    incoming: Incoming,
    remaining: u64,
    deadline: Instant,
    /// Made when the body is waited for: most come together with their header.
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
}

impl LimitedBody {
    /// The time begins now.
    pub(super) fn new(incoming: Incoming, most_bytes: u64, timeout: Duration, verdict: Verdict) -> Self {
        Self { incoming, remaining: most_bytes, deadline: Instant::now() + timeout, timer: None, verdict }
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
            let deadline = self.deadline;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            ready!(timer.as_mut().poll(cx));
            return Poll::Ready(Some(Err(self.verdict.refuse(Refusal::TooSlow))));
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                match self.remaining.checked_sub(length) {
                    Some(remaining) => {
                        self.remaining = remaining;
                        Some(Ok(frame))
                    }
                    None => Some(Err(self.verdict.refuse(Refusal::TooLong))),
                }
            }
            Some(Err(error)) => Some(Err(io::Error::other(Box::<dyn Error + Send + Sync>::from(error)))),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
