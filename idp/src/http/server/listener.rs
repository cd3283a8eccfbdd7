//! Binds a socket and accepts its connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::connect;
use super::served::{Served, ServerError};
use super::shared::Shared;
use super::tls::Tls;

/// Connections that the system keeps for us until we accept them; it may have a lower limit of its own.
const BACKLOG: u32 = 4_096;

/// A bound socket, and the certificate when it speaks TLS.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    pub(super) tls: Option<Arc<Tls>>,
    socket: TcpListener,
}

impl Listener {
    /// Binds the address and begins to listen.
    pub(super) fn bind(address: SocketAddr, tls: Option<Arc<Tls>>) -> Result<Self, ServerError> {
        let listen = || {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            // A restart may bind while connections of the former process still linger.
            socket.set_reuseaddr(true)?;
            socket.bind(address)?;
            let socket = socket.listen(BACKLOG)?;
            Ok(Self { address: socket.local_addr()?, tls, socket })
        };
        listen().map_err(|source| ServerError::Bind { address, source })
    }

    /// Accepts connections for ever, each with a permit and in a task of its own.
    pub(super) async fn accept_all<E: Served>(
        self,
        shared: Arc<Shared<E>>,
        permits: Arc<Semaphore>,
        tasks: TaskTracker,
        close: CancellationToken,
    ) {
        let mut backoff = Backoff::default();
        // The semaphore is never closed, so that this loop ends only when its task is dropped.
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            match self.socket.accept().await {
                Ok((stream, peer)) => {
                    backoff = Backoff::default();
                    let connection = connect(Arc::clone(&shared), stream, self.address, peer, self.tls.clone());
                    let close = close.child_token();
                    tasks.spawn(async move {
                        close.run_until_cancelled_owned(connection).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    if let Some(pause) = backoff.after(&error) {
                        tracing::warn!(%error, pause_ms = pause.as_millis(), "can't accept connections");
                        tokio::time::sleep(pause).await;
                    }
                }
            }
        }
    }
}

/// How long to wait when accepting fails. Without a pause the loop would spin, as the connection that couldn't be
/// accepted (no file descriptor left, no memory) is still there.
#[derive(Default)]
struct Backoff {
    pause: Option<Duration>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_secs(1);

    /// The pause after this error; `None` where only the one connection failed, which is gone then.
    fn after(&mut self, error: &io::Error) -> Option<Duration> {
        match error.kind() {
            io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted => None,
            _ => {
                let pause = self.pause.map_or(Self::FIRST, |pause| (pause * 2).min(Self::LONGEST));
                self.pause = Some(pause);
                Some(pause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::Backoff;

    #[test]
    fn a_lack_of_file_descriptors_is_waited_out() {
        const EMFILE: i32 = 24;
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..9)
            .filter_map(|_| backoff.after(&io::Error::from_raw_os_error(EMFILE)))
            .map(|pause| pause.as_millis())
            .collect();
        assert_eq!(pauses, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000]);
    }

    #[test]
    fn a_connection_that_went_away_costs_no_pause() {
        assert_eq!(Backoff::default().after(&io::ErrorKind::ConnectionAborted.into()), None);
    }
}
