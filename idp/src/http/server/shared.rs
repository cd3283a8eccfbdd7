//! What the connections of a server, and the requests of a connection, share.

use std::net::SocketAddr;
use std::sync::Arc;

use http::uri::Scheme;
use tokio_util::sync::CancellationToken;

use super::served::Observed;
use super::watch::Watch;
use crate::config::Listen;
use crate::telemetry::RequestIds;

/// What all connections of a server share.
pub(super) struct Shared<E> {
    pub(super) served: E,
    pub(super) config: Listen,
    pub(super) observed: Observed,
    pub(super) ids: RequestIds,
    /// Cancelled when the server stops: what runs may finish, nothing new begins.
    pub(super) drain: CancellationToken,
}

/// What all requests of a connection share.
pub(super) struct Connection<E> {
    pub(super) shared: Arc<Shared<E>>,
    pub(super) watch: Arc<Watch>,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
    pub(super) scheme: Scheme,
    /// Whether the peer is a declared proxy.
    pub(super) behind_proxy: bool,
}
