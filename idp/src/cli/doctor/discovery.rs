//! Whether the issuer answers at its address, as relying parties see it from here.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::Findings;
use crate::cli::http::{Client, Unreachable};
use crate::domain::Timestamp;
use crate::domain::tenant::Issuer;
use crate::service::clock::{Clock as _, SystemClock};

/// How long the whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far two clocks may be apart, in seconds.
const APART: i64 = 5;
/// `Date` (RFC 9110 §5.6.7).
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Asks for the discovery document.
pub(super) async fn check(issuer: &Issuer, findings: &mut Findings) {
    let address = format!("{issuer}/.well-known/openid-configuration");
    let client = Client { patience: PATIENCE, ca_file: None };
    let answer = match Request::get(&address).body(Bytes::new()) {
        Ok(request) => client.send(request).await,
        Err(_) => Err(Unreachable::Address),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ (Unreachable::Connect(_) | Unreachable::Slow(_))) => {
            return findings
                .warn("reachable", format!("{address}: {error}; that is fine while `signet serve` isn't running"));
        }
        Err(error) => {
            return findings
                .warn("reachable", format!("{address}: {error}; look at the proxy in front, or the certificate"));
        }
    };
    let document: Option<serde_json::Value> = serde_json::from_slice(answer.body()).ok();
    let found = document.as_ref().and_then(|document| document.get("issuer")?.as_str());
    if found == Some(issuer.as_str()) && answer.status().is_success() {
        findings.ok("reachable", address);
    } else if let Some(found) = found {
        findings.warn("reachable", format!("{address} answers for {found}: another installation is there"));
    } else {
        let status = answer.status();
        findings
            .warn("reachable", format!("{address} answers {status} and no provider metadata: something else is there"));
    }
    if let Some(theirs) = date(&answer) {
        let apart = SystemClock.now().seconds() - theirs.seconds();
        if apart.abs() > APART {
            findings.warn(
                "clock",
                format!("the machine that answers there is {apart} seconds behind this one: set the clocks"),
            );
        }
    }
}

fn date(answer: &Response<Bytes>) -> Option<Timestamp> {
    let text = answer.headers().get(header::DATE)?.to_str().ok()?;
    let date = PrimitiveDateTime::parse(text, DATE).ok()?;
    Some(Timestamp::from_seconds(date.assume_utc().unix_timestamp()))
}
