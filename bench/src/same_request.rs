//! The simplest operation: one request, always the same, that must answer 200.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};

use crate::{
    client::{Connection, WholeRequest},
    error::{BenchError, Failure},
    load::Operation,
};

/// A request and the connection that repeats it.
#[derive(Debug)]
pub(crate) struct SameRequest {
    connection: Connection,
    step: &'static str,
    request: WholeRequest,
}

impl SameRequest {
    /// `GET path`.
    pub(crate) fn get(address: SocketAddr, step: &'static str, path: &str) -> Result<Self, BenchError> {
        let request = Request::get(path).header(HOST, address.to_string()).body(Full::new(Bytes::new()));
        Self::new(address, step, request)
    }

    /// `POST path` with a form and an `Authorization` header.
    pub(crate) fn post(
        address: SocketAddr,
        step: &'static str,
        path: &str,
        authorization: &str,
        form: &'static str,
    ) -> Result<Self, BenchError> {
        let request = Request::post(path)
            .header(HOST, address.to_string())
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from_static(form.as_bytes())));
        Self::new(address, step, request)
    }

    fn new(
        address: SocketAddr,
        step: &'static str,
        request: Result<WholeRequest, hyper::http::Error>,
    ) -> Result<Self, BenchError> {
        let request = request.map_err(|error| BenchError::Setup(format!("{step}: {error}")))?;
        Ok(Self { connection: Connection::new(address), step, request })
    }

    /// The same on another connection.
    pub(crate) fn again(&self) -> Self {
        Self { connection: Connection::new(self.connection.address()), step: self.step, request: self.request.clone() }
    }
}

impl Operation for SameRequest {
    async fn run(&mut self) -> Result<(), Failure> {
        let answer = self.connection.send(self.step, self.request.clone()).await?;
        answer.expect(self.step, StatusCode::OK).map(drop)
    }
}
