//! The page of metrics: what was counted, what the database has, what the process takes.

use std::sync::PoisonError;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::health::{self, Condition};
use crate::service::ctx::Ctx;
use crate::store::gauges::{self, Gauges};
use crate::telemetry::metrics::{Format, Page};

/// How often the database is counted, at most: nobody who asks for the page waits for that.
const OFTEN: Duration = Duration::from_secs(15);
/// How many times as long as it took nothing is counted then: the more there is to count, the more rarely it is.
const REST: u32 = 100;
/// How long after the start it is counted first: a start has better things to do.
const START: Duration = Duration::from_secs(1);

/// What the database had, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Figures {
    at: Instant,
    gauges: Gauges,
}

/// Everything, as it is now, and as it was when the database was last counted. Answers within a few seconds, whatever is
/// wrong.
pub async fn page(ctx: &Ctx, format: Format) -> String {
    let mut page = Page::new(format);
    page.gauge("signet_build_info", "1, with the version of the program.");
    page.value("signet_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    ctx.operations.metrics.write(&mut page);
    ctx.passwords.meter().write(&mut page);
    load(ctx, &mut page);
    let figures = *ctx.operations.figures.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(Figures { at, gauges }) = figures {
        of_database(ctx, &gauges, &mut page);
        page.plain_gauge(
            "signet_figures_age_seconds",
            "How long ago the database was counted.",
            at.elapsed().as_secs_f64(),
        );
    }
    let health = health::check(ctx).await;
    page.plain_gauge("signet_ready", "1 if work may be sent to this node.", u8::from(health.is_ready()));
    page.gauge("signet_dependency_up", "1 if a dependency is as it should be.");
    for finding in &health.findings {
        let up = u8::from(finding.condition == Condition::Ok);
        page.value("signet_dependency_up", &[("dependency", finding.dependency.name())], up);
    }
    process(&mut page);
    page.finish()
}

/// How busy the database is with what this node asks of it.
fn load(ctx: &Ctx, page: &mut Page) {
    let load = ctx.database.load();
    page.gauge("signet_database_connections", "Connections for reading (PostgreSQL: for all).");
    page.value("signet_database_connections", &[("state", "in_use")], load.connections_in_use);
    page.value("signet_database_connections", &[("state", "idle")], load.connections_idle);
    page.plain_gauge("signet_database_writes_waiting", "Writes that wait or are under way.", load.writes_waiting);
    page.counter("signet_database_writes", "Writes that are over, by what came of them.");
    page.total("signet_database_writes", &[("status", "success")], load.writes_done);
    page.total("signet_database_writes", &[("status", "failure")], load.writes_failed);
    page.plain_counter("signet_database_commits", "Commits; on SQLite many writes share one.", load.commits);
    page.plain_gauge(
        "signet_changes_followed",
        "1 if what other nodes change is known here at once, so that copies are used.",
        u8::from(load.changes_followed),
    );
}

fn of_database(ctx: &Ctx, gauges: &Gauges, page: &mut Page) {
    if let Some(sessions) = gauges.active_sessions {
        page.plain_gauge("auth_active_sessions", "Sessions that haven't ended, in all tenants.", sessions);
    }
    page.gauge("signet_events_backlog", "Events that a way of delivery hasn't taken yet.");
    if ctx.redis.is_configured() {
        page.value("signet_events_backlog", &[("consumer", "redis")], gauges.events_for_redis);
    }
    page.value("signet_events_backlog", &[("consumer", "webhooks")], gauges.events_for_webhooks);
    page.gauge("signet_deliveries", "Messages to others that wait or that nobody took.");
    page.value("signet_deliveries", &[("state", "pending")], gauges.deliveries_pending);
    page.value("signet_deliveries", &[("state", "dead")], gauges.deliveries_dead);
    if let Some(since) = gauges.oldest_key_since {
        let age = ctx.now().seconds().saturating_sub(since.seconds());
        page.plain_gauge(
            "signet_signing_key_age_seconds",
            "For how long the oldest active signing key has signed.",
            age,
        );
    }
}

/// Counts the database again and again, where somebody may ask for it, until `stop` is cancelled. It takes a hundredth of
/// a connection's time at most, however much there is to count.
pub async fn keep_fresh(ctx: &Ctx, stop: &CancellationToken) {
    if ctx.config.management.address.is_none() {
        return;
    }
    let mut rest = START;
    while stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_some() {
        let began = Instant::now();
        if stop.run_until_cancelled(refresh(ctx)).await.is_none() {
            return;
        }
        rest = OFTEN.max(began.elapsed() * REST);
    }
}

/// Counts the database once. What can't be counted isn't on the page then.
pub async fn refresh(ctx: &Ctx) {
    let read = gauges::read(ctx.database.read(), ctx.now()).await;
    if let Err(error) = &read {
        tracing::warn!(%error, "what the database has can't be counted");
    }
    let figures = read.ok().map(|gauges| Figures { at: Instant::now(), gauges });
    *ctx.operations.figures.lock().unwrap_or_else(PoisonError::into_inner) = figures;
}

/// What the kernel says of this process (Linux); nothing elsewhere.
fn process(page: &mut Page) {
    /// What a tick of `/proc/self/stat` is, on every Linux there is.
    const TICKS_A_SECOND: f64 = 100.0;
    let read = |file: &str| std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let stat = read("stat");
    // What comes before is the program's name, in parentheses that it may have as well.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace().collect();
    let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<f64>().ok());
    if let (Some(user), Some(system)) = (ticks(11), ticks(12)) {
        page.plain_counter("process_cpu_seconds", "Time on processors.", (user + system) / TICKS_A_SECOND);
    }
    let status = read("status");
    let resident =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    if let Some(kib) = resident {
        page.plain_gauge("process_resident_memory_bytes", "Memory in use.", kib * 1024);
    }
    if let Ok(files) = std::fs::read_dir("/proc/self/fd") {
        page.plain_gauge("process_open_fds", "Open files and sockets.", files.count());
    }
}
