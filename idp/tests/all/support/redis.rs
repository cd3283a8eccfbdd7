//! A Redis server of a test's own, which can be stopped and started again. It keeps what it was told.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use idp::config;
use idp::domain::Secret;
use idp::service::redis::Redis;
use redis::aio::MultiplexedConnection;
use tempfile::TempDir;

/// How long it may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a loopback address; it ends with the value.
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { folder: tempfile::tempdir().unwrap(), port, process: None };
        server.begin().await;
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The same for a user with these rights and no others, which are given anew each time.
    pub(crate) async fn url_of_user(&self, rights: &[&str]) -> String {
        let mut client = self.client().await;
        let user = ["SETUSER", "signet", "reset", "on", ">secret", "-@all"];
        redis::cmd("ACL").arg(&user).arg(rights).query_async::<()>(&mut client).await.unwrap();
        format!("redis://signet:secret@127.0.0.1:{}/0", self.port)
    }

    /// Begins, or begins again.
    pub(crate) async fn begin(&mut self) {
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--daemonize", "no", "--port"])
            .arg(self.port.to_string())
            .arg("--dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("these tests need redis-server: {error}"));
        self.process = Some(process);
        let began = Instant::now();
        while self.connect().await.is_none() {
            assert!(began.elapsed() < PATIENCE, "redis-server doesn't answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends at once, as by `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _gone = process.kill();
            process.wait().unwrap();
        }
    }

    /// It says nothing any more, and connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// It goes on.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").arg(format!("-{signal}")).arg(pid).status().unwrap().success());
    }

    /// As the provider reaches it.
    pub(crate) fn redis(&self) -> Redis {
        Redis::new(&config::Redis { url: Some(Secret::new(self.url())), ..config::Redis::default() })
    }

    async fn connect(&self) -> Option<MultiplexedConnection> {
        let client = redis::Client::open(self.url()).unwrap();
        let mut open = client.get_multiplexed_async_connection().await.ok()?;
        redis::cmd("PING").query_async::<()>(&mut open).await.ok()?;
        Some(open)
    }

    /// A connection.
    pub(crate) async fn client(&self) -> MultiplexedConnection {
        self.connect().await.unwrap()
    }

    /// A connection that hears all channels of events.
    pub(crate) async fn listener(&self) -> redis::aio::PubSub {
        let client = redis::Client::open(self.url()).unwrap();
        let mut listener = client.get_async_pubsub().await.unwrap();
        listener.psubscribe("auth:*").await.unwrap();
        listener
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
