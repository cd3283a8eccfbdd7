//! Writes lines in batches, by a thread of its own.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others to be written with it.
const PATIENCE: Duration = Duration::from_millis(20);
/// Bytes that are written without waiting for more.
const FULL: usize = 64 * 1024;
/// Bytes that are kept while nobody reads the log; lines beyond are counted and dropped, as requests go first.
const MOST: usize = 8 * 1024 * 1024;

/// Where lines are left.
#[derive(Clone)]
pub(super) struct Batches(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the log: what is on its way is written when it is dropped.
#[must_use = "logging ends when this is dropped"]
pub struct LogGuard {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Batches {
    /// Starts the thread that writes to `out`.
    pub(super) fn to(out: impl Write + Send + 'static) -> io::Result<(Self, LogGuard)> {
        let shared = Arc::new(Shared::default());
        let writing = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("log".to_owned()).spawn(move || write(&writing, out))?;
        Ok((Self(Arc::clone(&shared)), LogGuard { shared, thread: Some(thread) }))
    }
}

impl<'a> MakeWriter<'a> for Batches {
    type Writer = &'a Batches;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

impl Write for &Batches {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        if state.closed {
            // Whoever still logs after the end is heard all the same.
            drop(state);
            io::stderr().write_all(line)?;
        } else if state.lines.len() + line.len() > MOST {
            state.dropped += 1;
        } else {
            let before = state.lines.len();
            state.lines.extend_from_slice(line);
            let wake = before == 0 || before < FULL && state.lines.len() >= FULL;
            drop(state);
            if wake {
                self.0.changed.notify_one();
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes until the guard is dropped. A log that can't be written stops nothing.
fn write(shared: &Shared, mut out: impl Write) {
    let mut batch = Vec::new();
    loop {
        let idle = |state: &mut State| state.lines.is_empty() && state.dropped == 0 && !state.closed;
        let state = shared.changed.wait_while(shared.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        let filling = |state: &mut State| state.lines.len() < FULL && !state.closed;
        let waited = shared.changed.wait_timeout_while(state, PATIENCE, filling);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut batch, &mut state.lines);
        let dropped = std::mem::take(&mut state.dropped);
        let closed = state.closed;
        drop(state);

        let _ = out.write_all(&batch);
        if dropped > 0 {
            let _ = writeln!(out, "{dropped} lines of the log were dropped, as it wasn't read fast enough");
        }
        let _ = out.flush();
        batch.clear();
        batch.shrink_to(2 * FULL);
        if closed {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::io::Write as _;

    use super::Batches;

    #[test]
    fn everything_is_written_in_order_when_the_guard_is_dropped() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let (batches, guard) = Batches::to(writer).unwrap();
        for number in 0..1_000 {
            (&batches).write_all(format!("line {number}\n").as_bytes()).unwrap();
        }
        drop(guard);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        let numbers: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("line ")).collect();
        assert_eq!(numbers, (0..1_000).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
