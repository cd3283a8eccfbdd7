//! The limit of the web framework: a poem server that answers "hello" and does nothing else.

use poem::{Route, Server, endpoint, listener::TcpListener};
use tokio::runtime;

use crate::error::BenchError;

/// Serves until it is killed. The runtime is the one that `signet serve` has: as many threads as it may use cores.
pub(crate) fn serve(port: u16) -> Result<(), BenchError> {
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(BenchError::io("the runtime"))?;
    let routes = Route::new().at("/", endpoint::make_sync(|_| "hello"));
    runtime
        .block_on(Server::new(TcpListener::bind(("127.0.0.1".to_owned(), port))).run(routes))
        .map_err(BenchError::io("the hello server"))
}
