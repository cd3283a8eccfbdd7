//! P8: from making the process to its first 200 of the readiness path. A first start makes the database, keys and
//! demo accounts; the others find them there.

use std::time::Duration;

use crate::{bench::Bench, error::BenchError, load::Latencies, process, report::Row, site::Site};

/// First starts, each in a folder of its own.
const FIRST: usize = 3;
/// Starts in a folder that is ready.
const LATER: usize = 20;

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let parent = bench.folder();
    let mut first = Vec::new();
    for number in 0..FIRST {
        first.push(start(bench, &format!("first-{number}")).await?);
    }
    let mut later = Vec::new();
    for _ in 0..LATER {
        later.push(start(bench, "first-0").await?);
    }
    for number in 0..FIRST {
        // Left behind it is removed with the folder around it.
        std::fs::remove_dir_all(parent.join(format!("first-{number}"))).ok();
    }
    Ok(vec![
        row("start to ready, first start", &first)?,
        row("start to ready, migrated database", &later)?.bar("p50 ≤ 100 ms"),
    ])
}

/// Starts, looks, stops.
async fn start(bench: &Bench, folder: &str) -> Result<(Duration, Row), BenchError> {
    let (site, time) = Site::start(bench, &bench.folder().join(folder)).await?;
    let pid = site.server().pid();
    let used = process::cpu_time(pid).map_err(BenchError::io("processor time"))?;
    let seen =
        Row::new("P8", folder).processor(None, Some(used.as_secs_f64() * 1000.0)).memory(process::memory(pid).ok());
    site.stop().await?;
    Ok((time, seen))
}

/// The times of several starts; processor time and memory are those of the last one.
fn row(name: &str, starts: &[(Duration, Row)]) -> Result<Row, BenchError> {
    let mut latencies = Latencies::new()?;
    for (time, _) in starts {
        latencies.record(*time);
    }
    let last = starts.last().map(|(_, seen)| seen.clone()).unwrap_or_default();
    Ok(Row { code: "P8".into(), name: name.into(), ..last }.latencies(&latencies))
}
