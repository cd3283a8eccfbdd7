//! P1: a service gets a token by its secret (RFC 6749 §4.4), signed with RS256. One RSA signature each, so that the
//! core's signature rate is the limit.

use std::net::SocketAddr;

use crate::{
    bench::Bench,
    error::BenchError,
    limit::Limit,
    measure::Measure,
    report::Row,
    same_request::SameRequest,
    site::{ClientFacts, Site},
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let operation = operation(&site, site.service_client());
    let measure = Measure::ClientCredentials;
    let row = Row::new(measure.code(), measure.name()).bar("≥ 0.90");
    let row = bench.drive(row, site.server(), || operation.again()).await?;
    Ok(vec![row.compare(bench.limit(Limit::Rsa), "RSA-2048")])
}

/// The token request of this client.
pub(super) fn operation(site: &Site, client: &ClientFacts) -> SameRequest {
    operation_at(site.server().address(), site, client)
}

/// The same at another node of the site.
pub(super) fn operation_at(address: SocketAddr, site: &Site, client: &ClientFacts) -> SameRequest {
    SameRequest::post(address, "token", &site.endpoints().token, &client.basic(), "grant_type=client_credentials")
}
