//! P13: PostgreSQL, and two nodes on it: what the order of a tenant's ledgers costs, what a second node brings, and how
//! soon it knows of a revocation.
//!
//! The first node has the server's core; the second one, the load and PostgreSQL share the other.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{client_credentials, refresh};
use crate::{
    bench::Bench,
    error::{BenchError, Failure},
    load::{self, Latencies},
    relying_party::RelyingParty,
    report::Row,
    same_request::{SameRequest, form_request},
    server::Server,
    site::Site,
    wire::Wire,
};

/// Tenants among whom the load is spread.
const TENANTS: u16 = 8;
/// Revocations that are waited for.
const REVOCATIONS: usize = 50;
/// How long one is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let url = match bench.postgres().and_then(|postgres| postgres.create("signet")) {
        Ok(url) => url,
        Err(error) => return Ok(vec![Row::new("P13", "two nodes on PostgreSQL").not_available(&error.to_string())]),
    };
    let (site, _) = Site::start_on(bench, &bench.folder().join("nodes"), Some(&url)).await?;
    let mut rows = refreshes(bench, &site).await?;
    let another = site.another_node(bench, &url).await?;
    rows.extend(tokens(bench, &site, &another).await?);
    rows.push(revocation(&site, &another).await?);
    another.stop().await?;
    site.stop().await?;
    Ok(rows)
}

/// Refreshes in one tenant, whose ledgers have one head, and in several.
async fn refreshes(bench: &Bench, site: &Site) -> Result<Vec<Row>, BenchError> {
    let registration = refresh::registration(site, "ES256")?;
    let alone = site.relying_party(Some(site.create_client(&registration)?))?;
    let alone = RelyingParty { scope: refresh::SCOPE, ..alone };
    let row = Row::new("P13", "refresh ES256 on PostgreSQL, one tenant");
    let one = refresh::grants(site, &alone, bench.connections()).await?;
    let one = bench.drive_with(row, site.server(), one).await?;

    let mut spread = Vec::new();
    for number in 0..TENANTS {
        let there = site.relying_party_in(&format!("bench-{number}"), &registration).await?;
        let there = RelyingParty { scope: refresh::SCOPE, ..there };
        let share = bench.connections() / TENANTS + u16::from(number < bench.connections() % TENANTS);
        spread.extend(refresh::grants(site, &there, share).await?);
    }
    let row = Row::new("P13", format!("refresh ES256 on PostgreSQL, {TENANTS} tenants"));
    let spread = bench.drive_with(row, site.server(), spread).await?;
    let limit = spread.per_second;
    Ok(vec![one.compare(limit, format!("{TENANTS} tenants")), spread])
}

/// Tokens of services, which need no database: what a second node brings.
async fn tokens(bench: &Bench, site: &Site, another: &Server) -> Result<Vec<Row>, BenchError> {
    let client = site.service_client();
    let operation = client_credentials::operation(site, client);
    let row = Row::new("P13", "client_credentials RS256, one node");
    let one = bench.drive(row, site.server(), || operation.again()).await?;
    let there = client_credentials::operation_at(another.address(), site, client);
    let both: Vec<SameRequest> =
        (0..bench.connections()).map(|n| if n % 2 == 0 { operation.again() } else { there.again() }).collect();
    let two = load::drive(bench.timing(), both, None).await?;
    let two = Row::new("P13", "client_credentials RS256, two nodes").outcome(&two).bar("≥ 1.8");
    let two = two.compare(one.per_second, "one node");
    Ok(vec![one, two])
}

/// Tokens that are revoked at one node, and asked about at the other until it knows.
async fn revocation(site: &Site, another: &Server) -> Result<Row, BenchError> {
    #[derive(Deserialize)]
    struct Token {
        access_token: String,
    }
    let (here, there) = (site.server().address(), another.address());
    let (endpoints, basic) = (site.endpoints(), site.service_client().basic());
    let (mut here, mut there) = (Wire::new(here), Wire::new(there));
    let mut latencies = Latencies::new()?;
    for _ in 0..REVOCATIONS {
        let request = form_request(here.address(), &endpoints.token, &basic, "grant_type=client_credentials");
        let head = here.expect_ok("token", request.as_bytes()).await?;
        let token: Option<Token> = serde_json::from_slice(here.body(&head)).ok();
        let token = token.ok_or_else(|| here.failure("token", &head))?.access_token;
        let form = format!("token={token}");
        let question = form_request(there.address(), &endpoints.introspection, &basic, &form);
        if !is_active(&mut there, &question).await? {
            return Err(BenchError::Setup("a token that was just issued isn't active at the other node".into()));
        }
        let request = form_request(here.address(), &endpoints.revocation, &basic, &form);
        here.expect_ok("revocation", request.as_bytes()).await?;
        let revoked = Instant::now();
        while is_active(&mut there, &question).await? {
            if revoked.elapsed() > PATIENCE {
                return Err(BenchError::Setup("a revoked token stays active at the other node".into()));
            }
        }
        latencies.record(revoked.elapsed());
    }
    Ok(Row::new("P13", "revoked at one node, seen by the other").latencies(&latencies).bar("p99 ≤ 1 s"))
}

async fn is_active(wire: &mut Wire, question: &str) -> Result<bool, Failure> {
    #[derive(Deserialize)]
    struct Introspection {
        active: bool,
    }
    let head = wire.expect_ok("introspection", question.as_bytes()).await?;
    let answer: Option<Introspection> = serde_json::from_slice(wire.body(&head)).ok();
    Ok(answer.ok_or_else(|| wire.failure("introspection", &head))?.active)
}
