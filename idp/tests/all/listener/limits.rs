//! Time-outs, sizes, numbers; and what a client can rely on.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use idp::config::Listen;
use idp::http::server::Server;
use insta::assert_snapshot;
use poem::Request;
use poem::endpoint::make;

use super::support::{Running, loopback, millis, soon};

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    for number in 0..100 {
        let answer = client.get(&format!("/{number}")).await;
        assert_eq!((answer.status(), answer.body), (200, format!("GET /{number}")));
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    client.say("GET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(client.answer().await.body, "GET /1");
    assert_eq!(client.answer().await.body, "GET /2");
}

#[tokio::test]
async fn a_header_that_trickles_in_is_cut_off() {
    let server = Running::echo(&Listen { header_timeout: millis(300), ..loopback() });
    let mut client = server.connect().await;
    let began = Instant::now();
    client.say("GET / HTTP/1.1\r\n").await;
    while client.try_say("x-slow: 1\r\n").await.is_ok() {
        assert!(began.elapsed() < millis(20_000), "it is still open");
        tokio::time::sleep(millis(20)).await;
    }
    assert!(began.elapsed() >= millis(300), "{:?}", began.elapsed());
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn the_second_header_of_a_connection_has_no_more_time_than_the_first() {
    let server = Running::echo(&Listen { header_timeout: millis(200), ..loopback() });
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status(), 200);
    client.say("GET / HTTP/1.1\r\n").await;
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn a_connection_that_rests_is_closed() {
    let server = Running::echo(&Listen { idle_timeout: millis(200), ..loopback() });
    let mut silent = server.connect().await;
    assert_eq!(silent.closed().await, "");
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status(), 200);
    assert_eq!(client.closed().await, "");
}

#[tokio::test]
async fn a_connection_may_rest_longer_than_a_header_may_take() {
    let server = Running::echo(&Listen { header_timeout: millis(50), ..loopback() });
    let mut client = server.connect().await;
    assert_eq!(client.get("/").await.status(), 200);
    tokio::time::sleep(millis(200)).await;
    assert_eq!(client.get("/").await.status(), 200);
}

#[tokio::test]
async fn a_request_may_run_longer_than_a_connection_may_rest() {
    let config = Listen { header_timeout: millis(50), idle_timeout: millis(50), ..loopback() };
    let server = Running::start(
        &config,
        make(|_| async {
            tokio::time::sleep(millis(400)).await;
            "done"
        }),
    );
    assert_eq!(server.connect().await.get("/").await.body, "done");
}

fn most(bytes: usize) -> Listen {
    Listen { max_body_bytes: NonZeroUsize::new(bytes).unwrap(), ..loopback() }
}

#[tokio::test]
async fn a_body_as_long_as_allowed_is_read() {
    let server = Running::echo(&most(10));
    let mut client = server.connect().await;
    client.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n0123456789").await;
    assert_eq!(client.answer().await.body, "0123456789");
    client
        .say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n")
        .await;
    assert_eq!(client.answer().await.body, "0123456789");
}

#[tokio::test]
async fn a_body_that_says_it_is_too_long_is_refused_unread() {
    let server = Running::echo(&most(10));
    let mut client = server.connect().await;
    client.say("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n").await;
    let answer = client.answer().await;
    assert_eq!((answer.status(), answer.header("content-type")), (413, Some("application/problem+json")));
    assert_snapshot!(answer.body, @r#"{"type":"about:blank","title":"Payload Too Large","status":413}"#);
}

#[tokio::test]
async fn a_body_in_chunks_that_turns_out_too_long_is_refused() {
    let server = Running::echo(&most(10));
    let mut client = server.connect().await;
    let chunks = "6\r\n012345\r\n5\r\n67890\r\n0\r\n\r\n";
    client.say(&format!("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}")).await;
    assert_eq!(client.answer().await.status(), 413);
    assert_eq!(client.get("/next").await.body, "GET /next");
}

#[tokio::test]
async fn a_client_that_sends_everything_before_it_listens_hears_the_refusal() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    client.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 8000000\r\n\r\n").await;
    soon(client.say(&"x".repeat(8_000_000))).await;
    assert_eq!(client.answer().await.status(), 413);
    assert_eq!(client.get("/next").await.body, "GET /next");
}

#[tokio::test]
async fn a_body_without_end_is_refused_all_the_same() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    client.say("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    soon(async { while client.try_say(&chunk).await.is_ok() {} }).await;
    let answer = client.closed().await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_body_that_trickles_in_is_cut_off() {
    let server = Running::echo(&Listen { body_timeout: millis(200), ..loopback() });
    let mut client = server.connect().await;
    client.say("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\n").await;
    for _ in 0..4 {
        tokio::time::sleep(millis(20)).await;
        client.say("x").await;
    }
    assert_eq!(client.answer().await.status(), 408);
}

#[tokio::test]
async fn a_header_that_is_too_long_is_refused() {
    let server = Running::echo(&loopback());
    let mut client = server.connect().await;
    client.say(&format!("GET / HTTP/1.1\r\nx-long: {}\r\n\r\n", "x".repeat(33_000))).await;
    assert_eq!(client.answer().await.status(), 431);
}

/// What can't be read is answered in words too, and as the last thing on its connection: also behind other requests.
#[tokio::test]
async fn who_is_refused_before_the_header_is_read_is_told_why() {
    let server = Running::echo(&loopback());
    for (request, status, says) in [
        (format!("GET /?x={} HTTP/1.1\r\nhost: a\r\n\r\n", "x".repeat(70_000)), 431, "more than 32 KiB"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx-long: {}\r\n\r\n", "x".repeat(70_000)), 431, "more than 32 KiB"),
        ("GET / HTTP/1.1\r\nnonsense\r\n\r\n".to_owned(), 400, "isn't HTTP/1.1"),
        ("nonsense\r\n\r\n".to_owned(), 400, "isn't HTTP/1.1"),
    ] {
        for requests_before in [0, 2] {
            let mut client = server.connect().await;
            for _ in 0..requests_before {
                assert_eq!(client.get("/").await.body, "GET /");
            }
            // It may be refused before all of it was taken.
            let _sent = client.try_say(&request).await;
            let answer = client.answer().await;
            assert_eq!(answer.status(), status, "{request:.40}");
            assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{request:.40}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{request:.40}");
            assert!(answer.body.contains(says), "{}", answer.body);
            let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["status"], status);
        }
    }
}

#[tokio::test]
async fn a_panic_is_a_500_and_the_server_lives_on() {
    let server = Running::start(
        &loopback(),
        make(|request: Request| async move {
            assert_ne!(request.uri().path(), "/panic", "a bug");
            "well"
        }),
    );
    let mut client = server.connect().await;
    let answer = client.get("/panic").await;
    assert_eq!(answer.status(), 500);
    assert_snapshot!(answer.body, @r#"{"type":"about:blank","title":"Internal Server Error","status":500}"#);
    assert_eq!(client.get("/").await.body, "well");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_free_place() {
    let server = Running::echo(&Listen { max_connections: NonZeroUsize::MIN, ..loopback() });
    let mut first = server.connect().await;
    assert_eq!(first.get("/first").await.status(), 200);
    let mut second = server.connect().await;
    second.say("GET /second HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let early = tokio::time::timeout(millis(200), second.answer()).await;
    assert!(early.is_err(), "{early:?}");
    drop(first);
    assert_eq!(second.answer().await.body, "GET /second");
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    struct Gone(Arc<AtomicUsize>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    let gone = Arc::new(AtomicUsize::new(0));
    let guard = Arc::clone(&gone);
    let server = Running::start(
        &loopback(),
        make(move |_| {
            let guard = Gone(Arc::clone(&guard));
            async move {
                let () = std::future::pending().await;
                drop(guard);
            }
        }),
    );
    let mut client = server.connect().await;
    client.say("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    drop(client);
    soon(async {
        while gone.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = Server::bind(&loopback()).unwrap();
    let address = first.local_addr().unwrap();
    let second = Server::bind(&Listen { address, ..loopback() });
    let error = second.err().unwrap().to_string().replace(&address.to_string(), "ADDRESS");
    assert_snapshot!(error, @"can't listen on ADDRESS: Address already in use (os error 98)");
}

#[tokio::test]
async fn plain_http_where_others_could_read_it_is_refused() {
    let open = Listen { address: "0.0.0.0:0".parse().unwrap(), ..Listen::default() };
    assert_snapshot!(Server::bind(&open).err().unwrap(), @"listen.address is 0.0.0.0:0, where plain HTTP could be read by others: give tls_certificate and tls_key, or listen on a loopback address, or name the proxies in front in trusted_proxies");
    let declared = Listen { trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()], ..open };
    assert!(Server::bind(&declared).is_ok());
}
