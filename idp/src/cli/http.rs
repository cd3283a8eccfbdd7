//! A plain HTTP client for commands: one request, one connection, no redirects, no cookies. Whoever runs a command says
//! where it connects to, so that nothing has to be kept from private addresses here.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_openssl::SslStream;
use url::Url;

/// The most that is read of an answer.
const MOST: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug, Error)]
pub(super) enum Unreachable {
    /// The URL isn't one.
    #[error("the address can't be read")]
    Address,
    /// Nobody listens there.
    #[error("nothing answers there ({0})")]
    Connect(io::Error),
    /// The certificate isn't trusted, or the other side speaks no TLS.
    #[error("TLS fails ({0})")]
    Tls(String),
    /// Something else listens there.
    #[error("what answers there doesn't speak HTTP as it should ({0})")]
    Http(String),
    /// It takes too long.
    #[error("there is no answer within {} seconds", .0.as_secs())]
    Slow(Duration),
}

/// Sends requests.
#[derive(Clone, Debug)]
pub(super) struct Client {
    /// How long a whole exchange may take.
    pub(super) patience: Duration,
    /// Certificates that are trusted beside the system's.
    pub(super) ca_file: Option<PathBuf>,
}

impl Client {
    /// Sends a request to the absolute URL that it has.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let exchange = tokio::time::timeout(self.patience, self.exchange(request));
        exchange.await.unwrap_or(Err(Unreachable::Slow(self.patience)))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let url = Url::parse(&request.uri().to_string()).map_err(|_| Unreachable::Address)?;
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(Unreachable::Address);
        };
        // Brackets belong to the URL, not to the address.
        let name = host.trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((name, port)).await.map_err(Unreachable::Connect)?;
        if url.scheme() == "http" {
            return speak(stream, &url, request).await;
        }
        let connector = connector(self.ca_file.as_deref())?;
        let ssl = connector.configure().and_then(|ssl| ssl.into_ssl(name)).map_err(|error| tls(&error))?;
        let mut stream = SslStream::new(ssl, stream).map_err(|error| tls(&error))?;
        Pin::new(&mut stream).connect().await.map_err(|error| tls(&error))?;
        speak(stream, &url, request).await
    }
}

fn tls(error: &dyn fmt::Display) -> Unreachable {
    Unreachable::Tls(error.to_string())
}

fn connector(ca_file: Option<&Path>) -> Result<SslConnector, Unreachable> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).map_err(|error| tls(&error))?;
    // An OpenSSL that was built from source doesn't know where this system keeps its certificates.
    if let Some(file) = openssl_probe::probe().cert_file {
        connector.set_ca_file(file).map_err(|error| tls(&error))?;
    }
    if let Some(file) = ca_file {
        connector.set_ca_file(file).map_err(|_| tls(&format!("{} has no certificates", file.display())))?;
    }
    Ok(connector.build())
}

async fn speak<S>(stream: S, url: &Url, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let failed = |error: &dyn fmt::Display| Unreachable::Http(error.to_string());
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| failed(&error))?;
    let connection = tokio::spawn(connection);
    let (mut head, body) = request.into_parts();
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    head.headers.insert(header::HOST, HeaderValue::from_str(authority).map_err(|error| failed(&error))?);
    head.headers.insert(header::USER_AGENT, HeaderValue::from_static(concat!("signet/", env!("CARGO_PKG_VERSION"))));
    head.uri = url[url::Position::BeforePath..url::Position::AfterQuery].parse().map_err(|_| Unreachable::Address)?;
    let request = Request::from_parts(head, Full::new(body));
    let (head, body) = sender.send_request(request).await.map_err(|error| failed(&error))?.into_parts();
    let body = Limited::new(body, MOST).collect().await.map_err(|error| failed(&error))?.to_bytes();
    connection.abort();
    Ok(Response::from_parts(head, body))
}
