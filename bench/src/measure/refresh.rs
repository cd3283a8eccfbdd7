//! P5: a client goes on with its refresh token, again and again: an access token and an ID token, each with a
//! signature, and the refresh token's successor, which is durable before the answer.

use crate::{
    bench::Bench,
    error::{BenchError, Failure},
    limit::Limit,
    load::Operation,
    relying_party::{RelyingParty, Tokens, Visit},
    report::Row,
    same_request::form_request,
    site::Site,
    wire::Wire,
};

/// What refreshes are asked for.
pub(super) const SCOPE: &str = "openid profile email offline_access";

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let mut rows = Vec::new();
    for (algorithm, limit, bar) in [("RS256", Limit::Rsa, "≥ 0.80"), ("ES256", Limit::Es256, "≥ 3,000/s")] {
        let client = site.create_client(&registration(&site, algorithm)?)?;
        let relying_party = RelyingParty { scope: SCOPE, ..site.relying_party(Some(client))? };
        let operations = grants(&site, &relying_party, bench.connections()).await?;
        let row = Row::new("P5", format!("refresh with rotation {algorithm}")).bar(bar);
        let row = bench.drive_with(row, site.server(), operations).await?;
        // An access token and an ID token, each with a signature.
        rows.push(row.compare(bench.limit(limit).map(|rate| rate / 2.0), format!("{algorithm} / 2")));
    }
    Ok(rows)
}

/// `signet client create` for a client that refreshes, whose tokens are signed so.
pub(super) fn registration<'a>(site: &'a Site, algorithm: &'a str) -> Result<Vec<&'a str>, BenchError> {
    let grants = ["bench refresh", "--grant", "authorization_code", "--grant", "refresh_token", "--implied-consent"];
    let algorithms = ["--access-token-alg", algorithm, "--id-token-alg", algorithm, "--scope", SCOPE];
    Ok([&grants[..], &algorithms, &["--redirect-uri", site.redirect_uri()?]].concat())
}

/// So many grants of one person, each of which refreshes by itself.
pub(super) async fn grants(site: &Site, relying_party: &RelyingParty, count: u16) -> Result<Vec<Refresh>, BenchError> {
    let mut browser = site.browser();
    let mut grants = Vec::new();
    let mut visit = Visit::First;
    for _ in 0..count {
        let token = relying_party.tokens(&mut browser, visit).await?.refresh_token;
        visit = Visit::Again;
        grants.push(Refresh {
            wire: Wire::new(site.server().address()),
            path: relying_party.endpoints.token.clone(),
            authorization: relying_party.client.basic(),
            token: token.ok_or_else(|| BenchError::Setup("no refresh token".into()))?,
        });
    }
    Ok(grants)
}

/// A grant that is refreshed.
#[derive(Debug)]
pub(super) struct Refresh {
    wire: Wire,
    path: String,
    authorization: String,
    token: String,
}

impl Operation for Refresh {
    async fn run(&mut self) -> Result<(), Failure> {
        let form = format!("grant_type=refresh_token&refresh_token={}", self.token);
        let request = form_request(self.wire.address(), &self.path, &self.authorization, &form);
        let head = self.wire.expect_ok("refresh", request.as_bytes()).await?;
        let tokens: Option<Tokens> = serde_json::from_slice(self.wire.body(&head)).ok();
        let next = tokens.and_then(|tokens| tokens.refresh_token).filter(|next| *next != self.token);
        self.token = next.ok_or_else(|| self.wire.failure("refresh", &head))?;
        Ok(())
    }
}
