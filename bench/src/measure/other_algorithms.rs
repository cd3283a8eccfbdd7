//! P2: like P1, with access tokens signed by faster algorithms: what a token costs beside its signature.

use super::client_credentials;
use crate::{bench::Bench, error::BenchError, limit::Limit, report::Row};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let mut rows = Vec::new();
    for (algorithm, limit) in [("ES256", Limit::Es256), ("EdDSA", Limit::EdDsa)] {
        let row = Row::new("P2", format!("client_credentials {algorithm}")).bar("≥ 12,000/s");
        let client = site.create_client(&[
            &format!("bench {algorithm}"),
            "--grant-type",
            "client_credentials",
            "--access-token-alg",
            algorithm,
        ]);
        rows.push(match client {
            Ok(client) => {
                let operation = client_credentials::operation(&site, &client);
                let row = bench.drive(row, site.server(), || operation.again()).await?;
                row.compare(bench.limit(limit), algorithm)
            }
            Err(error) => row.not_available(&error.to_string()),
        });
    }
    Ok(rows)
}
