//! P9: physical memory, idle after a start on a database that is there, and under load. The loads verify no password,
//! because a hash's 19 MiB of working memory would hide everything else; the rows of P6 show it with them.

use std::{sync::Arc, time::Duration};

use tokio::time;

use super::{client_credentials, code_flow};
use crate::{
    bench::Bench,
    error::BenchError,
    process::{self, Memory},
    report::Row,
    same_request::SameRequest,
    site::Site,
};

/// After this the start is over.
const SETTLED: Duration = Duration::from_secs(2);

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let folder = bench.folder().join("memory");
    // The first start hashes passwords and makes keys; the second one doesn't.
    let (site, _) = Site::start(bench, &folder).await?;
    site.stop().await?;
    let (site, _) = Site::start(bench, &folder).await?;
    let pid = site.server().pid();
    time::sleep(SETTLED).await;
    let idle = process::memory(pid).map_err(BenchError::io("memory"))?;

    let tokens = client_credentials::operation(&site, site.service_client());
    let tokens = bench.drive(Row::new("P9", "tokens"), site.server(), || tokens.again()).await?;
    let keys = SameRequest::get(site.server().address(), "JWKS", &site.endpoints().jwks);
    let keys = bench.drive(Row::new("P9", "keys"), site.server(), || keys.again()).await?;
    let before = process::memory(pid).map_err(BenchError::io("memory"))?;

    // The one sign-in that makes the session isn't part of the load: the peak counts anew after it.
    let relying_party = Arc::new(site.relying_party(None)?);
    let browser = code_flow::signed_in(&site, &relying_party).await?;
    time::sleep(SETTLED).await;
    process::reset_peak(pid).map_err(BenchError::io("the peak of memory"))?;
    let flows = Row::new("P9", "flows");
    let flows = code_flow::with_session(bench, &site, &relying_party, &browser, flows).await?;
    let after = process::memory(pid).map_err(BenchError::io("memory"))?;
    let loaded = Memory { peak: before.peak.max(after.peak), ..after };

    let mut row = Row::new("P9", "memory under load, no password checks").bar("≤ 60 MB").memory(Some(loaded));
    for part in [tokens, keys, flows] {
        row.errors += part.errors;
        row.note = row.note.or(part.note);
    }
    Ok(vec![Row::new("P9", "memory idle").bar("≤ 25 MB").memory(Some(idle)), row])
}
