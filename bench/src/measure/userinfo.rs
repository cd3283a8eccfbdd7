//! P3: what is asked with each call of an API: claims for an access token that was seen before. No database and no
//! signature, so that the web framework is the limit.

use crate::{
    bench::Bench, error::BenchError, limit::Limit, relying_party::Visit, report::Row, same_request::SameRequest,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let bearer = site.relying_party(None)?.bearer(&mut site.browser(), Visit::First).await?;
    let operation = SameRequest::get_with(site.server().address(), "userinfo", &site.endpoints().userinfo, &bearer);
    let row = Row::new("P3", "userinfo").bar("≥ 0.50");
    let row = bench.drive(row, site.server(), || operation.again()).await?;
    Ok(vec![row.compare(bench.limit(Limit::Hello), "poem hello")])
}
