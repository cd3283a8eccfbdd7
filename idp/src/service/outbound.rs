//! The one client for requests that Signet itself sends: to addresses that somebody else wrote down.
//!
//! Whoever registers an address decides where this server connects to, from inside its network. Therefore: https only;
//! only public addresses, looked at after the name was resolved, and the connection goes to the very address that was
//! looked at (no second resolution that could say something else); no redirects, since they would lead around all of it;
//! no proxy, no cookies, no user info; limits of time, size and number, so that
//! nobody's address that hangs keeps others from being asked. What an operator's own network needs is listed
//! in `outbound.allowed_networks`.
//!
//! It is hyper's connection on OpenSSL's stream, both of which the server consists of already: one connection a request.
//! Decided against: `reqwest`, whose pool, redirects, proxies and cookies would all have to be switched off, and whose
//! check of addresses sits in its resolver, where an address in the URL never comes by.

mod address;
mod error;
mod turns;

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use openssl::ssl::{SslConnector, SslMethod, SslVersion};
use openssl::x509::X509;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_openssl::SslStream;
use tokio_util::task::AbortOnDropHandle;
use url::{Host, Url};

pub use self::error::OutboundError;
use self::turns::{HostTurn, Turns};
use crate::config;
use crate::telemetry;

/// The longest URL that is fetched, in bytes.
pub const MAX_URL: usize = 2048;
/// How many addresses of one name are tried.
const MAX_ADDRESSES: usize = 4;
/// Room for the head of an answer, in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// Of the time for a request, this part may be spent on the wait for a turn with its host.
const WAIT_SHARE: u32 = 2;

/// Finds the addresses of a name. Called on a thread that may wait.
pub trait Resolve: std::fmt::Debug + Send + Sync {
    /// The addresses of the name.
    ///
    /// # Errors
    /// There is no such name, or nobody knows.
    fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// Asks the system.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (name, port).to_socket_addrs().map(Iterator::collect)
    }
}

/// What was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The status of the answer.
    pub status: StatusCode,
    /// The head of the answer.
    pub headers: HeaderMap,
    /// The answer.
    pub body: Bytes,
}

impl Fetched {
    /// The media type, without parameters, in lower case.
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// How long the answer may be kept (RFC 9111 §5.2.2): zero for `no-store` and `no-cache`; `None` if nothing is said.
    pub fn max_age(&self) -> Option<Duration> {
        let mut age = None;
        for value in self.headers.get_all(header::CACHE_CONTROL) {
            for directive in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
                if name.eq_ignore_ascii_case("no-store") || name.eq_ignore_ascii_case("no-cache") {
                    return Some(Duration::ZERO);
                }
                if name.eq_ignore_ascii_case("max-age") {
                    // What isn't a number is as good as stale (RFC 9111 §4.2.1).
                    age = Some(Duration::from_secs(argument.trim_matches('"').parse().unwrap_or(0)));
                }
            }
        }
        age
    }
}

/// A message that is posted.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its media type.
    pub content_type: &'static str,
    /// What else is in its head.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What it says.
    pub body: Bytes,
}

/// A request, as it is sent.
struct Asking {
    method: Method,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Bytes,
    wanted: Wanted,
}

/// What is wanted of an answer.
#[derive(Clone, Copy)]
enum Wanted {
    /// A document of at most so many bytes, with 200.
    Document(usize),
    /// Any success; it isn't read.
    Success,
    /// Any success, and what is said with it, if that can be read and has so many bytes at most.
    Receipt(usize),
}

impl From<Message> for Asking {
    fn from(message: Message) -> Self {
        let Message { content_type, mut headers, body } = message;
        headers.push((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
        Self { method: Method::POST, headers, body, wanted: Wanted::Success }
    }
}

/// Why the client can't be set up.
#[derive(Debug, Error)]
pub enum OutboundSetupError {
    /// The file with certificate authorities can't be read.
    #[error("outbound.ca_file can't be read: {0}")]
    CaFile(io::Error),
    /// It holds none.
    #[error("outbound.ca_file holds no certificate in PEM")]
    NoCertificate,
}

/// The client. Cloning it copies a pointer.
#[derive(Clone, Debug)]
pub struct Outbound(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    settings: config::Outbound,
    resolver: Arc<dyn Resolve>,
    authorities: Vec<X509>,
    turns: Turns,
    /// Made at the first https request: the system's authorities take a megabyte or two.
    tls: OnceCell<Tls>,
}

struct Tls(SslConnector);

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Outbound {
    /// A client with these settings.
    pub fn new(settings: config::Outbound) -> Result<Self, OutboundSetupError> {
        Self::with_resolver(settings, Arc::new(SystemResolver))
    }

    /// The same, with another way to resolve names.
    pub fn with_resolver(settings: config::Outbound, resolver: Arc<dyn Resolve>) -> Result<Self, OutboundSetupError> {
        let authorities = match &settings.ca_file {
            None => Vec::new(),
            Some(path) => {
                let pem = std::fs::read(path).map_err(OutboundSetupError::CaFile)?;
                X509::stack_from_pem(&pem)
                    .ok()
                    .filter(|found| !found.is_empty())
                    .ok_or(OutboundSetupError::NoCertificate)?
            }
        };
        let turns = Turns::new(settings.max_concurrent);
        Ok(Self(Arc::new(Inner { settings, resolver, authorities, turns, tls: OnceCell::new() })))
    }

    /// What the operator decided.
    pub fn settings(&self) -> &config::Outbound {
        &self.0.settings
    }

    /// Whether the address could be fetched as far as it tells by itself: for registrations.
    ///
    /// # Errors
    /// [`OutboundError::Url`], [`OutboundError::PlainHttp`], [`OutboundError::NotPublic`].
    pub fn check(&self, url: &str) -> Result<Url, OutboundError> {
        let url = Url::parse(url).ok().filter(|_| url.len() <= MAX_URL).ok_or(OutboundError::Url)?;
        let allowed = &self.0.settings.allowed_networks;
        if !matches!(url.scheme(), "https" | "http") || !url.username().is_empty() || url.password().is_some() {
            return Err(OutboundError::Url);
        }
        if url.scheme() == "http" && allowed.is_empty() {
            return Err(OutboundError::PlainHttp);
        }
        match literal(&url) {
            Some(address) => self.admits(&url, address).map(|()| url),
            None if url.host().is_some() => Ok(url),
            None => Err(OutboundError::Url),
        }
    }

    fn admits(&self, url: &Url, address: IpAddr) -> Result<(), OutboundError> {
        if address::is_in(address, &self.0.settings.allowed_networks) {
            Ok(())
        } else if !address::is_public(address) {
            Err(OutboundError::NotPublic)
        } else if url.scheme() != "https" {
            Err(OutboundError::PlainHttp)
        } else {
            Ok(())
        }
    }

    /// Fetches a document of at most `limit` bytes. A fragment isn't sent.
    ///
    /// # Errors
    /// See [`OutboundError`]; the full reason is logged.
    pub async fn get(&self, url: &str, accept: &'static str, limit: usize) -> Result<Fetched, OutboundError> {
        let accept = (header::ACCEPT, HeaderValue::from_static(accept));
        let asking =
            Asking { method: Method::GET, headers: vec![accept], body: Bytes::new(), wanted: Wanted::Document(limit) };
        self.ask(url, asking, "nothing was fetched").await
    }

    /// Posts a message. What is answered isn't read; any status of 2xx says that it was taken.
    ///
    /// # Errors
    /// See [`OutboundError`]; the full reason is logged.
    pub async fn post(&self, url: &str, message: Message) -> Result<(), OutboundError> {
        self.ask(url, message.into(), "a message wasn't taken").await.map(drop)
    }

    /// The same, for a caller that tells the log itself, and gets what is answered: nothing where that has more than `limit`
    /// bytes or can't be read, since the message was taken then.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn post_quietly(&self, url: &str, message: Message, limit: usize) -> Result<Bytes, OutboundError> {
        let url = self.check(url)?;
        let asking = Asking { wanted: Wanted::Receipt(limit), ..message.into() };
        self.within_time(&url, asking).await.map(|answer| answer.body).map_err(|Failed(error, _)| error)
    }

    async fn ask(&self, url: &str, asking: Asking, otherwise: &'static str) -> Result<Fetched, OutboundError> {
        let url = self.check(url)?;
        self.within_time(&url, asking).await.map_err(|Failed(error, reason)| {
            // Neither query nor fragment: they may hold something secret.
            let address = &url[..url::Position::AfterPath];
            tracing::warn!(address, error = %error, reason, "{otherwise}");
            error
        })
    }

    /// Asks, as a part of the request that is being answered. Whom we ask is told of the trace, whoever that is: the ids
    /// say nothing; `tracestate`, which may say something of other systems, isn't told.
    async fn within_time(&self, url: &Url, mut asking: Asking) -> Result<Fetched, Failed> {
        let (mut part, traceparent) = telemetry::outbound_part(&asking.method, url);
        asking.headers.extend(traceparent);
        let patience = self.0.settings.total_timeout;
        let result = tokio::time::timeout(patience, self.exchange(url, asking)).await;
        let result = result.unwrap_or(Err(Failed(OutboundError::Slow, String::new())));
        match &result {
            Ok(fetched) => part.answered(fetched.status),
            Err(Failed(error, _)) => part.failed(error.kind()),
        }
        result
    }

    async fn exchange(&self, url: &Url, asking: Asking) -> Result<Fetched, Failed> {
        let with_host = Arc::new(self.turn_with_host(url).await?);
        let addresses = self.addresses(url, &with_host).await?;
        let _turn = self.0.turns.any().await.map_err(|error| failed(OutboundError::Slow, &error))?;
        let until = tokio::time::Instant::now() + self.0.settings.connect_timeout;
        let stream = self.connect(&addresses).await?;
        if url.scheme() == "http" {
            return converse(stream, url, asking).await;
        }
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let connector = self.tls().await?;
        let ssl =
            connector.configure().and_then(|ssl| ssl.into_ssl(host)).map_err(|e| failed(OutboundError::Tls, &e))?;
        let mut stream = SslStream::new(ssl, stream).map_err(|error| failed(OutboundError::Tls, &error))?;
        let shaken = tokio::time::timeout_at(until, Pin::new(&mut stream).connect()).await;
        shaken
            .map_err(|error| failed(OutboundError::Slow, &error))?
            .map_err(|error| failed(OutboundError::Tls, &error))?;
        converse(stream, url, asking).await
    }

    /// Waits for a turn with the URL's host, and not for ever: who gets it too late has no time left to use it.
    async fn turn_with_host(&self, url: &Url) -> Result<HostTurn, Failed> {
        // A name may be spelt with the root's dot.
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let patience = self.0.settings.total_timeout / WAIT_SHARE;
        match tokio::time::timeout(patience, self.0.turns.with(host)).await {
            Ok(turn) => turn.map_err(|error| failed(OutboundError::Busy, &error)),
            Err(error) => Err(failed(OutboundError::Busy, &error)),
        }
    }

    /// The addresses that may be connected to, in the resolver's order.
    async fn addresses(&self, url: &Url, with_host: &Arc<HostTurn>) -> Result<Vec<SocketAddr>, Failed> {
        let port = url.port_or_known_default().ok_or(Failed(OutboundError::Url, String::new()))?;
        if let Some(address) = literal(url) {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = url.host_str().unwrap_or_default().to_owned();
        let resolver = Arc::clone(&self.0.resolver);
        // A look-up can't be called off: it keeps its turns until it ends, so that there are never more of them.
        let turn = self.0.turns.any().await.map_err(|error| failed(OutboundError::Slow, &error))?;
        let with_host = Arc::clone(with_host);
        let found = tokio::task::spawn_blocking(move || {
            let _turns = (turn, with_host);
            resolver.resolve(&name, port)
        })
        .await
        .map_err(|error| failed(OutboundError::Unresolvable, &error))?
        .map_err(|error| failed(OutboundError::Unresolvable, &error))?;
        let mut refused = None;
        let mut admitted = Vec::new();
        for address in found {
            match self.admits(url, address.ip()) {
                Ok(()) => admitted.push(address),
                Err(error) => refused = Some(Failed(error, format!("it resolves to {}", address.ip()))),
            }
        }
        admitted.truncate(MAX_ADDRESSES);
        match refused {
            Some(error) if admitted.is_empty() => Err(error),
            None if admitted.is_empty() => Err(Failed(OutboundError::Unresolvable, "no address".to_owned())),
            _ => Ok(admitted),
        }
    }

    async fn connect(&self, addresses: &[SocketAddr]) -> Result<TcpStream, Failed> {
        let mut last = Failed(OutboundError::Unreachable, String::new());
        // Each gets its share of the time, so that a silent one leaves some for the next.
        let share = self.0.settings.connect_timeout / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        for address in addresses {
            match tokio::time::timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = failed(OutboundError::Unreachable, &error),
                Err(error) => last = failed(OutboundError::Unreachable, &error),
            }
        }
        Err(last)
    }

    async fn tls(&self) -> Result<&SslConnector, Failed> {
        let inner = Arc::clone(&self.0);
        let made = self.0.tls.get_or_try_init(async move || {
            // It reads the system's authorities from their files.
            let made = tokio::task::spawn_blocking(move || connector(&inner.authorities)).await;
            made.map_err(|error| failed(OutboundError::Tls, &error))?
                .map_err(|error| failed(OutboundError::Tls, &error))
        });
        made.await.map(|Tls(connector)| connector)
    }
}

/// An error with what a library said about it, for the log.
struct Failed(OutboundError, String);

fn failed(error: OutboundError, reason: &dyn std::fmt::Display) -> Failed {
    Failed(error, reason.to_string())
}

/// The address that stands in the URL instead of a name.
fn literal(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(address.into()),
    }
}

fn connector(authorities: &[X509]) -> Result<Tls, openssl::error::ErrorStack> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2))?;
    // An OpenSSL that was built from source doesn't know where this system keeps its certificates.
    let system = openssl_probe::probe();
    if let Some(file) = system.cert_file
        && let Err(error) = builder.set_ca_file(&file)
    {
        tracing::error!(file = %file.display(), error = %error, "the system's certificate authorities can't be read");
    }
    for authority in authorities {
        builder.cert_store_mut().add_cert(authority.clone())?;
    }
    Ok(Tls(builder.build()))
}

async fn converse<S>(stream: S, url: &Url, asking: Asking) -> Result<Fetched, Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let protocol = |error: &dyn std::fmt::Display| failed(OutboundError::Protocol, error);
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| protocol(&error))?;
    let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
    let Asking { method, headers, body, wanted } = asking;
    let mut request = Request::builder()
        .method(method)
        .uri(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(header::HOST, &url[url::Position::BeforeHost..url::Position::AfterPort]);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request =
        request.header(header::USER_AGENT, "Signet").header(header::CONNECTION, "close").body(Full::new(body));
    let request = request.map_err(|error| protocol(&error))?;
    let (head, body) = sender.send_request(request).await.map_err(|error| protocol(&error))?.into_parts();
    let status = head.status;
    let body = match wanted {
        Wanted::Document(limit) if status == StatusCode::OK => whole(body, limit).await?,
        Wanted::Success if status.is_success() => Bytes::new(),
        Wanted::Receipt(limit) if status.is_success() => whole(body, limit).await.unwrap_or_default(),
        _ if status.is_redirection() => return Err(Failed(OutboundError::Redirect, status.to_string())),
        Wanted::Document(_) => return Err(Failed(OutboundError::Status(status.as_u16()), String::new())),
        Wanted::Success | Wanted::Receipt(_) => {
            return Err(Failed(OutboundError::NotTaken(status.as_u16()), String::new()));
        }
    };
    Ok(Fetched { status, headers: head.headers, body })
}

/// A whole body of at most `limit` bytes.
async fn whole(mut body: Incoming, limit: usize) -> Result<Bytes, Failed> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failed(OutboundError::Protocol, &error))?;
        let Some(data) = frame.data_ref() else { continue };
        if whole.len() + data.len() > limit {
            return Err(Failed(OutboundError::TooLarge(limit), String::new()));
        }
        whole.extend_from_slice(data);
    }
    Ok(whole.freeze())
}
