//! Requests that Signet sends itself: where to, how long, how much.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use idp::config;
use idp::service::outbound::{Fetched, Message, Outbound, OutboundError, Resolve};

use crate::support::elsewhere::{Elsewhere, Reply};

const LIMIT: usize = 1000;

fn settings(allowed: &[&str]) -> config::Outbound {
    config::Outbound {
        allowed_networks: allowed.iter().map(|net| net.parse().unwrap()).collect(),
        ..config::Outbound::default()
    }
}

fn local() -> Outbound {
    Outbound::new(settings(&["127.0.0.0/8"])).unwrap()
}

/// Short times, so that what would take too long is over soon.
fn hasty() -> Outbound {
    let short = Duration::from_millis(30);
    let settings = config::Outbound { connect_timeout: short, total_timeout: short, ..settings(&["127.0.0.0/8"]) };
    Outbound::new(settings).unwrap()
}

async fn get(outbound: &Outbound, url: &str) -> Result<Fetched, OutboundError> {
    outbound.get(url, "application/json", LIMIT).await
}

async fn refused(outbound: &Outbound, url: &str) -> OutboundError {
    get(outbound, url).await.unwrap_err()
}

/// Says of every name that it is at these addresses.
#[derive(Debug)]
struct Everywhere(Vec<SocketAddr>, AtomicUsize);

impl Resolve for Everywhere {
    fn resolve(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Ok(self.0.clone())
    }
}

fn everywhere(addresses: &[&str], port: u16) -> Arc<Everywhere> {
    let addresses = addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), port)).collect();
    Arc::new(Everywhere(addresses, AtomicUsize::new(0)))
}

#[tokio::test]
async fn a_document_is_fetched_with_nothing_that_tells_who_asks() {
    let site = Elsewhere::start().await;
    let lines = "Content-Type: Application/JSON; charset=utf-8\r\nCache-Control: public, max-age=\"60\"\r\n";
    site.answers("/keys?a=b", Reply::Document(lines.to_owned(), b"{}".to_vec()));
    let fetched = get(&local(), &site.url("/keys?a=b#fragment")).await.unwrap();
    assert_eq!(fetched.body, "{}");
    assert_eq!(fetched.media_type().as_deref(), Some("application/json"));
    assert_eq!(fetched.max_age(), Some(Duration::from_mins(1)));
    let head = format!(
        "GET /keys?a=b HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: application/json\r\nuser-agent: Signet\r\nconnection: close\r\n\r\n",
        site.port()
    );
    assert_eq!(site.last(), head);
}

#[tokio::test]
async fn how_long_an_answer_may_be_kept() {
    let site = Elsewhere::start().await;
    for (lines, expected) in [
        ("", None),
        ("cache-control: public\r\n", None),
        ("cache-control: max-age=5\r\n", Some(5)),
        ("cache-control: Max-Age=5, s-maxage=90\r\n", Some(5)),
        ("cache-control: max-age=5, no-store\r\n", Some(0)),
        ("cache-control: no-cache\r\ncache-control: max-age=5\r\n", Some(0)),
        ("cache-control: max-age=-1\r\n", Some(0)),
        ("cache-control: max-age=soon\r\n", Some(0)),
        ("cache-control: max-age=99999999999999999999\r\n", Some(0)),
    ] {
        site.answers("/", Reply::Document(lines.to_owned(), Vec::new()));
        let fetched = get(&local(), &site.url("/")).await.unwrap();
        assert_eq!(fetched.max_age(), expected.map(Duration::from_secs), "{lines}");
    }
}

#[tokio::test]
async fn an_address_that_is_no_address_to_fetch_from_is_refused() {
    let local = local();
    for url in [
        "",
        "keys",
        "//example.com/keys",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70/",
        "data:application/json,{}",
        "javascript:1",
        "https://",
        "https://user@example.com/",
        "https://user:password@example.com/",
        "https://:password@example.com/",
        "https://example.com:99999/",
        "https://exa mple.com/",
    ] {
        assert_eq!(refused(&local, url).await, OutboundError::Url, "{url}");
    }
    let long = format!("https://example.com/{}", "x".repeat(2048));
    assert_eq!(refused(&local, &long).await, OutboundError::Url);
}

/// However an address is spelt, it isn't connected to.
#[tokio::test]
async fn addresses_that_are_not_public_are_refused() {
    let site = Elsewhere::start().await;
    site.answers("/", Reply::Raw(String::new()));
    let outbound = Outbound::new(settings(&[])).unwrap();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fd00::1]",
        "[ff02::1]",
        "１２７.０.０.１",
    ] {
        let port = site.port();
        assert_eq!(refused(&outbound, &format!("https://{host}:{port}/")).await, OutboundError::NotPublic, "{host}");
        assert_eq!(refused(&outbound, &format!("http://{host}:{port}/")).await, OutboundError::PlainHttp, "{host}");
    }
    assert_eq!(site.last(), "", "nobody came");
}

#[tokio::test]
async fn names_that_lead_to_addresses_that_are_not_public_are_refused() {
    let site = Elsewhere::start().await;
    for address in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
        let resolver = everywhere(&[address], site.port());
        let outbound = Outbound::with_resolver(settings(&[]), resolver).unwrap();
        assert_eq!(refused(&outbound, "https://keys.example.com/").await, OutboundError::NotPublic, "{address}");
    }
    // The real resolver's name for this machine.
    let outbound = Outbound::new(settings(&["10.0.0.0/8"])).unwrap();
    let url = format!("https://localhost:{}/", site.port());
    assert_eq!(refused(&outbound, &url).await, OutboundError::NotPublic);
    assert_eq!(refused(&outbound, "https://does-not-exist.invalid/").await, OutboundError::Unresolvable);
    assert_eq!(site.last(), "", "nobody came");
}

/// The name is resolved once, and the connection goes to what was looked at: there is no second answer to trust.
#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let site = Elsewhere::start().await;
    site.answers("/", Reply::Document(String::new(), b"here".to_vec()));
    let resolver = everywhere(&["10.0.0.1", "::1", "127.0.0.1"], site.port());
    let outbound =
        Outbound::with_resolver(settings(&["127.0.0.1/32"]), Arc::clone(&resolver) as Arc<dyn Resolve>).unwrap();
    let fetched = get(&outbound, "http://keys.example.com/").await.unwrap();
    assert_eq!(fetched.body, "here");
    assert_eq!(resolver.1.load(Ordering::SeqCst), 1);
    assert!(site.last().contains("host: keys.example.com\r\n"), "{}", site.last());
}

#[tokio::test]
async fn plain_http_is_for_allowed_networks_only() {
    let resolver = everywhere(&["8.8.8.8"], 80);
    let outbound = Outbound::with_resolver(settings(&["127.0.0.0/8"]), resolver).unwrap();
    assert_eq!(refused(&outbound, "http://keys.example.com/").await, OutboundError::PlainHttp);
    assert_eq!(refused(&outbound, "http://8.8.8.8/").await, OutboundError::PlainHttp);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let site = Elsewhere::start().await;
    site.answers("/there", Reply::Document(String::new(), b"secret".to_vec()));
    for to in ["/there".to_owned(), site.url("/there"), "https://example.com/".to_owned()] {
        site.answers("/", Reply::Redirect(to));
        assert_eq!(refused(&local(), &site.url("/")).await, OutboundError::Redirect);
    }
    for status in ["301 Moved Permanently", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        site.answers("/", Reply::Raw(format!("HTTP/1.1 {status}\r\nlocation: /there\r\ncontent-length: 0\r\n\r\n")));
        assert_eq!(refused(&local(), &site.url("/")).await, OutboundError::Redirect, "{status}");
    }
    assert_eq!(site.asked("/there"), 0);
}

#[tokio::test]
async fn any_other_status_than_200_is_refused() {
    let site = Elsewhere::start().await;
    for status in [201, 204, 206, 400, 401, 403, 404, 500, 503] {
        site.answers("/", Reply::Raw(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n")));
        assert_eq!(refused(&local(), &site.url("/")).await, OutboundError::Status(status));
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_cut_off() {
    let site = Elsewhere::start().await;
    site.answers("/exact", Reply::Document(String::new(), vec![b'x'; LIMIT]));
    assert_eq!(get(&local(), &site.url("/exact")).await.unwrap().body.len(), LIMIT);
    site.answers("/more", Reply::Document(String::new(), vec![b'x'; LIMIT + 1]));
    site.answers("/gigabytes", Reply::Endless(Some(1 << 40)));
    site.answers("/endless", Reply::Endless(None));
    let chunk = format!("{:x}\r\n{}\r\n", LIMIT, "x".repeat(LIMIT));
    site.answers("/chunks", Reply::Raw(format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}")));
    for path in ["/more", "/gigabytes", "/endless", "/chunks"] {
        assert_eq!(refused(&local(), &site.url(path)).await, OutboundError::TooLarge(LIMIT), "{path}");
    }
    let head = format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "x".repeat(100_000));
    site.answers("/head", Reply::Raw(head));
    assert_eq!(refused(&local(), &site.url("/head")).await, OutboundError::Protocol);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let site = Elsewhere::start().await;
    site.answers("/nothing", Reply::Nothing);
    site.answers("/drops", Reply::Drops);
    for path in ["/nothing", "/drops"] {
        let begun = Instant::now();
        assert_eq!(hasty().get(&site.url(path), "*/*", 1 << 20).await.unwrap_err(), OutboundError::Slow, "{path}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{path}");
    }
    // A handshake that isn't answered, and a resolver that doesn't come back.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap());
    assert_eq!(refused(&hasty(), &url).await, OutboundError::Slow);
}

#[tokio::test]
async fn what_does_not_speak_http_is_refused() {
    let site = Elsewhere::start().await;
    for text in ["", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"] {
        site.answers("/", Reply::Raw(text.to_owned()));
        assert_eq!(refused(&local(), &site.url("/")).await, OutboundError::Protocol, "{text}");
    }
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", gone.local_addr().unwrap());
    drop(gone);
    assert_eq!(refused(&local(), &url).await, OutboundError::Unreachable);
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let (site, pem) = Elsewhere::encrypted(&["keys.example.com", "127.0.0.1"]).await;
    site.answers("/", Reply::Document(String::new(), b"safe".to_vec()));
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, pem).unwrap();
    let trusting = config::Outbound { ca_file: Some(ca_file.clone()), ..settings(&["127.0.0.0/8"]) };
    let resolver = || everywhere(&["127.0.0.1"], site.port());

    let outbound = Outbound::with_resolver(trusting.clone(), resolver()).unwrap();
    assert_eq!(get(&outbound, "https://keys.example.com/").await.unwrap().body, "safe");
    assert_eq!(get(&outbound, &site.url("/")).await.unwrap().body, "safe");
    assert_eq!(refused(&outbound, "https://other.example.com/").await, OutboundError::Tls, "another name");
    let outbound = Outbound::with_resolver(settings(&["127.0.0.0/8"]), resolver()).unwrap();
    assert_eq!(refused(&outbound, "https://keys.example.com/").await, OutboundError::Tls, "unknown authority");
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", plain.local_addr().unwrap());
    let hanging_up = async { drop(plain.accept().await.unwrap()) };
    let outbound = local();
    let (error, ()) = tokio::join!(refused(&outbound, &url), hanging_up);
    assert_eq!(error, OutboundError::Tls, "no TLS at all");

    std::fs::write(&ca_file, "no certificate").unwrap();
    let error = Outbound::new(trusting.clone()).unwrap_err();
    assert_eq!(error.to_string(), "outbound.ca_file holds no certificate in PEM");
    std::fs::remove_file(&ca_file).unwrap();
    assert!(Outbound::new(trusting).unwrap_err().to_string().starts_with("outbound.ca_file can't be read"));
}

/// Those that hang keep their turns for as long as they may, and no longer.
#[tokio::test]
async fn only_so_many_are_under_way_at_a_time() {
    let site = Elsewhere::start().await;
    site.answers("/nothing", Reply::Nothing);
    site.answers("/", Reply::Document(String::new(), b"here".to_vec()));
    let settings = config::Outbound {
        max_concurrent: std::num::NonZeroUsize::MIN,
        total_timeout: Duration::from_millis(200),
        ..settings(&["127.0.0.0/8"])
    };
    let outbound = Outbound::new(settings).unwrap();
    let (hanging, here) = (site.url("/nothing"), site.url("/"));
    let first = get(&outbound, &hanging);
    let second = async {
        while site.asked("/nothing") == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::timeout(Duration::from_millis(20), get(&outbound, &here)).await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(first.unwrap_err(), OutboundError::Slow);
    assert!(second.is_err(), "there was no turn for the second");
    assert_eq!(get(&outbound, &here).await.unwrap().body, "here");
}

#[tokio::test]
async fn a_message_is_posted_and_what_says_that_it_was_taken_is_the_status() {
    let site = Elsewhere::start().await;
    let message = || Message {
        content_type: "text/plain",
        headers: vec![(http::header::ACCEPT, http::HeaderValue::from_static("*/*"))],
        body: "how are you?".into(),
    };
    let status = |status: &str| Reply::Raw(format!("HTTP/1.1 {status}\r\nlocation: /\r\ncontent-length: 0\r\n\r\n"));
    for (reply, expected) in [
        (status("200 OK"), Ok(())),
        (status("204 No Content"), Ok(())),
        (Reply::Endless(None), Ok(())),
        (status("302 Found"), Err(OutboundError::Redirect)),
        (status("400 Bad Request"), Err(OutboundError::NotTaken(400))),
        (status("503 Later"), Err(OutboundError::NotTaken(503))),
        (Reply::Raw("SSH-2.0-OpenSSH\r\n".to_owned()), Err(OutboundError::Protocol)),
    ] {
        site.answers("/inbox?a=b", reply.clone());
        assert_eq!(local().post(&site.url("/inbox?a=b"), message()).await, expected, "{reply:?}");
    }
    assert_eq!(site.posted("/inbox?a=b"), ["how are you?"; 7]);
    let head = format!(
        "POST /inbox?a=b HTTP/1.1\r\nhost: 127.0.0.1:{}\r\naccept: */*\r\ncontent-type: text/plain\r\nuser-agent: Signet\r\nconnection: close\r\ncontent-length: 12\r\n\r\n",
        site.port()
    );
    assert_eq!(site.last(), head);
    site.answers("/inbox", Reply::Nothing);
    assert_eq!(hasty().post(&site.url("/inbox"), message()).await, Err(OutboundError::Slow));
    let strict = Outbound::new(settings(&[])).unwrap();
    assert_eq!(strict.post(&site.url("/inbox"), message()).await, Err(OutboundError::PlainHttp));
    assert_eq!(strict.post("https://127.0.0.1/", message()).await, Err(OutboundError::NotPublic));
}
