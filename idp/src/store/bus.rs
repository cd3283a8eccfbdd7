//! What nodes may tell one another by, beside the database.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use thiserror::Error;

/// A wire between all nodes, which may lose messages, repeat them and break.
pub trait Bus: Debug + Send + Sync {
    /// Says something to all who listen, to this node too; within a bounded time.
    fn say(&self, message: String) -> BoxFuture<'_, Result<(), BusError>>;

    /// What is said from now on, until the wire breaks.
    fn listen(&self) -> BoxFuture<'_, Result<BoxStream<'static, Vec<u8>>, BusError>>;
}

/// The bus didn't do it; why is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the bus is not available")]
pub struct BusError;
