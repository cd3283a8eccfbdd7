//! P4: the public keys and the discovery document, which every client and every resource server fetches. Ready bytes,
//! so that the web framework is the limit.

use crate::{bench::Bench, error::BenchError, limit::Limit, report::Row, same_request::SameRequest};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let mut rows = Vec::new();
    for (name, path) in [("JWKS", &site.endpoints().jwks), ("discovery", &site.endpoints().discovery)] {
        let operation = SameRequest::get(site.server().address(), name, path);
        let row = Row::new("P4", name).bar("≥ 0.85");
        let row = bench.drive(row, site.server(), || operation.again()).await?;
        rows.push(row.compare(bench.limit(Limit::Hello), "poem hello"));
    }
    Ok(rows)
}
