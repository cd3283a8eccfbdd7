//! One connection, from the accepted socket to its end.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::answer::answer;
use super::served::Served;
use super::shared::{Connection, Shared};
use super::tls::Tls;
use super::watch::{Finding, Watch, Watched};

/// Most bytes of a request's line and header fields.
const MOST_HEADER_BYTES: usize = 32 * 1024;
/// Most requests that one HTTP/2 connection runs at a time.
const MOST_STREAMS: u32 = 128;
/// How long the peer of an HTTP/2 connection has to close it once it was told to.
const GOODBYE: Duration = Duration::from_secs(1);

/// Answers are written whole: waiting for the acknowledgement of the former one (RFC 896) would only delay them.
fn send_at_once(stream: &TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY can't be set");
    }
}

/// Serves an accepted connection to its end.
pub(super) async fn connect<E: Served>(
    shared: Arc<Shared<E>>,
    stream: TcpStream,
    local: SocketAddr,
    peer: SocketAddr,
    tls: Option<Arc<Tls>>,
) {
    send_at_once(&stream);
    let config = &shared.config;
    let behind_proxy = config.trusts(peer.ip());
    let handshake_timeout = config.header_timeout;
    let watch = Arc::new(Watch::new(config.header_timeout, config.idle_timeout));
    let drain = shared.drain.child_token();
    let scheme = if tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP };
    let connection = Arc::new(Connection { shared, watch, local, peer, scheme, behind_proxy });

    let Some(tls) = tls else { return speak_http1(connection, stream, drain).await };
    let handshake = tokio::time::timeout(handshake_timeout, tls.accept(stream));
    let stream = match drain.run_until_cancelled(handshake).await {
        Some(Ok(Ok(stream))) => stream,
        Some(Ok(Err(error))) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
        Some(Err(_)) => return tracing::debug!(%peer, "TLS handshake took too long"),
        None => return,
    };
    if stream.ssl().selected_alpn_protocol() == Some(b"h2") {
        speak_http2(connection, stream, drain).await;
    } else {
        speak_http1(connection, stream, drain).await;
    }
}

async fn speak_http1<E, S>(connection: Arc<Connection<E>>, stream: S, drain: CancellationToken)
where
    E: Served,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let watch = Arc::clone(&connection.watch);
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&watch)));
    let service = service_fn(move |request| answer(Arc::clone(&connection), request));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        // The watch knows more: this one would count the rest between two requests as well.
        .header_read_timeout(None)
        // Most answers are short: one copy costs less than two slices.
        .writev(false)
        .max_header_size(MOST_HEADER_BYTES)
        .serve_connection(stream, service);
    drive(serving, &watch, drain).await;
}

async fn speak_http2<E, S>(connection: Arc<Connection<E>>, stream: S, drain: CancellationToken)
where
    E: Served,
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let watch = Arc::clone(&connection.watch);
    let service = service_fn(move |request| answer(Arc::clone(&connection), request));
    let serving = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(MOST_HEADER_BYTES).unwrap_or(u32::MAX))
        .serve_connection(TokioIo::new(stream), service);
    drive(serving, &watch, drain).await;
}

/// A connection of either version of HTTP.
trait Serving: Future<Output = hyper::Result<()>> {
    /// How long the peer may take to close the connection once it is told to; `None`: it isn't told, as there are no
    /// words for it.
    const GOODBYE: Option<Duration>;

    /// Takes no more requests; what runs may finish.
    fn finish(self: Pin<&mut Self>);
}

impl<S, I, B> Serving for http1::Connection<I, S>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    const GOODBYE: Option<Duration> = None;

    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<S, I, B, X> Serving for http2::Connection<I, S, X>
where
    S: hyper::service::HttpService<hyper::body::Incoming, ResBody = B>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: hyper::body::Body + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    X: hyper::rt::bounds::Http2ServerConnExec<S::Future, B>,
{
    const GOODBYE: Option<Duration> = Some(GOODBYE);

    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

/// Runs a connection until it ends, takes too long, or rests while the server stops.
async fn drive<S: Serving>(serving: S, watch: &Watch, drain: CancellationToken) {
    let mut serving = pin!(serving);
    let mut stopping = pin!(drain.cancelled());
    let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
    let mut told = false;
    let mut draining = false;
    loop {
        tokio::select! {
            biased;
            ended = serving.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            () = stopping.as_mut(), if !draining => {
                draining = true;
                if watch.is_untouched() && S::GOODBYE.is_none() {
                    return;
                }
                serving.as_mut().finish();
            }
            () = timer.as_mut() => match (watch.look(), S::GOODBYE) {
                (Finding::Fine(next), _) => timer.as_mut().reset(next),
                (Finding::Idle, Some(goodbye)) if !told => {
                    told = true;
                    serving.as_mut().finish();
                    timer.as_mut().reset(tokio::time::Instant::now() + goodbye);
                }
                (finding @ (Finding::Idle | Finding::SlowHeader), _) => {
                    return tracing::debug!(?finding, "connection closed");
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::net::{TcpListener, TcpStream};

    use super::send_at_once;

    #[tokio::test]
    async fn answers_are_sent_without_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        assert!(!stream.nodelay().unwrap());
        send_at_once(&stream);
        assert!(stream.nodelay().unwrap());
    }
}
