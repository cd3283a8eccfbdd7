//! The simplest operation: one request, always the same, that must answer 200.

use std::{net::SocketAddr, sync::Arc};

use crate::{error::Failure, load::Operation, wire::Wire};

/// A request and the connection that repeats it.
#[derive(Debug)]
pub(crate) struct SameRequest {
    wire: Wire,
    step: &'static str,
    request: Arc<[u8]>,
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
        Self::new(address, step, &form_request(address, path, authorization, form))
    }

    fn new(address: SocketAddr, step: &'static str, request: &str) -> Self {
        Self { wire: Wire::new(address), step, request: Arc::from(request.as_bytes()) }
    }

    /// The same on another connection.
    pub(crate) fn again(&self) -> Self {
        Self { wire: Wire::new(self.wire.address()), step: self.step, request: Arc::clone(&self.request) }
    }
}

/// The bytes of `POST path` with a form and an `Authorization` header.
pub(crate) fn form_request(address: SocketAddr, path: &str, authorization: &str, form: &str) -> String {
    let length = form.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
    )
}

impl Operation for SameRequest {
    async fn run(&mut self) -> Result<(), Failure> {
        self.wire.expect_ok(self.step, &self.request).await.map(drop)
    }
}
