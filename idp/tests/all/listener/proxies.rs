//! Whose word counts for the client's address and scheme.

use idp::config::Listen;
use idp::http::server::ClientAddress;
use poem::Request;
use poem::endpoint::make;
use rstest::rstest;

use super::support::{Running, loopback};

/// The client and its scheme, as the endpoint sees them.
fn who(config: &Listen) -> Running {
    Running::start(
        config,
        make(|request: Request| async move {
            ClientAddress::of(&request).map(|client| format!("{client} {}", request.scheme())).unwrap_or_default()
        }),
    )
}

#[rstest]
#[case::nobody_is_trusted(&[], "127.0.0.1 http")]
#[case::somebody_else_is_trusted(&["10.0.0.0/8"], "127.0.0.1 http")]
#[case::the_peer_is_trusted(&["127.0.0.1/32"], "192.0.2.7 https")]
#[case::the_peer_and_the_next_are_trusted(&["127.0.0.0/8", "192.0.2.0/24"], "203.0.113.5 https")]
#[tokio::test]
async fn only_declared_proxies_speak_for_the_client(#[case] trusted: &[&str], #[case] seen: &str) {
    let trusted_proxies = trusted.iter().map(|net| net.parse().unwrap()).collect();
    let server = who(&Listen { trusted_proxies, ..loopback() });
    let lines = "x-forwarded-for: 203.0.113.5, 192.0.2.7\r\nx-forwarded-proto: https\r\n";
    let answer = server.connect().await.get_with("/", lines).await;
    assert_eq!(answer.body, seen);
}

#[tokio::test]
async fn other_forwarding_headers_count_from_nobody() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let server = who(&Listen { trusted_proxies, ..loopback() });
    let lines = "x-real-ip: 192.0.2.7\r\nforwarded: for=192.0.2.7;proto=https\r\nx-client-ip: 192.0.2.7\r\n";
    assert_eq!(server.connect().await.get_with("/", lines).await.body, "127.0.0.1 http");
}
