//! Whether this node can do its work, dependency by dependency.
//!
//! Redis and the background work aren't needed to answer anybody correctly: without them a node is degraded, and ready.
//! A finding is used for a second, so that no number of questions makes more work than one.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::TenantId;
use crate::service::ctx::Ctx;
use crate::service::key_rings;
use crate::store::{self, StoreError};

/// How long a finding is used.
const FRESH: Duration = Duration::from_secs(1);
/// How long a check may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependency {
    /// The database answers questions.
    DatabaseRead,
    /// The database takes writes.
    DatabaseWrite,
    /// The schema is the one that this program needs.
    Migrations,
    /// The signing keys can be opened.
    SigningKeys,
    /// Redis answers, where there is one.
    Redis,
    /// What goes on in the background gave a sign of life.
    BackgroundWork,
}

impl Dependency {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DatabaseRead => "database_read",
            Self::DatabaseWrite => "database_write",
            Self::Migrations => "migrations",
            Self::SigningKeys => "signing_keys",
            Self::Redis => "redis",
            Self::BackgroundWork => "background_work",
        }
    }

    /// Whether nobody can be answered correctly without it.
    const fn is_needed(self) -> bool {
        match self {
            Self::DatabaseRead | Self::DatabaseWrite | Self::Migrations | Self::SigningKeys => true,
            Self::Redis | Self::BackgroundWork => false,
        }
    }
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Condition {
    /// As it should be.
    Ok,
    /// Something is missing that can be done without for a while.
    Degraded,
    /// Nothing can be done without it.
    Unavailable,
}

impl Condition {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// What a check found.
#[derive(Clone, Copy, Debug)]
pub struct Finding {
    /// What was checked.
    pub dependency: Dependency,
    /// How it is.
    pub condition: Condition,
    /// How long the check took.
    pub took: Duration,
}

/// What all checks found.
#[derive(Clone, Debug)]
pub struct Health {
    /// One by one.
    pub findings: Vec<Finding>,
    /// Whether the node is about to end.
    pub stopping: bool,
}

impl Health {
    /// All in all. Who is about to end is given no more work.
    pub fn condition(&self) -> Condition {
        let worst = self.findings.iter().map(|finding| finding.condition).max().unwrap_or(Condition::Ok);
        if self.stopping { Condition::Unavailable } else { worst }
    }

    /// Whether work may be sent here.
    pub fn is_ready(&self) -> bool {
        self.condition() != Condition::Unavailable
    }
}

/// How this node is. Answers within three seconds, whatever is wrong.
pub async fn check(ctx: &Ctx) -> Arc<Health> {
    let operations = &ctx.operations;
    let mut kept = operations.health.lock().await;
    let stopping = operations.is_stopping();
    if let Some((_, health)) = kept.as_ref().filter(|(at, health)| at.elapsed() < FRESH && health.stopping == stopping)
    {
        return Arc::clone(health);
    }
    let health = Arc::new(Health { findings: Box::pin(findings(ctx)).await, stopping });
    *kept = Some((Instant::now(), Arc::clone(&health)));
    health
}

async fn findings(ctx: &Ctx) -> Vec<Finding> {
    let write = ctx.database.write(async move |tx| store::gauges::write_nothing(&tx).await);
    let write = async { write.await.map_err(|error: StoreError| error.to_string()) };
    let (read, write, migrations, keys, redis, work) = tokio::join!(
        look(Dependency::DatabaseRead, ctx.database.ping()),
        look(Dependency::DatabaseWrite, write),
        look(Dependency::Migrations, migrations(ctx)),
        look(Dependency::SigningKeys, async { key_rings::ring(ctx, TenantId::DEFAULT).await.map(drop) }),
        look(Dependency::Redis, ctx.redis.ping()),
        look(Dependency::BackgroundWork, async { background_work(ctx) }),
    );
    let redis = ctx.redis.is_configured().then_some(redis);
    [read, write, migrations, keys].into_iter().chain(redis).chain([work]).collect()
}

async fn migrations(ctx: &Ctx) -> Result<(), String> {
    let status = ctx.database.migration_status().await.map_err(|error| error.to_string())?;
    // Steps that this program doesn't know are a newer program's, which leaves the old one at work beside it.
    if status.pending.is_empty() { Ok(()) } else { Err(format!("{} migration(s) are pending", status.pending.len())) }
}

fn background_work(ctx: &Ctx) -> Result<(), &'static str> {
    if ctx.operations.background_work_goes_on() { Ok(()) } else { Err("no sign of life for half a minute") }
}

/// One check. What is wrong is for the log alone: it may name hosts.
async fn look<E: Display>(dependency: Dependency, check: impl Future<Output = Result<(), E>>) -> Finding {
    let began = Instant::now();
    let wrong = match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer in time".to_owned()),
    };
    let condition = match (&wrong, dependency.is_needed()) {
        (None, _) => Condition::Ok,
        (Some(_), false) => Condition::Degraded,
        (Some(_), true) => Condition::Unavailable,
    };
    if let Some(reason) = wrong.filter(|_| condition == Condition::Unavailable) {
        tracing::warn!(dependency = dependency.name(), reason, "not ready");
    }
    Finding { dependency, condition, took: began.elapsed() }
}
