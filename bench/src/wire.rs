//! A connection with its own few lines of HTTP/1.1 (RFC 9112), for the fast loads: an HTTP library on the load's core
//! costs about as much as the server under test, and would be measured in its place. A request is written as ready
//! bytes; of the answer it reads status and `Content-Length`.

use std::net::SocketAddr;

use hyper::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::error::{Failure, SHOWN};

/// Room for an answer; more is made when an answer needs it.
const ROOM: usize = 16 * 1024;

/// A connection to one server, opened on the first request and again when the server has closed it.
#[derive(Debug)]
pub(crate) struct Wire {
    address: SocketAddr,
    stream: Option<TcpStream>,
    answer: Vec<u8>,
}

impl Wire {
    /// A connection to this address, not yet opened.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None, answer: Vec::with_capacity(ROOM) }
    }

    /// Where it leads.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends a request and reads the whole answer; a connection that the server closed after an earlier answer is
    /// opened again.
    pub(crate) async fn exchange(&mut self, step: &'static str, request: &[u8]) -> Result<Head, Failure> {
        self.try_exchange(request).await.map_err(|problem| Failure::Problem { step, problem })
    }

    /// The same for an answer that must be 200.
    pub(crate) async fn expect_ok(&mut self, step: &'static str, request: &[u8]) -> Result<Head, Failure> {
        let head = self.exchange(step, request).await?;
        if head.status == StatusCode::OK { Ok(head) } else { Err(self.failure(step, &head)) }
    }

    /// The body of the last answer.
    pub(crate) fn body(&self, head: &Head) -> &[u8] {
        &self.answer[head.body..head.body + head.length]
    }

    /// Whether the last answer has this header.
    pub(crate) fn has_header(&self, head: &Head, name: &str) -> bool {
        let text = std::str::from_utf8(&self.answer[..head.body]).unwrap_or_default();
        text.split("\r\n").filter_map(|line| line.split_once(':')).any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// A failure that shows the last answer.
    pub(crate) fn failure(&self, step: &'static str, head: &Head) -> Failure {
        let body = self.body(head);
        let body = String::from_utf8_lossy(&body[..body.len().min(SHOWN)]).replace(['\r', '\n'], " ");
        Failure::Answer { step, problem: "unexpected status", status: head.status, body }
    }

    async fn try_exchange(&mut self, request: &[u8]) -> Result<Head, String> {
        if let Some(stream) = self.stream.take() {
            match self.exchange_on(stream, request).await {
                Err(_) if self.answer.is_empty() => {}
                result => return result,
            }
        }
        let stream = TcpStream::connect(self.address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        self.exchange_on(stream, request).await
    }

    async fn exchange_on(&mut self, mut stream: TcpStream, request: &[u8]) -> Result<Head, String> {
        self.answer.clear();
        stream.write_all(request).await.map_err(|error| error.to_string())?;
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

/// What matters of an answer's head.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status.
    pub(crate) status: StatusCode,
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

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

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
        let mut wire = Wire::new(listener.local_addr().unwrap());
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
            let head = wire.expect_ok("piece", REQUEST).await.unwrap();
            assert_eq!(wire.body(&head), b"hello");
            assert!(wire.has_header(&head, "Content-Length") && !wire.has_header(&head, "Retry-After"));
        }
        server.await.unwrap();
        assert!(matches!(wire.expect_ok("piece", REQUEST).await, Err(Failure::Problem { step: "piece", .. })));
    }
}
