//! A server under test: a child process on the server's core.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, StatusCode, header::HOST};
use tokio::time;

use crate::{client::Connection, error::BenchError};

/// How long a start may take.
const START: Duration = Duration::from_mins(1);
/// How long a server may take to finish its requests and go.
const STOP: Duration = Duration::from_secs(10);
/// Between two looks at a server that starts or stops.
const LOOK: Duration = Duration::from_millis(1);

/// A running server; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts it and waits until this path answers 200; tells how long that took from before the child was made.
    /// What it prints goes to the file `log`.
    pub(crate) async fn start(
        mut command: Command,
        address: SocketAddr,
        ready: &'static str,
        log: &Path,
    ) -> Result<(Self, Duration), BenchError> {
        let output = File::create(log).map_err(BenchError::io(format!("{}", log.display())))?;
        let errors = output.try_clone().map_err(BenchError::io("the server's log"))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let begin = Instant::now();
        let child = command.spawn().map_err(BenchError::io(format!("{}", command.get_program().display())))?;
        let mut server = Self { child, address };
        let request = Request::get(ready)
            .header(HOST, address.to_string())
            .body(Full::new(Bytes::new()))
            .map_err(|error| BenchError::Setup(error.to_string()))?;
        let mut connection = Connection::new(address);
        loop {
            if connection.send("ready", request.clone()).await.is_ok_and(|answer| answer.status == StatusCode::OK) {
                return Ok((server, begin.elapsed()));
            }
            let ended = server.child.try_wait().map_err(BenchError::io("the server"))?;
            if ended.is_some() || begin.elapsed() > START {
                let said = fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<_> = said.lines().rev().take(5).collect();
                let how =
                    ended.map_or_else(|| format!("not ready after {} s", START.as_secs()), |status| status.to_string());
                let lines = lines.into_iter().rev().collect::<Vec<_>>().join("\n  ");
                return Err(BenchError::Setup(format!("the server didn't start ({how}); it said:\n  {lines}")));
            }
            time::sleep(LOOK).await;
        }
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it to finish (SIGTERM) and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), BenchError> {
        Command::new("kill").arg(self.pid().to_string()).status().map_err(BenchError::io("kill"))?;
        let begin = Instant::now();
        while begin.elapsed() < STOP {
            if self.child.try_wait().map_err(BenchError::io("the server"))?.is_some() {
                return Ok(());
            }
            time::sleep(LOOK).await;
        }
        Err(BenchError::Setup(format!("the server didn't stop within {} s of SIGTERM", STOP.as_secs())))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A loopback address whose port nobody listens on.
pub(crate) fn free_address() -> Result<SocketAddr, BenchError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(BenchError::io("a free port"))
}
