//! A server of somebody else's, which answers as it is told: well, badly, never, without end.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslAcceptor, SslMethod};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509NameBuilder};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_openssl::SslStream;
use tokio_util::task::AbortOnDropHandle;

/// What a path answers.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// 200 with these header lines and this body.
    Document(String, Vec<u8>),
    /// These bytes, whatever they mean, and the end.
    Raw(String),
    /// A redirect.
    Redirect(String),
    /// Nothing, ever.
    Nothing,
    /// The head of an answer and then one byte after the other, each after a while.
    Drops,
    /// 200 with a body that never ends; with or without saying how long it is.
    Endless(Option<u64>),
}

impl Reply {
    /// A JSON document.
    pub(crate) fn json(value: &serde_json::Value) -> Self {
        Self::Document("content-type: application/json\r\n".to_owned(), value.to_string().into_bytes())
    }

    /// A request object.
    pub(crate) fn request_object(jwt: &str) -> Self {
        Self::Document("content-type: application/oauth-authz-req+jwt\r\n".to_owned(), jwt.as_bytes().to_vec())
    }
}

#[derive(Debug, Default)]
struct Told {
    replies: HashMap<String, Reply>,
    asked: Vec<String>,
    posted: Vec<(String, String)>,
}

/// A server on a loopback address; it ends with the value.
pub(crate) struct Elsewhere {
    address: SocketAddr,
    scheme: &'static str,
    told: Arc<Mutex<Told>>,
    _task: AbortOnDropHandle<()>,
}

impl Elsewhere {
    /// Plain http.
    pub(crate) async fn start() -> Self {
        Self::serve(None).await
    }

    /// https with a certificate for these names, and that certificate in PEM.
    pub(crate) async fn encrypted(names: &[&str]) -> (Self, Vec<u8>) {
        let (acceptor, pem) = acceptor(names);
        (Self::serve(Some(acceptor)).await, pem)
    }

    async fn serve(tls: Option<SslAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (shared, tls) = (Arc::clone(&told), tls.map(Arc::new));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, tls) = (Arc::clone(&shared), tls.clone());
                tokio::spawn(async move {
                    let Some(tls) = tls else { return converse(stream, &told).await };
                    let mut stream = SslStream::new(Ssl::new(tls.context()).unwrap(), stream).unwrap();
                    if Pin::new(&mut stream).accept().await.is_ok() {
                        converse(stream, &told).await;
                    }
                });
            }
        });
        Self { address, scheme, told, _task: AbortOnDropHandle::new(task) }
    }

    /// Sets what a path answers from now on; 404 without.
    pub(crate) fn answers(&self, path: &str, reply: Reply) {
        self.told.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How often a path was asked for.
    pub(crate) fn asked(&self, path: &str) -> usize {
        let start = format!("GET {path} HTTP/1.1\r\n");
        self.told.lock().unwrap().asked.iter().filter(|head| head.starts_with(&start)).count()
    }

    /// What was posted to a path.
    pub(crate) fn posted(&self, path: &str) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.posted.iter().filter(|(to, _)| to == path).map(|(_, body)| body.clone()).collect()
    }

    /// The head of the last request.
    pub(crate) fn last(&self) -> String {
        self.told.lock().unwrap().asked.last().cloned().unwrap_or_default()
    }
}

async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, told: &Mutex<Told>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    if stream.read_exact(&mut body).await.is_err() {
        return;
    }
    let reply = {
        let mut told = told.lock().unwrap();
        if head.starts_with("POST ") {
            told.posted.push((path.clone(), String::from_utf8(body).unwrap()));
        }
        told.asked.push(head);
        told.replies.get(&path).cloned()
    };
    let _ = speak(&mut stream, reply).await;
    let _ = stream.shutdown().await;
}

async fn speak(stream: &mut (impl AsyncWrite + Unpin), reply: Option<Reply>) -> std::io::Result<()> {
    match reply {
        None => stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await,
        Some(Reply::Document(lines, body)) => {
            let head = format!("HTTP/1.1 200 OK\r\n{lines}content-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await
        }
        Some(Reply::Raw(text)) => stream.write_all(text.as_bytes()).await,
        Some(Reply::Redirect(to)) => {
            let head = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await
        }
        Some(Reply::Nothing) => std::future::pending().await,
        Some(Reply::Drops) => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await?;
            loop {
                stream.write_all(b" ").await?;
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        }
        Some(Reply::Endless(length)) => {
            let length = length.map_or_else(String::new, |length| format!("content-length: {length}\r\n"));
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{length}\r\n").as_bytes()).await?;
            let megabyte = vec![b' '; 1 << 20];
            loop {
                stream.write_all(&megabyte).await?;
            }
        }
    }
}

/// A certificate that is its own authority, for these names, which may be addresses.
fn acceptor(names: &[&str]) -> (SslAcceptor, Vec<u8>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", "elsewhere").unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
    let mut alternatives = SubjectAlternativeName::new();
    for name in names {
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => alternatives.ip(name),
            Err(_) => alternatives.dns(name),
        };
    }
    let alternatives = alternatives.build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(alternatives).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build();
    let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
    acceptor.set_private_key(&key).unwrap();
    acceptor.set_certificate(&certificate).unwrap();
    (acceptor.build(), certificate.to_pem().unwrap())
}
