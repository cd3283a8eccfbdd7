//! A request's body, with an end: in bytes and in time.

use std::future::poll_fn;
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

/// Bytes beyond the limit that are read and thrown away before the refusal. Many clients look for an answer only when
/// they have sent everything, and take a connection that is closed before for a failure of the network.
const MOST_DISCARDED: u64 = 16 * 1024 * 1024;

/// A body that ends in an error beyond its limits.
pub(super) struct LimitedBody {
    incoming: Incoming,
    /// Bytes that may still come; `None` once there were more.
    remaining: Option<u64>,
    discarded: u64,
    deadline: Instant,
    /// Made when the body is waited for: most come together with their header.
    timer: Option<Pin<Box<Sleep>>>,
    verdict: Verdict,
}

impl LimitedBody {
    /// The time begins now.
    pub(super) fn new(incoming: Incoming, most_bytes: u64, timeout: Duration, verdict: Verdict) -> Self {
        let deadline = Instant::now() + timeout;
        Self { incoming, remaining: Some(most_bytes), discarded: 0, deadline, timer: None, verdict }
    }

    /// Reads it to its end, or to the end of the patience for it, and keeps nothing.
    pub(super) async fn discard(mut self) {
        self.remaining = None;
        let mut body = Pin::new(&mut self);
        let _ = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.incoming).poll_frame(cx) else {
                let deadline = self.deadline;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
                ready!(timer.as_mut().poll(cx));
                let refusal = if self.remaining.is_some() { Refusal::TooSlow } else { Refusal::TooLong };
                return Poll::Ready(Some(Err(self.verdict.refuse(refusal))));
            };
            let length = match &frame {
                Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
                Some(Err(_)) | None => 0,
            };
            self.remaining = self.remaining.and_then(|remaining| remaining.checked_sub(length));
            if self.remaining.is_some() {
                return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
            }
            self.discarded += length;
            if self.discarded > MOST_DISCARDED || !matches!(frame, Some(Ok(_))) {
                return Poll::Ready(Some(Err(self.verdict.refuse(Refusal::TooLong))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
