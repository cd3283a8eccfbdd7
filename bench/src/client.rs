//! One HTTP/1.1 connection that is kept open from request to request, as a browser keeps it.
//!
//! Decided against a pooling client: a load is a number of connections, and what a pool does between them isn't
//! the server's.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Request, StatusCode,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::error::{Failure, SHOWN};

/// A request with its whole body.
pub(crate) type WholeRequest = Request<Full<Bytes>>;

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Bytes,
}

impl Answer {
    /// The answer if it has this status, else a failure of this step.
    pub(crate) fn expect(self, step: &'static str, status: StatusCode) -> Result<Self, Failure> {
        if self.status == status { Ok(self) } else { Err(self.failure(step, "unexpected status")) }
    }

    /// A failure that shows this answer.
    pub(crate) fn failure(&self, step: &'static str, problem: &'static str) -> Failure {
        let body = String::from_utf8_lossy(&self.body[..self.body.len().min(SHOWN)]).replace(['\r', '\n'], " ");
        Failure::Answer { step, problem, status: self.status, body }
    }
}

/// A connection to one server, opened on the first request and again when the server has closed it.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    /// A connection to this address, not yet opened.
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// Where it leads.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and reads the whole answer, whatever its status.
    pub(crate) async fn send(&mut self, step: &'static str, request: WholeRequest) -> Result<Answer, Failure> {
        match self.exchange(request).await {
            Ok(answer) => Ok(answer),
            Err(problem) => {
                self.sender = None;
                Err(Failure::Problem { step, problem })
            }
        }
    }

    async fn exchange(&mut self, request: WholeRequest) -> Result<Answer, String> {
        // A server may have closed the connection since the last answer.
        let mut sender = match self.sender.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.open().await?,
        };
        sender.ready().await.map_err(|error| describe(&error))?;
        let answer = sender.send_request(request).await.map_err(|error| describe(&error))?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| describe(&error))?.to_bytes();
        self.sender = Some(sender);
        Ok(Answer { status: head.status, headers: head.headers, body })
    }

    async fn open(&self) -> Result<SendRequest<Full<Bytes>>, String> {
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| describe(&error))?;
        tokio::spawn(async move {
            // A broken connection is told to the request that waits on it.
            connection.await.ok();
        });
        Ok(sender)
    }
}

/// An error with its causes: hyper's own text leaves them out.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
