//! Watches over a connection: how long it takes to say something, and how long it rests.
//!
//! The stream and the requests leave marks here, which costs an atomic store or two; one lazy timer for each connection
//! looks at them. Marks are in milliseconds since the connection began.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::own_words;

/// What is known of a connection's doings.
pub(super) struct Watch {
    began: Instant,
    header_timeout: Duration,
    idle_timeout: Duration,
    /// Requests whose answer isn't there yet.
    running: AtomicU32,
    /// Whether the beginning of a request's header has come, and the rest not yet.
    reading: AtomicBool,
    /// Whether anything has ever come.
    touched: AtomicBool,
    /// Since when it rests or reads.
    since: AtomicU64,
}

/// What the watch finds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// Nothing is amiss; look again then.
    Fine(Instant),
    /// The header took too long.
    SlowHeader,
    /// It rested too long.
    Idle,
}

impl Watch {
    pub(super) fn new(header_timeout: Duration, idle_timeout: Duration) -> Self {
        Self {
            began: Instant::now(),
            header_timeout,
            idle_timeout,
            running: AtomicU32::new(0),
            reading: AtomicBool::new(false),
            touched: AtomicBool::new(false),
            since: AtomicU64::new(0),
        }
    }

    /// What there is to say now. It has to be asked again no later than it says: a header that begins in between is
    /// noticed then, and not after its time.
    pub(super) fn look(&self) -> Finding {
        let now = Instant::now();
        let soon = now + self.header_timeout.min(self.idle_timeout);
        if self.running.load(Ordering::Acquire) > 0 {
            return Finding::Fine(soon);
        }
        let since = self.began + Duration::from_millis(self.since.load(Ordering::Acquire));
        let reading = self.reading.load(Ordering::Acquire);
        // One that never said anything has less time than one that rests between requests: there can be many of them.
        let rest = if self.is_untouched() { self.header_timeout.min(self.idle_timeout) } else { self.idle_timeout };
        let deadline = since + if reading { self.header_timeout } else { rest };
        if now < deadline {
            Finding::Fine(deadline.min(soon))
        } else if reading {
            Finding::SlowHeader
        } else {
            Finding::Idle
        }
    }

    /// Whether not one byte has come yet.
    pub(super) fn is_untouched(&self) -> bool {
        !self.touched.load(Ordering::Acquire)
    }

    /// Notes that a request's header is complete. It runs until the mark is dropped.
    pub(super) fn request(&self) -> Running<'_> {
        self.reading.store(false, Ordering::Release);
        self.running.fetch_add(1, Ordering::AcqRel);
        Running(self)
    }

    fn mark(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.since.store(since, Ordering::Release);
    }

    fn bytes_came(&self) {
        if self.running.load(Ordering::Acquire) == 0 && !self.reading.load(Ordering::Acquire) {
            self.mark();
            self.reading.store(true, Ordering::Release);
            self.touched.store(true, Ordering::Release);
        }
    }

    fn bytes_went(&self) {
        if !self.reading.load(Ordering::Acquire) {
            self.mark();
        }
    }
}

/// A request that runs.
pub(super) struct Running<'a>(&'a Watch);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.mark();
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A body that arises as it is sent, such as a stream of events. While it has nothing to say, that is no rest of the
/// peer's; while the peer takes nothing of what there is, it is.
pub(super) struct AwaitedBody {
    body: BoxBody<Bytes, io::Error>,
    watch: Arc<Watch>,
    /// Whether the peer waits for it.
    awaited: bool,
}

impl AwaitedBody {
    pub(super) fn new(body: BoxBody<Bytes, io::Error>, watch: Arc<Watch>) -> Self {
        Self { body, watch, awaited: false }
    }

    fn note(&mut self, awaited: bool) {
        if !awaited {
            self.watch.mark();
        }
        match (self.awaited, awaited) {
            (false, true) => self.watch.running.fetch_add(1, Ordering::AcqRel),
            (true, false) => self.watch.running.fetch_sub(1, Ordering::AcqRel),
            (true, true) | (false, false) => return,
        };
        self.awaited = awaited;
    }
}

impl Body for AwaitedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        self.note(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for AwaitedBody {
    fn drop(&mut self) {
        self.note(false);
    }
}

/// A stream that leaves marks. Only for HTTP/1.1: frames of HTTP/2 come and go without a request.
pub(super) struct Watched<S> {
    stream: S,
    watch: Arc<Watch>,
    /// What is still to be written in the place of what hyper wrote.
    instead: Option<Bytes>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, watch: Arc<Watch>) -> Self {
        Self { stream, watch, instead: None }
    }

    fn went(&self, result: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(1..)) = result {
            self.watch.bytes_went();
        }
    }
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    fn poll_write_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.instead.as_mut().filter(|rest| !rest.is_empty()) {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => rest.advance(written),
            }
        }
        self.instead = None;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.watch.bytes_came();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        // Whoever is answered before the header was read to its end is answered by hyper.
        if self.instead.is_none() && self.watch.reading.load(Ordering::Acquire) {
            self.instead = own_words::instead_of(buf);
        }
        let result = if self.instead.is_some() {
            self.poll_write_instead(cx).map_ok(|()| buf.len())
        } else {
            Pin::new(&mut self.stream).poll_write(cx, buf)
        };
        self.went(&result);
        result
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.went(&result);
        result
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
