//! The connection to Redis: made when it is needed, shared, and made anew after it failed. Nothing waits for it but
//! what is for it.

use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, RedisError};
use tokio::sync::Mutex;

use crate::config;
use crate::domain::event::OutboxEvent;

/// How long it may take to connect, and to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Redis, if there is one.
pub struct Redis(Option<Configured>);

struct Configured {
    client: Client,
    connection: Mutex<Option<MultiplexedConnection>>,
    settings: config::Redis,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client has the password.
        f.debug_tuple("Redis").field(&self.is_configured()).finish()
    }
}

impl Redis {
    /// Redis by these settings. Nothing is connected yet.
    pub fn new(settings: &config::Redis) -> Self {
        let client = settings.url.as_ref().and_then(|url| Client::open(url.expose()).ok());
        Self(client.map(|client| Configured { client, connection: Mutex::default(), settings: settings.clone() }))
    }

    /// Whether there is one.
    pub fn is_configured(&self) -> bool {
        self.0.is_some()
    }

    /// Publishes events in their order: each in its channel, and in the stream. They have arrived when this answers;
    /// if it fails, some may have.
    ///
    /// # Errors
    /// Redis can't be reached, or refuses.
    pub async fn publish(&self, events: &[OutboxEvent]) -> Result<(), RedisError> {
        let Some(Configured { settings, .. }) = &self.0 else { return Ok(()) };
        let mut pipeline = redis::pipe();
        for event in events {
            let payload = event.payload.to_string();
            pipeline
                .cmd("XADD")
                .arg(&settings.stream)
                .arg(&["MAXLEN", "~"])
                .arg(settings.stream_length.get())
                .arg(&["*", "type", &event.kind, "payload", &payload])
                .ignore();
            pipeline.cmd("PUBLISH").arg(&event.kind).arg(payload).ignore();
        }
        self.send(&pipeline).await
    }

    async fn send(&self, pipeline: &Pipeline) -> Result<(), RedisError> {
        let Some(Configured { client, connection, .. }) = &self.0 else { return Ok(()) };
        let mut kept = connection.lock().await;
        let mut open = if let Some(open) = kept.take() {
            open
        } else {
            let patience = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(PATIENCE))
                .set_response_timeout(Some(PATIENCE));
            client.get_multiplexed_async_connection_with_config(&patience).await?
        };
        let sent = pipeline.query_async::<()>(&mut open).await;
        if sent.is_ok() {
            *kept = Some(open);
        }
        sent
    }
}
