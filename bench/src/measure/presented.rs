//! P3: what is asked with each call of an API: claims for an access token that was seen before, or what it is worth. No
//! database and no signature, so that the web framework is the limit.

use crate::{
    bench::Bench, error::BenchError, limit::Limit, relying_party::Visit, report::Row, same_request::SameRequest,
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let tokens = site.relying_party(None)?.tokens(&mut site.browser(), Visit::First).await?;
    let (address, endpoints) = (site.server().address(), site.endpoints());
    let bearer = format!("Bearer {}", tokens.access_token);
    let (basic, form) = (site.browser_client().basic(), format!("token={}", tokens.access_token));
    let mut rows = Vec::new();
    for (name, operation) in [
        ("userinfo", SameRequest::get_with(address, "userinfo", &endpoints.userinfo, &bearer)),
        ("introspection", SameRequest::post(address, "introspection", &endpoints.introspection, &basic, &form)),
    ] {
        let row = Row::new("P3", name).bar("≥ 0.50");
        let row = bench.drive(row, site.server(), || operation.again()).await?;
        rows.push(row.compare(bench.limit(Limit::Hello), "poem hello"));
    }
    Ok(rows)
}
