//! Whether the issuer answers at its address, as relying parties see it from here.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod};
use thiserror::Error;
use time::PrimitiveDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use url::Url;

use super::Findings;
use crate::domain::Timestamp;
use crate::domain::tenant::Issuer;
use crate::service::clock::{Clock as _, SystemClock};

/// How long the whole exchange may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most that is read of an answer.
const MOST: usize = 64 * 1024;
/// How far two clocks may be apart, in seconds.
const APART: i64 = 5;
/// `Date` (RFC 9110 §5.6.7).
const DATE: &[BorrowedFormatItem<'_>] =
    format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");

/// Why there is no answer.
#[derive(Debug, Error)]
enum Unreachable {
    #[error("the address can't be read")]
    Address,
    #[error("nothing answers there ({0})")]
    Connect(io::Error),
    #[error("TLS fails ({0})")]
    Tls(String),
    #[error("what answers there doesn't speak HTTP as it should ({0})")]
    Http(String),
    #[error("there is no answer within {} seconds", PATIENCE.as_secs())]
    Slow,
}

/// Asks for the discovery document.
pub(super) async fn check(issuer: &Issuer, findings: &mut Findings) {
    let address = format!("{issuer}/.well-known/openid-configuration");
    let answer = tokio::time::timeout(PATIENCE, fetch(&address)).await.unwrap_or(Err(Unreachable::Slow));
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ (Unreachable::Connect(_) | Unreachable::Slow)) => {
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

async fn fetch(address: &str) -> Result<Response<Bytes>, Unreachable> {
    let url = Url::parse(address).map_err(|_| Unreachable::Address)?;
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err(Unreachable::Address);
    };
    // Brackets belong to the URL, not to the address.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((name, port)).await.map_err(Unreachable::Connect)?;
    if url.scheme() == "http" {
        return get(stream, &url).await;
    }
    let tls = |error: &dyn std::fmt::Display| Unreachable::Tls(error.to_string());
    let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(|error| tls(&error))?;
    // An OpenSSL that was built from source doesn't know where this system keeps its certificates.
    if let Some(file) = openssl_probe::probe().cert_file {
        connector.set_ca_file(file).map_err(|error| tls(&error))?;
    }
    let ssl = connector.build().configure().and_then(|ssl| ssl.into_ssl(name)).map_err(|error| tls(&error))?;
    let mut stream = SslStream::new(ssl, stream).map_err(|error| tls(&error))?;
    Pin::new(&mut stream).connect().await.map_err(|error| tls(&error))?;
    get(stream, &url).await
}

async fn get<S>(stream: S, url: &Url) -> Result<Response<Bytes>, Unreachable>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: &dyn std::fmt::Display| Unreachable::Http(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request = Request::get(url.path()).header(header::HOST, authority).body(Empty::<Bytes>::new());
    let request = request.map_err(|error| failed(&error))?;
    let (head, body) = sender.send_request(request).await.map_err(|error| failed(&error))?.into_parts();
    let body = Limited::new(body, MOST).collect().await.map_err(|error| failed(&error))?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}

fn date(answer: &Response<Bytes>) -> Option<Timestamp> {
    let text = answer.headers().get(header::DATE)?.to_str().ok()?;
    let date = PrimitiveDateTime::parse(text, DATE).ok()?;
    Some(Timestamp::from_seconds(date.assume_utc().unix_timestamp()))
}
