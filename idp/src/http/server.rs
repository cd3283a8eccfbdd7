//! The listener: accepts connections, speaks TLS and HTTP, and hands requests to an endpoint.
//!
//! poem's own server leaves some edges open that a public endpoint can't have: it sets no `TCP_NODELAY`, spins when
//! accepting fails, shakes hands inside the accept loop, waits for ever for a header, and takes the client's word for
//! the client's address. So the loop here is ours, on hyper, and poem begins at the endpoint.
//!
//! One task for each connection does everything for it: the TLS handshake, HTTP, and the watch over its time-outs.
//! HTTP/2 is spoken where TLS agreed on it (ALPN), HTTP/1.1 everywhere else.

mod answer;
mod body;
mod client_address;
mod connection;
mod listener;
mod own_words;
mod problem;
mod served;
mod shared;
mod tls;
mod watch;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use client_address::ClientAddress;
pub use served::{Asked, Observed, Served, ServerError};
pub use tls::TlsError;

use crate::config::Listen;
use crate::telemetry::RequestIds;
use listener::Listener;
use shared::Shared;
use tls::Tls;

/// Sockets that are bound and listen; nothing is accepted before [`Server::serve`].
pub struct Server {
    config: Listen,
    listeners: Vec<Listener>,
    observed: Observed,
}

/// A bound socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// Address and port, the real one where 0 was asked for.
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: bool,
}

impl Server {
    /// Binds the addresses and reads the certificate. Needs a runtime around it.
    ///
    /// # Errors
    /// See [`ServerError`].
    pub fn bind(config: &Listen) -> Result<Self, ServerError> {
        if let Some(fault) = config.validate().into_iter().next() {
            return Err(ServerError::Refused(fault));
        }
        let mut listeners = Vec::new();
        if let Some(address) = config.plain_address() {
            listeners.push(Listener::bind(address, None)?);
        }
        if let (Some(address), Some(certificate), Some(key)) =
            (config.encrypted_address(), &config.tls_certificate, &config.tls_key)
        {
            let tls = Tls::load(certificate.clone(), key.clone())?;
            listeners.push(Listener::bind(address, Some(Arc::new(tls)))?);
        }
        Ok(Self { config: config.clone(), listeners, observed: Observed::default() })
    }

    /// Binds one address for plain HTTP, whichever it is: for what has rules of its own about who may ask.
    ///
    /// # Errors
    /// [`ServerError::Bind`].
    pub fn bind_plain(address: SocketAddr) -> Result<Self, ServerError> {
        let config = Listen { address, ..Listen::default() };
        Ok(Self { config, listeners: vec![Listener::bind(address, None)?], observed: Observed::default() })
    }

    /// Notes this of requests.
    #[must_use]
    pub fn observed(self, observed: Observed) -> Self {
        Self { observed, ..self }
    }

    /// What is bound, plain HTTP first.
    pub fn bound(&self) -> Vec<Bound> {
        self.listeners.iter().map(|listener| Bound { address: listener.address, tls: listener.tls.is_some() }).collect()
    }

    /// The first bound address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listeners.first().map(|listener| listener.address)
    }

    /// Serves until `shutdown` is ready. Then nothing more is accepted, resting connections are closed, and running
    /// requests have `grace` to finish before their connections are closed as well.
    pub async fn serve(self, served: impl Served, shutdown: impl Future<Output = ()>, grace: Duration) {
        let permits = Arc::new(Semaphore::new(self.config.max_connections.get().min(Semaphore::MAX_PERMITS)));
        let connections = TaskTracker::new();
        let loops = TaskTracker::new();
        let drain = CancellationToken::new();
        let close = CancellationToken::new();
        let reload_interval = self.config.tls_reload_interval;
        let shared = Arc::new(Shared {
            served,
            config: self.config,
            observed: self.observed,
            ids: RequestIds::of_this_process(),
            drain: drain.clone(),
        });

        for listener in self.listeners {
            tracing::info!(address = %listener.address, tls = listener.tls.is_some(), "listening");
            if let Some(tls) = &listener.tls {
                let reload = Arc::clone(tls).reload_when_changed(reload_interval);
                loops.spawn(drain.clone().run_until_cancelled_owned(reload));
            }
            let accept =
                listener.accept_all(Arc::clone(&shared), Arc::clone(&permits), connections.clone(), close.clone());
            loops.spawn(drain.clone().run_until_cancelled_owned(accept));
        }

        shutdown.await;
        drain.cancel();
        loops.close();
        loops.wait().await;
        tracing::info!(connections = connections.len(), grace_seconds = grace.as_secs(), "stopping: requests finish");
        connections.close();
        if tokio::time::timeout(grace, connections.wait()).await.is_err() {
            tracing::warn!(connections = connections.len(), "stopping: requests that didn't finish are cut off");
            close.cancel();
            connections.wait().await;
        }
        tracing::info!("stopped");
    }
}
