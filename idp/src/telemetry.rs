//! Logging: one line an event, one line a request, named fields with their units, ids in fields.
//!
//! Lines go to standard error, as text or JSON, in batches by a thread of their own, so that no request waits for a
//! slow terminal or pipe. A line that was written inside a request carries the request's reference, which the client
//! sees as well; that comes from the task and costs nothing until a line is written. Values are escaped, so that none
//! of them can look like a line.
//!
//! Decided against: a span of `tracing` around each request, which costs more than a short request itself. Where traces are
//! asked for, [`Traces`] makes spans of its own.

mod format;
pub mod metrics;
mod request;
mod route;
mod time;
mod trace_context;
mod traces;
mod writer;

use thiserror::Error;
use tracing_subscriber::layer::SubscriberExt as _;

pub use format::misplaces;
pub use request::{RequestHead, RequestId, RequestIds, RequestLine, beside, note_client};
pub use route::RouteLabel;
pub use traces::{Part, Place, Spans, Traces, database_part, outbound_part, part};
pub use writer::LogGuard;

use crate::config::Log;
use format::Line;
use writer::Batches;

/// Why logging can't begin.
#[derive(Debug, Error)]
pub enum TelemetryError {
    /// The system gave no thread.
    #[error("no thread for the log: {0}")]
    Thread(#[from] std::io::Error),
    /// Logging has begun already.
    #[error("logging has begun already")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Begins to log to standard error. What is on its way is written when the guard is dropped, so keep it until the end.
///
/// # Errors
/// See [`TelemetryError`].
pub fn init(config: &Log) -> Result<LogGuard, TelemetryError> {
    let (batches, guard) = Batches::to(std::io::stderr())?;
    tracing::subscriber::set_global_default(subscriber(config, batches))?;
    Ok(guard)
}

/// What [`init`] makes the global one, with a writer of the caller's.
pub fn subscriber<W>(config: &Log, writer: W) -> impl tracing::Subscriber + Send + Sync + use<W>
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().event_format(Line::new(config.format)).with_writer(writer);
    tracing_subscriber::registry().with(config.filter.targets().clone()).with(lines)
}
