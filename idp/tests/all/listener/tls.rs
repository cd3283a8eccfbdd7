//! TLS: versions, protocols, certificates that change, clients that don't speak it.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Mutex;

use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use idp::config::Listen;
use idp::http::server::Server;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use openssl::symm::Cipher;
use openssl::x509::{X509, X509NameBuilder};
use poem::endpoint::make;
use poem::{Body, Response};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_openssl::SslStream;

use super::support::{Client, Running, loopback, millis, soon};

/// A certificate and its key, in files.
struct Files {
    folder: TempDir,
}

impl Files {
    fn new(name: &str) -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let (certificate, key) = certificate(name);
        files.write(&certificate.to_pem().unwrap(), &key.private_key_to_pem_pkcs8().unwrap());
        files
    }

    fn write(&self, certificate: &[u8], key: &[u8]) {
        std::fs::write(self.certificate(), certificate).unwrap();
        std::fs::write(self.key(), key).unwrap();
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn config(&self) -> Listen {
        Listen {
            tls_certificate: Some(self.certificate()),
            tls_key: Some(self.key()),
            tls_reload_interval: millis(20),
            ..loopback()
        }
    }

    /// What the server says of files that it can't use, without the folder and OpenSSL's words.
    fn refusal(&self) -> String {
        let text = Server::bind(&self.config()).err().unwrap().to_string();
        let text = text.replace(&format!("{}/", self.folder.path().display()), "");
        text.split_once(": ").map_or(text.clone(), |(ours, _)| ours.to_owned())
    }
}

fn certificate(name: &str) -> (X509, PKey<Private>) {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    let key = PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap();
    let mut subject = X509NameBuilder::new().unwrap();
    subject.append_entry_by_text("CN", name).unwrap();
    let subject = subject.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&subject).unwrap();
    builder.set_issuer_name(&subject).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    (builder.build(), key)
}

/// Shakes hands, offering these protocols.
async fn handshake(server: &Running, protocols: &[u8]) -> Result<SslStream<TcpStream>, openssl::ssl::Error> {
    handshake_up_to(server, protocols, SslVersion::TLS1_3).await
}

async fn handshake_up_to(
    server: &Running,
    protocols: &[u8],
    version: SslVersion,
) -> Result<SslStream<TcpStream>, openssl::ssl::Error> {
    let mut connector = SslConnector::builder(SslMethod::tls_client()).unwrap();
    connector.set_verify(SslVerifyMode::NONE);
    connector.set_max_proto_version(Some(version)).unwrap();
    if version == SslVersion::TLS1_1 {
        connector.set_cipher_list("ALL:@SECLEVEL=0").unwrap();
    }
    if !protocols.is_empty() {
        connector.set_alpn_protos(protocols).unwrap();
    }
    let ssl = connector.build().configure().unwrap().verify_hostname(false).into_ssl("localhost").unwrap();
    let address = server.bound.iter().find(|bound| bound.tls).unwrap().address;
    let mut stream = SslStream::new(ssl, TcpStream::connect(address).await.unwrap()).unwrap();
    soon(Pin::new(&mut stream).connect()).await?;
    Ok(stream)
}

/// The name in the certificate that the server shows.
async fn name_shown(server: &Running) -> String {
    let stream = handshake(server, b"").await.unwrap();
    let certificate = stream.ssl().peer_certificate().unwrap();
    let name = certificate.subject_name().entries().next().unwrap();
    name.data().to_string().unwrap()
}

#[tokio::test]
async fn http_1_over_tls() {
    let files = Files::new("first");
    let server = Running::echo(&files.config());
    for protocols in [&b""[..], b"\x08http/1.1"] {
        let stream = handshake(&server, protocols).await.unwrap();
        assert_eq!(stream.ssl().version_str(), "TLSv1.3");
        let mut client = Client::new(stream);
        assert_eq!(client.get("/one").await.body, "GET /one");
        assert_eq!(client.get("/two").await.body, "GET /two");
    }
}

#[tokio::test]
async fn http_2_over_tls() {
    let files = Files::new("first");
    let mut server = Running::echo(&files.config());
    let stream = handshake(&server, b"\x02h2\x08http/1.1").await.unwrap();
    assert_eq!(stream.ssl().selected_alpn_protocol(), Some(&b"h2"[..]));
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    for path in ["/one", "/two"] {
        let request =
            http::Request::get(format!("https://localhost{path}")).body(Empty::<bytes::Bytes>::new()).unwrap();
        let response = soon(requests.send_request(request)).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = soon(response.into_body().collect()).await.unwrap().to_bytes();
        assert_eq!(body, format!("GET {path}"));
    }
    server.stop();
    soon(connection).await.unwrap().unwrap();
    server.stopped().await;
}

#[tokio::test]
async fn a_resting_http_2_connection_is_closed() {
    let files = Files::new("first");
    let server = Running::echo(&Listen { idle_timeout: millis(200), ..files.config() });
    let stream = handshake(&server, b"\x02h2").await.unwrap();
    let (_requests, connection) =
        hyper::client::conn::http2::handshake::<_, _, Empty<bytes::Bytes>>(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    let _ = soon(connection).await;
}

/// A body that says something each time that it is told to.
fn saying(mut words: mpsc::Receiver<&'static str>) -> Response {
    let words = stream::poll_fn(move |cx| words.poll_recv(cx)).map(Ok::<_, std::io::Error>);
    Response::builder().body(Body::from_bytes_stream(words))
}

/// Opens a stream over HTTP/2; what is to be said in it, what comes, and the connection.
async fn open(server: &Running) -> (SendRequest<Empty<bytes::Bytes>>, Incoming, JoinHandle<hyper::Result<()>>) {
    let stream = handshake(server, b"\x02h2").await.unwrap();
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get("https://localhost/").body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = soon(requests.send_request(request)).await.unwrap();
    (requests, response.into_body(), connection)
}

#[tokio::test]
async fn a_stream_over_http_2_may_be_silent_for_longer_than_a_connection_may_rest() {
    let files = Files::new("first");
    let (say, said) = mpsc::channel(1);
    let said = Mutex::new(Some(said));
    let endpoint = make(move |_| {
        let said = said.lock().unwrap().take().unwrap();
        async move { Ok::<_, poem::Error>(saying(said)) }
    });
    let server = Running::start(&Listen { idle_timeout: millis(200), ..files.config() }, endpoint);
    let (_requests, mut body, connection) = open(&server).await;
    for word in ["one", "two"] {
        say.send(word).await.unwrap();
        assert_eq!(soon(body.frame()).await.unwrap().unwrap().into_data().unwrap(), word);
        // Longer than it may rest, and than the peer is given to close it then.
        tokio::time::sleep(millis(1500)).await;
    }
    drop(say);
    assert!(soon(body.collect()).await.unwrap().to_bytes().is_empty());
    let _ = soon(connection).await;
}

#[tokio::test]
async fn a_stream_over_http_2_that_nobody_reads_is_closed() {
    let files = Files::new("first");
    let endpoint = make(|_| async {
        let words = stream::repeat("nobody reads this").map(Ok::<_, std::io::Error>);
        Ok::<_, poem::Error>(Response::builder().body(Body::from_bytes_stream(words)))
    });
    let server = Running::start(&Listen { idle_timeout: millis(200), ..files.config() }, endpoint);
    let (_requests, _body, connection) = open(&server).await;
    let _ = soon(connection).await;
}

#[tokio::test]
async fn tls_1_2_is_spoken_and_nothing_older() {
    let files = Files::new("first");
    let server = Running::echo(&files.config());
    let stream = handshake_up_to(&server, b"", SslVersion::TLS1_2).await.unwrap();
    assert_eq!(stream.ssl().version_str(), "TLSv1.2");
    assert!(handshake_up_to(&server, b"", SslVersion::TLS1_1).await.is_err());
}

#[tokio::test]
async fn a_client_without_a_common_protocol_is_refused() {
    let files = Files::new("first");
    let server = Running::echo(&files.config());
    assert!(handshake(&server, b"\x03xyz").await.is_err());
}

#[tokio::test]
async fn both_listeners_run_side_by_side() {
    let files = Files::new("first");
    let server = Running::echo(&Listen { tls_address: Some("127.0.0.1:0".parse().unwrap()), ..files.config() });
    assert_eq!(server.bound.iter().map(|bound| bound.tls).collect::<Vec<_>>(), [false, true]);
    assert_eq!(server.connect().await.get("/plain").await.body, "GET /plain");
    let mut client = Client::new(handshake(&server, b"").await.unwrap());
    assert_eq!(client.get("/tls").await.body, "GET /tls");
}

#[tokio::test]
async fn a_changed_certificate_is_taken_up_while_connections_go_on() {
    let files = Files::new("first");
    let server = Running::echo(&files.config());
    let mut old = Client::new(handshake(&server, b"").await.unwrap());
    assert_eq!(name_shown(&server).await, "first");
    let (certificate, key) = certificate("second");
    files.write(&certificate.to_pem().unwrap(), &key.private_key_to_pem_pkcs8().unwrap());
    soon(async { while name_shown(&server).await != "second" {} }).await;
    assert_eq!(old.get("/still").await.body, "GET /still");
}

#[tokio::test]
async fn a_broken_new_certificate_leaves_the_old_one_in_use() {
    let files = Files::new("first");
    let server = Running::echo(&files.config());
    let (certificate, key) = certificate("second");
    let (certificate, key) = (certificate.to_pem().unwrap(), key.private_key_to_pem_pkcs8().unwrap());
    // In this order no two files are ever a pair between one write and the next.
    for (new_certificate, new_key) in [(&certificate[..], &b"no key"[..]), (b"no certificate", &key), (b"", b"")] {
        files.write(new_certificate, new_key);
        // Five looks at the files.
        tokio::time::sleep(millis(100)).await;
        assert_eq!(name_shown(&server).await, "first");
    }
    std::fs::remove_file(files.certificate()).unwrap();
    tokio::time::sleep(millis(100)).await;
    assert_eq!(name_shown(&server).await, "first");
    files.write(&certificate, &key);
    soon(async { while name_shown(&server).await != "second" {} }).await;
}

#[tokio::test]
async fn clients_that_do_not_speak_tls_disturb_nobody() {
    let files = Files::new("first");
    let server = Running::echo(&Listen { header_timeout: millis(300), ..files.config() });
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(server.connect().await);
    }
    let mut garbage = server.connect().await;
    garbage.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let mut client = Client::new(handshake(&server, b"").await.unwrap());
    assert_eq!(client.get("/").await.status(), 200);
    garbage.closed().await;
    for mut connection in silent {
        assert_eq!(connection.closed().await, "");
    }
    assert_eq!(name_shown(&server).await, "first");
}

#[tokio::test]
async fn a_client_that_leaves_after_the_handshake_is_forgotten() {
    let files = Files::new("first");
    let mut server = Running::echo(&files.config());
    let stream = handshake(&server, b"").await.unwrap();
    drop(stream);
    server.stop();
    server.stopped().await;
}

#[tokio::test]
async fn a_handshake_does_not_hold_a_stop_up() {
    let files = Files::new("first");
    let mut server = Running::echo(&files.config());
    let mut silent = TcpStream::connect(server.address()).await.unwrap();
    server.stop();
    assert_eq!(soon(silent.read_u8()).await.map_err(|error| error.kind()).ok(), None);
    server.stopped().await;
}

#[tokio::test]
async fn certificates_that_cannot_be_used_are_refused_at_start() {
    let files = Files::new("first");
    let (other, other_key) = certificate("second");
    let pem = other.to_pem().unwrap();
    let key = other_key.private_key_to_pem_pkcs8().unwrap();
    let encrypted = other_key.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"word").unwrap();
    let foreign = certificate("third").1.private_key_to_pem_pkcs8().unwrap();

    files.write(b"", &key);
    assert_eq!(files.refusal(), "certificate.pem holds no certificate in PEM that can be used");
    files.write(&pem, b"");
    assert_eq!(files.refusal(), "key.pem holds no unencrypted private key in PEM");
    files.write(&pem, &encrypted);
    assert_eq!(files.refusal(), "key.pem holds no unencrypted private key in PEM");
    files.write(&pem, &foreign);
    assert_eq!(files.refusal(), "the private key in key.pem doesn't belong to the certificate in certificate.pem");
    std::fs::remove_file(files.key()).unwrap();
    assert_eq!(files.refusal(), "key.pem can't be read");
}
