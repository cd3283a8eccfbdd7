//! Redis, where it is configured: what nodes tell one another, and where events are published. It is a wire and no
//! store: nothing is kept in it.
//!
//! Nobody waits for it longer than its time-out. While it can't be reached it is tried again after a pause that grows to
//! five seconds, and whoever asks in between hears so at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline};
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::config;
use crate::domain::event::OutboxEvent;
use crate::store::bus::{Bus, BusError};

/// The pause after the first attempt that fails; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long many events may take to be answered.
const MANY: Duration = Duration::from_secs(3);

/// Why Redis didn't do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RedisError {
    /// It couldn't be reached, or the connection broke.
    #[error("redis can't be reached")]
    Unreachable,
    /// It took longer than `redis.timeout`.
    #[error("redis takes too long to answer")]
    TimedOut,
    /// It refused: no rights, or out of memory.
    #[error("redis refused")]
    Refused,
}

/// Redis, if there is one: a connection that mends itself. Cloning it copies a pointer.
#[derive(Clone)]
pub struct Redis(Option<Arc<Configured>>);

/// See [`Redis`].
struct Configured {
    client: Client,
    settings: config::Redis,
    line: Mutex<Line>,
    connected: AtomicBool,
}

/// The connection for commands.
#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Counts connections, so that one that broke is dropped once.
    number: u64,
    pause: Option<Duration>,
    not_before: Option<Instant>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client has the password.
        f.debug_tuple("Redis").field(&self.is_configured()).finish()
    }
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis")
    }
}

impl Redis {
    /// Redis by these settings. Nothing is connected before it is needed.
    pub fn new(settings: &config::Redis) -> Self {
        // The library's words may have the URL in them; what is wrong with it the configuration has said.
        let client = settings.url.as_ref().and_then(|url| Client::open(url.expose()).ok());
        Self(client.map(|client| {
            let (line, connected) = (Mutex::default(), AtomicBool::new(false));
            Arc::new(Configured { client, settings: settings.clone(), line, connected })
        }))
    }

    /// Whether there is one.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the last attempt to reach it succeeded.
    pub fn is_connected(&self) -> bool {
        self.0.as_ref().is_some_and(|redis| redis.connected.load(Ordering::Relaxed))
    }

    /// What nodes tell one another by, if there is one.
    pub fn bus(&self) -> Option<Arc<dyn Bus>> {
        self.0.clone().map(|redis| redis as Arc<dyn Bus>)
    }

    /// The longest that anybody waits for [`Self::publish`].
    pub fn patience(&self) -> Duration {
        self.0.as_ref().map_or(Duration::ZERO, |redis| redis.settings.timeout + MANY)
    }

    /// Publishes events in their order: each in its channel, and in the stream. They have arrived when this answers; if
    /// it fails, they may have. What Redis refuses of it, for want of rights or room, it refuses as a whole, so that
    /// nobody hears the same again with each attempt.
    ///
    /// # Errors
    /// See [`RedisError`].
    pub async fn publish(&self, events: &[OutboxEvent]) -> Result<(), RedisError> {
        let Some(redis) = &self.0 else { return Ok(()) };
        let mut pipeline = redis::pipe();
        pipeline.atomic();
        for event in events {
            let payload = event.payload.to_string();
            pipeline
                .cmd("XADD")
                .arg(&redis.settings.stream)
                .arg(&["MAXLEN", "~"])
                .arg(redis.settings.stream_length.get())
                .arg(&["*", "type", &event.kind, "payload", &payload])
                .ignore();
            pipeline.cmd("PUBLISH").arg(&event.kind).arg(payload).ignore();
        }
        redis.ask(&pipeline, MANY).await
    }

    /// Asks whether it is there; says nothing of a Redis that isn't configured.
    ///
    /// # Errors
    /// See [`RedisError`].
    pub async fn ping(&self) -> Result<(), RedisError> {
        let Some(redis) = &self.0 else { return Ok(()) };
        redis.ask(redis::pipe().cmd("PING").ignore(), redis.settings.timeout).await
    }
}

impl Configured {
    /// What is said on a channel from now on. The stream ends when the connection breaks; one that is frozen says
    /// nothing, which only an echo can tell.
    ///
    /// # Errors
    /// See [`RedisError`].
    async fn subscribe(&self, channel: &str) -> Result<BoxStream<'static, Vec<u8>>, RedisError> {
        let subscribe = async {
            let mut connection = self.client.get_async_pubsub().await?;
            connection.subscribe(channel).await?;
            Ok(connection)
        };
        let subscribed = timeout(self.settings.timeout, subscribe).await.map_err(|_| RedisError::TimedOut)?;
        let connection = subscribed.map_err(|error: redis::RedisError| kind(&error))?;
        Ok(connection.into_on_message().map(|message| message.get_payload_bytes().to_vec()).boxed())
    }

    /// Sends commands and waits so long for their answers, whose values are of no interest.
    async fn ask(&self, commands: &Pipeline, patience: Duration) -> Result<(), RedisError> {
        let asking = async {
            let (number, mut connection) = self.connection().await?;
            connection.set_response_timeout(patience);
            let answer: redis::RedisResult<()> = commands.query_async(&mut connection).await;
            match answer {
                Ok(()) => Ok(()),
                Err(error) => {
                    let kind = kind(&error);
                    if kind != RedisError::Refused {
                        self.drop_connection(number).await;
                    }
                    Err(kind)
                }
            }
        };
        timeout(self.settings.timeout + patience, asking).await.unwrap_or(Err(RedisError::TimedOut))
    }

    /// The connection, made if there is none and it is time.
    async fn connection(&self) -> Result<(u64, MultiplexedConnection), RedisError> {
        let mut line = self.line.lock().await;
        if let Some(connection) = &line.connection {
            return Ok((line.number, connection.clone()));
        }
        if line.not_before.is_some_and(|time| Instant::now() < time) {
            return Err(RedisError::Unreachable);
        }
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.settings.timeout))
            .set_response_timeout(Some(self.settings.timeout));
        let connecting = self.client.get_multiplexed_async_connection_with_config(&limits);
        match timeout(self.settings.timeout, connecting).await {
            Ok(Ok(connection)) => {
                if line.pause.is_some() {
                    tracing::info!("redis is back");
                }
                let number = line.number + 1;
                *line = Line { connection: Some(connection.clone()), number, pause: None, not_before: None };
                self.connected.store(true, Ordering::Relaxed);
                Ok((number, connection))
            }
            failed => {
                let pause = line.pause.map_or(FIRST_PAUSE, |pause| (pause * 2).min(LONGEST_PAUSE));
                (line.pause, line.not_before) = (Some(pause), Some(Instant::now() + pause));
                self.connected.store(false, Ordering::Relaxed);
                let error = failed.map_or(RedisError::TimedOut, |failed| {
                    failed.err().map_or(RedisError::Unreachable, |error| kind(&error))
                });
                tracing::warn!(%error, pause_ms = pause.as_millis(), "redis can't be reached");
                Err(error)
            }
        }
    }

    async fn drop_connection(&self, number: u64) {
        let mut line = self.line.lock().await;
        if line.number == number {
            line.connection = None;
            self.connected.store(false, Ordering::Relaxed);
        }
    }
}

/// What the library says, without its words: they may have secrets in them.
fn kind(error: &redis::RedisError) -> RedisError {
    if error.is_timeout() {
        RedisError::TimedOut
    } else if error.is_io_error() || error.is_connection_dropped() || error.is_unrecoverable_error() {
        RedisError::Unreachable
    } else {
        tracing::warn!(code = error.code().unwrap_or_default(), "redis refused a command");
        RedisError::Refused
    }
}

impl Bus for Configured {
    fn say(&self, message: String) -> BoxFuture<'_, Result<(), BusError>> {
        Box::pin(async move {
            let mut publish = redis::pipe();
            publish.cmd("PUBLISH").arg(&self.settings.channel).arg(message).ignore();
            self.ask(&publish, self.settings.timeout).await.map_err(|_| BusError)
        })
    }

    fn listen(&self) -> BoxFuture<'_, Result<BoxStream<'static, Vec<u8>>, BusError>> {
        Box::pin(async move { self.subscribe(&self.settings.channel).await.map_err(|_| BusError) })
    }
}
