//! P6: a person signs in: authorize, password, consent if asked, code, tokens, userinfo. The password hash is the
//! limit. Then the same with a session that is already there, where signatures and writes are.

use std::sync::Arc;

use crate::{
    bench::Bench,
    browser::Browser,
    error::BenchError,
    limit::Limit,
    relying_party::{CodeFlow, RelyingParty, Visit},
    report::Row,
    site::{ClientFacts, Site},
};

pub(super) async fn run(bench: &Bench) -> Result<Vec<Row>, BenchError> {
    let site = bench.site().await?;
    let demo = Arc::new(site.relying_party(None)?);
    let row = Row::new("P6", "code flow with password").bar("≥ 0.90");
    let row =
        bench.drive(row, site.server(), || CodeFlow::new(Arc::clone(&demo), site.browser(), Visit::First)).await?;
    let mut rows = vec![row.compare(bench.limit(Limit::Argon2), "argon2id")];

    // An access token and an ID token, each with a signature.
    let half_rsa = bench.limit(Limit::Rsa).map(|rate| rate / 2.0);
    let browser = signed_in(&site, &demo).await?;
    let row = Row::new("P6", "code flow with session, RS256");
    let row = with_session(bench, &site, &demo, &browser, row).await?;
    rows.push(row.compare(half_rsa, "RSA-2048 / 2"));

    let row = Row::new("P6", "code flow with session, ES256").bar("≥ 600/s");
    rows.push(match es256_client(&site) {
        Ok(client) => {
            let relying_party = Arc::new(site.relying_party(Some(client))?);
            let half_ecdsa = bench.limit(Limit::Es256).map(|rate| rate / 2.0);
            let browser = signed_in(&site, &relying_party).await?;
            let row = with_session(bench, &site, &relying_party, &browser, row).await?;
            row.compare(half_ecdsa, "ES256 / 2")
        }
        Err(error) => row.not_available(&error.to_string()),
    });
    Ok(rows)
}

/// A browser with a session and a consent to this client.
pub(super) async fn signed_in(site: &Site, relying_party: &RelyingParty) -> Result<Browser, BenchError> {
    let mut browser = site.browser();
    relying_party.sign_in(&mut browser, Visit::First).await?;
    Ok(browser)
}

/// Every connection goes on with the session of this browser.
pub(super) async fn with_session(
    bench: &Bench,
    site: &Site,
    relying_party: &Arc<RelyingParty>,
    browser: &Browser,
    row: Row,
) -> Result<Row, BenchError> {
    let flow = || CodeFlow::new(Arc::clone(relying_party), browser.another_window(), Visit::Again);
    bench.drive(row, site.server(), flow).await
}

/// A browser client whose tokens are signed with ES256.
fn es256_client(site: &Site) -> Result<ClientFacts, BenchError> {
    site.create_client(&[
        "bench ES256 flow",
        "--grant-type",
        "authorization_code",
        "--redirect-uri",
        site.redirect_uri()?,
        "--access-token-alg",
        "ES256",
        "--id-token-alg",
        "ES256",
    ])
}
