//! The simplest operation: one request, always the same, that must answer 200.
//!
//! It has its own few lines of HTTP/1.1 (RFC 9112), because these loads are the fast ones: an HTTP library on the
//! load's core costs about as much as the server under test, and would be measured in its place. The request is
//! written as ready bytes; of the answer it reads status and `Content-Length`.

use std::{net::SocketAddr, sync::Arc};

use hyper::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    error::{Failure, SHOWN},
    load::Operation,
};

/// Room for an answer; more is made when an answer needs it.
const ROOM: usize = 16 * 1024;

/// A request and the connection that repeats it.
#[derive(Debug)]
pub(crate) struct SameRequest {
    address: SocketAddr,
    step: &'static str,
    request: Arc<[u8]>,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl SameRequest {
    /// `GET path`.
    pub(crate) fn get(address: SocketAddr, step: &'static str, path: &str) -> Self {
        Self::new(address, step, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n"))
    }

    /// `GET path` with an `Authorization` header.
    pub(crate) fn get_with(address: SocketAddr, step: &'static str, path: &str, authorization: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\r\n");
        Self::new(address, step, &request)
    }

    /// `POST path` with a form and an `Authorization` header.
    pub(crate) fn post(address: SocketAddr, step: &'static str, path: &str, authorization: &str, form: &str) -> Self {
        let length = form.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        );
        Self::new(address, step, &request)
    }

    fn new(address: SocketAddr, step: &'static str, request: &str) -> Self {
        let (request, answer) = (Arc::from(request.as_bytes()), Vec::with_capacity(ROOM));
        Self { address, step, request, stream: None, answer }
    }

    /// The same on another connection.
    pub(crate) fn again(&self) -> Self {
        let (request, answer) = (Arc::clone(&self.request), Vec::with_capacity(ROOM));
        Self { address: self.address, step: self.step, request, stream: None, answer }
    }

    /// Sends the request and reads the whole answer; a connection that the server closed after an earlier answer is
    /// opened again.
    async fn exchange(&mut self) -> Result<Head, String> {
        if let Some(stream) = self.stream.take() {
            match self.exchange_on(stream).await {
                Err(_) if self.answer.is_empty() => {}
                result => return result,
            }
        }
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        self.exchange_on(stream).await
    }

    async fn exchange_on(&mut self, mut stream: TcpStream) -> Result<Head, String> {
        self.answer.clear();
        stream.write_all(&self.request).await.map_err(|error| error.to_string())?;
        let mut known: Option<Head> = None;
        loop {
            if stream.read_buf(&mut self.answer).await.map_err(|error| error.to_string())? == 0 {
                return Err("the server closed the connection".into());
            }
            if known.is_none() {
                known = Head::parse(&self.answer)?;
            }
            if let Some(head) = known.take_if(|head| self.answer.len() >= head.body + head.length) {
                if !head.closes {
                    self.stream = Some(stream);
                }
                return Ok(head);
            }
        }
    }
}

impl Operation for SameRequest {
    async fn run(&mut self) -> Result<(), Failure> {
        let step = self.step;
        let head = self.exchange().await.map_err(|problem| Failure::Problem { step, problem })?;
        if head.status == StatusCode::OK {
            return Ok(());
        }
        let body = &self.answer[head.body..];
        let body = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).replace(['\r', '\n'], " ");
        Err(Failure::Answer { step, problem: "unexpected status", status: head.status, body })
    }
}

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: StatusCode,
    /// Where the body begins.
    body: usize,
    /// The body's length.
    length: usize,
    /// Whether the server closes the connection after this answer.
    closes: bool,
}

impl Head {
    /// Reads the head if it is there as a whole.
    fn parse(answer: &[u8]) -> Result<Option<Self>, String> {
        let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&answer[..end]).map_err(|error| error.to_string())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| format!("not HTTP/1.1: {head:.40}"))?;
        let (mut length, mut closes) = (None, false);
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().ok();
            } else if name.eq_ignore_ascii_case("connection") {
                closes = value.trim().eq_ignore_ascii_case("close");
            }
        }
        let length = length.ok_or_else(|| format!("an answer with status {status} without Content-Length"))?;
        Ok(Some(Self { status, body: end + 4, length, closes }))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use tokio::net::TcpListener;

    use super::*;

    #[test]
    fn a_head_tells_status_and_length() {
        let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-type: a:b\r\nContent-Length: 12\r\n\r\nabc";
        let head = Head { status: StatusCode::UNAUTHORIZED, body: answer.len() - 3, length: 12, closes: false };
        assert_eq!(Head::parse(answer), Ok(Some(head)));
        assert_eq!(Head::parse(&answer[..60]), Ok(None));
        assert!(
            Head::parse(b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length:0\r\n\r\n").unwrap().unwrap().closes
        );
    }

    #[test]
    fn other_answers_are_refused() {
        for answer in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2\r\n\r\n", "\r\n\r\n"] {
            assert!(Head::parse(answer.as_bytes()).is_err(), "{answer:?}");
        }
    }

    #[tokio::test]
    async fn answers_in_pieces_are_read_and_closed_connections_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut operation = SameRequest::get(listener.local_addr().unwrap(), "piece", "/");
        let server = tokio::spawn(async move {
            // After two answers a connection is closed, without a word.
            for answers in [2, 2] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 256];
                for _ in 0..answers {
                    assert!(stream.read(&mut request).await.unwrap() > 0);
                    for piece in ["HTTP/1.1 200 OK\r\ncontent-", "length: 5\r\n\r", "\nhe", "llo"] {
                        stream.write_all(piece.as_bytes()).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                }
            }
        });
        for _ in 0..4 {
            operation.run().await.unwrap();
            assert!(operation.answer.ends_with(b"\r\n\r\nhello"));
        }
        server.await.unwrap();
        assert!(matches!(operation.run().await, Err(Failure::Problem { step: "piece", .. })));
    }
}
