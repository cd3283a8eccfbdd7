//! Assembles the parts. The only file that sees every one of them.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Listen};
use crate::http::management;
use crate::http::routes::routes;
use crate::http::server::{Observed, Server, ServerError};
use crate::service::Failure;
use crate::service::clock::SystemClock;
use crate::service::ctx::{Ctx, Foundation};
use crate::service::outbound::{Outbound, OutboundSetupError};
use crate::service::password_hasher::{HashCost, PasswordHasher};
use crate::service::random::SystemRandom;
use crate::service::redis::Redis;
use crate::service::span_export::{self, Export};
use crate::service::tenants::{self, TenantChangeError};
use crate::service::upkeep;
use crate::store::{Database, DatabaseSettings, StoreError, WRITE_LIMIT};
use crate::telemetry::Traces;

/// How long a request at the management's port may take once everything else has ended.
const MANAGEMENT_GRACE: Duration = Duration::from_secs(1);

/// Why Signet can't begin its work.
#[derive(Debug, Error)]
pub enum AppError {
    /// The database can't be opened.
    #[error("the database can't be opened: {0}; check database.url and that the server runs")]
    Database(#[from] StoreError),
    /// The schema can't be brought up to date, or is newer than this program.
    #[error(transparent)]
    Migration(#[from] migration::MigrationError),
    /// The schema is older than this program.
    #[error("the database needs {pending} migration(s): run `signet migrate`, then start again")]
    Unmigrated {
        /// How many.
        pending: usize,
    },
    /// The default tenant belongs to another base URL.
    #[error(
        "the issuer in the configuration is {configured}, but this database was made for {stored}: an issuer never changes, as it is in every token and every client's configuration. Set issuer back, or use another database"
    )]
    Issuer {
        /// What the configuration says.
        configured: String,
        /// What the database says.
        stored: String,
    },
    /// The default tenant can't be made.
    #[error(transparent)]
    Tenant(#[from] TenantChangeError),
    /// Threads for password hashes can't be started.
    #[error("password hashing can't be started: {0}")]
    Passwords(#[from] std::io::Error),
    /// The keys of refresh tokens can't be derived.
    #[error("the keys of refresh tokens can't be derived; see the log")]
    RefreshKeys(#[from] Failure),
    /// Requests of our own can't be sent.
    #[error(transparent)]
    Outbound(#[from] OutboundSetupError),
}

/// Signet, assembled.
#[derive(Clone, Debug)]
pub struct App {
    /// Everything ambient.
    pub ctx: Ctx,
}

impl App {
    /// Opens the database and assembles the rest. The schema must be the one that this program knows.
    pub async fn open(config: Config) -> Result<Self, AppError> {
        let (database, redis) = connect(&config).await?;
        let status = database.migration_status().await?;
        if !status.unknown.is_empty() {
            return Err(migration::MigrationError::Newer { unknown: status.unknown }.into());
        }
        let pending = status.pending.len();
        if pending > 0 {
            return Err(AppError::Unmigrated { pending });
        }
        Self::assemble(config, database, redis).await
    }

    /// The same, and brings the schema up to date first.
    pub async fn open_and_migrate(config: Config) -> Result<Self, AppError> {
        let (database, redis) = connect(&config).await?;
        database.migrate().await?;
        Self::assemble(config, database, redis).await
    }

    /// Brings the schema up to date, and nothing else.
    pub async fn migrate(config: Config) -> Result<migration::Report, AppError> {
        let (database, _) = connect(&config).await?;
        let report = database.migrate().await;
        database.close().await;
        Ok(report?)
    }

    /// Makes a SQLite file anew, without the room that nothing is in.
    pub async fn compact(config: Config) -> Result<(), AppError> {
        let (database, _) = connect(&config).await?;
        let done = database.compact().await;
        database.close().await;
        Ok(done?)
    }

    async fn assemble(config: Config, database: Database, redis: Redis) -> Result<Self, AppError> {
        let cost = HashCost {
            memory_kib: config.passwords.memory_kib.get(),
            iterations: config.passwords.iterations.get(),
            parallelism: config.passwords.parallelism.get(),
        };
        let permits = config.passwords.permits.get();
        let passwords = PasswordHasher::start(cost, permits, config.passwords.queue as usize)?;
        let ctx = Ctx::build(Foundation {
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            database,
            redis,
            passwords,
            outbound: Outbound::new(config.outbound.clone())?,
            config,
        })?;
        tenants::ensure_default(&ctx).await?;
        let stored = tenants::find(&ctx, &crate::domain::tenant::Slug::default_tenant()).await?.issuer;
        if stored != ctx.config.issuer {
            return Err(AppError::Issuer { configured: ctx.config.issuer.to_string(), stored: stored.to_string() });
        }
        Ok(Self { ctx })
    }

    /// Ends the work with the database; what is on its way is written.
    pub async fn close(&self) {
        self.ctx.database.close().await;
    }

    /// Binds the management's port, where there is to be one.
    ///
    /// # Errors
    /// [`ServerError::Bind`].
    pub fn bind_management(&self) -> Result<Option<Server>, ServerError> {
        self.ctx.config.management.address.map(Server::bind_plain).transpose()
    }

    /// Serves until `shutdown`; requests under way are finished first. The management's port is there until the end, so
    /// that who watches sees that this node is about to be gone.
    pub async fn serve(self, server: Server, management: Option<Server>, shutdown: impl Future<Output = ()>) {
        let stop = CancellationToken::new();
        let upkeep = tokio::spawn(upkeep::run(self.ctx.clone(), stop.clone()));
        let Listen { shutdown_delay: delay, shutdown_grace: grace, .. } = self.ctx.config.listen;
        let ctx = self.ctx.clone();
        let shutdown = async move {
            shutdown.await;
            ctx.operations.stop();
            tracing::info!(delay_seconds = delay.as_secs(), "stopping: this node isn't ready any more");
            tokio::time::sleep(delay).await;
            // They would go on for ever.
            ctx.event_streams.stop();
        };
        let (traces, export) = begin_traces(&self.ctx).unzip();
        let observed = Observed {
            metrics: Some(Arc::clone(&self.ctx.operations.metrics)),
            traces,
            addresses: self.ctx.config.log.address,
        };
        let management = management.map(|server| {
            let (port, stop) = (management::port(self.ctx.clone()), stop.clone());
            tokio::spawn(async move { server.serve(port, stop.cancelled(), MANAGEMENT_GRACE).await })
        });
        server.observed(observed).serve(routes(self.ctx.clone()), shutdown, grace).await;
        stop.cancel();
        if let Some(Err(error)) = futures_util::future::OptionFuture::from(management).await {
            tracing::error!(error = %error, "the management's port ended badly");
        }
        if let Err(error) = upkeep.await {
            tracing::error!(error = %error, "the background work ended badly");
        }
        if let Some(export) = export {
            export.finish().await;
        }
        self.ctx.database.close().await;
    }
}

/// What can't be traced is served all the same.
fn begin_traces(ctx: &Ctx) -> Option<(Arc<Traces>, Export)> {
    span_export::begin(ctx).unwrap_or_else(|error| {
        tracing::error!(%error, "there are no traces: what sends them can't be set up");
        None
    })
}

async fn connect(config: &Config) -> Result<(Database, Redis), StoreError> {
    let redis = Redis::new(&config.redis);
    let settings = DatabaseSettings {
        url: config.database.url.clone(),
        max_connections: config.database.max_connections.get(),
        acquire_timeout: config.database.acquire_timeout,
        read_timeout: config.database.read_timeout,
        write_timeout: WRITE_LIMIT,
        bus: redis.bus(),
    };
    Ok((Database::connect(&settings).await?, redis))
}
