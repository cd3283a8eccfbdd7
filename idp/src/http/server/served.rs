//! What is served, and what is observed of it.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method};
use poem::{Body, Endpoint};
use thiserror::Error;

use super::tls::TlsError;
use crate::config::{Fault, LogAddress};
use crate::telemetry::Traces;
use crate::telemetry::metrics::Metrics;

/// What is served.
pub trait Served: Send + Sync + 'static {
    /// What answers the rest.
    type Rest: Endpoint;

    /// Answers what can be answered at once; `None` leaves the request, and its body, to [`Self::rest`].
    fn ready(&self, asked: &mut Asked<'_>) -> impl Future<Output = Option<http::Response<Bytes>>> + Send;

    /// Answers all that isn't ready.
    fn rest(&self) -> &Self::Rest;
}

/// A request before anything is made of it.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Its method.
    pub method: &'a Method,
    /// The path of its address.
    pub path: &'a str,
    /// Its header fields.
    pub headers: &'a HeaderMap,
    /// The client's address.
    pub client: IpAddr,
    /// Its body, to be read by whoever answers.
    pub body: &'a mut Body,
}

/// What is noted of requests.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Where they are counted, if they are.
    pub metrics: Option<Arc<Metrics>>,
    /// What makes their spans, if anything does.
    pub traces: Option<Arc<Traces>>,
    /// What is logged of clients' addresses.
    pub addresses: LogAddress,
}

/// Why the server can't start.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The section `[listen]` contradicts itself; plain HTTP that others could read is such a case.
    #[error("listen.{} {}", .0.key(), .0.text())]
    Refused(Fault),
    /// The address isn't this machine's, or is in use, or the port needs rights.
    #[error("can't listen on {address}: {source}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The certificate or its key can't be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}
