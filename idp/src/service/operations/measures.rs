//! The page of metrics: what was counted, what the database has, what the process takes.

use std::time::Duration;

use tokio::time::Instant;

use super::health::{self, Condition};
use crate::service::ctx::Ctx;
use crate::store::gauges::{self, Gauges};
use crate::telemetry::metrics::{Format, Page};

/// How long what was read of the database is used: counting sessions costs more the more there are.
const FRESH: Duration = Duration::from_secs(15);
/// How long it may take to read it. What can't be read is left out.
const PATIENCE: Duration = Duration::from_secs(3);

/// Everything, as it is now. Answers within a few seconds, whatever is wrong.
pub async fn page(ctx: &Ctx, format: Format) -> String {
    let mut page = Page::new(format);
    page.gauge("signet_build_info", "1, with the version of the program.");
    page.value("signet_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    ctx.operations.metrics.write(&mut page);
    ctx.passwords.meter().write(&mut page);
    if let Some(gauges) = gauges(ctx).await {
        of_database(ctx, &gauges, &mut page);
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

fn of_database(ctx: &Ctx, gauges: &Gauges, page: &mut Page) {
    page.plain_gauge("auth_active_sessions", "Sessions that haven't ended, in all tenants.", gauges.active_sessions);
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

async fn gauges(ctx: &Ctx) -> Option<Gauges> {
    let mut kept = ctx.operations.gauges.lock().await;
    if let Some((_, gauges)) = kept.as_ref().filter(|(at, _)| at.elapsed() < FRESH) {
        return *gauges;
    }
    let read = match tokio::time::timeout(PATIENCE, gauges::read(ctx.database.read(), ctx.now())).await {
        Ok(Ok(gauges)) => Some(gauges),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what the database has can't be counted");
            None
        }
        Err(_) => {
            tracing::warn!("what the database has can't be counted in time");
            None
        }
    };
    *kept = Some((Instant::now(), read));
    read
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
