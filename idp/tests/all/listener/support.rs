//! A server on a free port, and a client that says exactly what it is told.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use idp::config::Listen;
use idp::http::server::{Asked, Bound, Served, Server};
use poem::endpoint::make;
use poem::{Endpoint, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The result of `what`, or a failed test.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("it takes too long")
}

/// A loopback address with a free port, everything else by default.
pub(super) fn loopback() -> Listen {
    Listen { address: "127.0.0.1:0".parse().unwrap(), ..Listen::default() }
}

pub(super) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// An endpoint alone: nothing is ready before it is asked.
struct Plain<E>(E);

impl<E: Endpoint + 'static> Served for Plain<E> {
    type Rest = E;

    async fn ready(&self, _: &mut Asked<'_>) -> Option<http::Response<bytes::Bytes>> {
        None
    }

    fn rest(&self) -> &E {
        &self.0
    }
}

/// A server that runs in the background.
pub(super) struct Running {
    pub(super) bound: Vec<Bound>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    pub(super) fn start(config: &Listen, endpoint: impl Endpoint + 'static) -> Self {
        Self::start_with_grace(config, endpoint, Duration::from_mins(1))
    }

    pub(super) fn start_with_grace(config: &Listen, endpoint: impl Endpoint + 'static, grace: Duration) -> Self {
        let server = Server::bind(config).unwrap();
        let bound = server.bound();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async {
            let _ = stopped.await;
        };
        let task = tokio::spawn(server.serve(Plain(endpoint), shutdown, grace));
        Self { bound, stop: Some(stop), task }
    }

    /// An echo: the body that came, or `METHOD PATH` when there is none.
    pub(super) fn echo(config: &Listen) -> Self {
        Self::start(
            config,
            make(|mut request: Request| async move {
                let body = request.take_body().into_bytes().await?;
                let line = format!("{} {}", request.method(), request.uri().path());
                Ok::<_, poem::Error>(if body.is_empty() { line.into_bytes() } else { body.to_vec() })
            }),
        )
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.bound[0].address
    }

    pub(super) async fn connect(&self) -> Client<TcpStream> {
        Client::new(TcpStream::connect(self.address()).await.unwrap())
    }

    /// Gives the signal to stop.
    pub(super) fn stop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
    }

    /// Waits until the server has stopped.
    pub(super) async fn stopped(self) {
        soon(self.task).await.unwrap();
    }
}

/// A connection.
pub(super) struct Client<S> {
    stream: S,
    read: Vec<u8>,
}

/// What a server answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, read: Vec::new() }
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.try_say(text).await.unwrap();
    }

    pub(super) async fn try_say(&mut self, text: &str) -> std::io::Result<()> {
        self.stream.write_all(text.as_bytes()).await?;
        self.stream.flush().await
    }

    /// Asks for a path and waits for the answer.
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.get_with(path, "").await
    }

    /// Asks with header lines, each ended by `\r\n`.
    pub(super) async fn get_with(&mut self, path: &str, lines: &str) -> Answer {
        self.say(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n")).await;
        self.answer().await
    }

    /// The next answer, by its `Content-Length`.
    pub(super) async fn answer(&mut self) -> Answer {
        soon(async {
            loop {
                if let Some(end) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                    let head = String::from_utf8(self.read[..end].to_vec()).unwrap();
                    let length = Answer { head: head.clone(), body: String::new() };
                    let length: usize = length.header("content-length").map_or(0, |length| length.parse().unwrap());
                    if self.read.len() >= end + 4 + length {
                        let body = self.read[end + 4..end + 4 + length].to_vec();
                        self.read.drain(..end + 4 + length);
                        return Answer { head, body: String::from_utf8(body).unwrap() };
                    }
                }
                let count = self.stream.read_buf(&mut self.read).await.unwrap();
                assert_ne!(count, 0, "closed in the middle of {:?}", String::from_utf8_lossy(&self.read));
            }
        })
        .await
    }

    /// Waits until the server closes the connection, and returns what came before.
    pub(super) async fn closed(&mut self) -> String {
        soon(async {
            // A reset is an end as well.
            let _ = self.stream.read_to_end(&mut self.read).await;
        })
        .await;
        String::from_utf8_lossy(&self.read).into_owned()
    }
}
