//! Who the client is, seen through the proxies that are declared.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::uri::Scheme;
use poem::{FromRequest, Request, RequestBody};

use crate::config::Listen;

/// The client's address, for limits, the audit and the log.
///
/// The server resolves it once for each request and gives it to poem as the remote address. It is the socket's peer,
/// unless that is a declared proxy: then the address in `X-Forwarded-For` nearest to us that isn't one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

impl ClientAddress {
    /// The client of a request; `None` where no socket is behind it.
    pub fn of(request: &Request) -> Option<Self> {
        request.remote_addr().as_socket_addr().map(|address| Self(address.ip().to_canonical()))
    }

    /// The address; an IPv4 one is never written as an IPv6 one.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'a> FromRequest<'a> for ClientAddress {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> poem::Result<Self> {
        Self::of(request).ok_or_else(|| poem::Error::from_status(http::StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// The client's address and scheme, of a request that came from a declared proxy at `peer`.
pub(super) fn forwarded(
    config: &Listen,
    headers: &HeaderMap,
    peer: SocketAddr,
    scheme: &Scheme,
) -> (SocketAddr, Scheme) {
    (forwarded_for(config, headers, peer), forwarded_proto(headers).unwrap_or_else(|| scheme.clone()))
}

/// Goes from the nearest address outwards while each is a declared proxy: only what such a one wrote counts. An entry
/// that is no address ends the walk at the proxy that wrote it.
fn forwarded_for(config: &Listen, headers: &HeaderMap, peer: SocketAddr) -> SocketAddr {
    let mut client = peer;
    for line in headers.get_all("x-forwarded-for").iter().rev() {
        let Ok(line) = line.to_str() else { return client };
        for entry in line.rsplit(',').map(str::trim) {
            match entry_address(entry) {
                Some(address) => client = SocketAddr::new(address.to_canonical(), 0),
                None => return client,
            }
            if !config.trusts(client.ip()) {
                return client;
            }
        }
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:4711`.
fn entry_address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    bare.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// What the nearest proxy says: the last word of the last line.
fn forwarded_proto(headers: &HeaderMap) -> Option<Scheme> {
    let line = headers.get_all("x-forwarded-proto").iter().next_back()?.to_str().ok()?;
    match line.rsplit(',').next()?.trim() {
        "https" => Some(Scheme::HTTPS),
        "http" => Some(Scheme::HTTP),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use http::header::{HeaderMap, HeaderValue};
    use http::uri::Scheme;
    use rstest::rstest;

    use super::forwarded;
    use crate::config::Listen;

    /// Proxies at 10.0.0.0/8 and `2001:db8:1::/48`; the peer is 10.0.0.1, but for the cases that say otherwise.
    #[rstest]
    #[case::no_header("10.0.0.1", &[], "10.0.0.1")]
    #[case::one_client("10.0.0.1", &["192.0.2.7"], "192.0.2.7")]
    #[case::forged_entries_are_passed_over("10.0.0.1", &["1.1.1.1, 192.0.2.7"], "192.0.2.7")]
    #[case::several_proxies("10.0.0.1", &["192.0.2.7, 10.0.0.3, 10.0.0.2"], "192.0.2.7")]
    #[case::forged_behind_several_proxies("10.0.0.1", &["1.1.1.1, 192.0.2.7,10.0.0.2"], "192.0.2.7")]
    #[case::several_lines("10.0.0.1", &["1.1.1.1, 192.0.2.7", "10.0.0.2"], "192.0.2.7")]
    #[case::only_proxies("10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9")]
    #[case::with_port("10.0.0.1", &["192.0.2.7:4711"], "192.0.2.7")]
    #[case::ipv6("10.0.0.1", &["2001:db8::7"], "2001:db8::7")]
    #[case::ipv6_in_brackets("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7")]
    #[case::ipv6_with_port("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7")]
    #[case::ipv6_proxy("10.0.0.1", &["192.0.2.7, 2001:db8:1::5"], "192.0.2.7")]
    #[case::mapped_ipv4("10.0.0.1", &["::ffff:192.0.2.7"], "192.0.2.7")]
    #[case::mapped_proxy("::ffff:10.0.0.1", &["192.0.2.7"], "192.0.2.7")]
    #[case::no_address("10.0.0.1", &["unknown"], "10.0.0.1")]
    #[case::no_address_behind_a_proxy("10.0.0.1", &["192.0.2.7, unknown, 10.0.0.2"], "10.0.0.2")]
    #[case::empty("10.0.0.1", &[""], "10.0.0.1")]
    #[case::not_ascii("10.0.0.1", &["192.0.2.7\u{e9}"], "10.0.0.1")]
    fn the_nearest_address_that_is_no_proxy(#[case] peer: &str, #[case] lines: &[&str], #[case] client: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        let peer = std::net::SocketAddr::new(peer.parse().unwrap(), 1234);
        let (address, _) = forwarded(&proxies(), &headers, peer, &Scheme::HTTP);
        assert_eq!(address.ip().to_canonical().to_string(), client);
    }

    #[rstest]
    #[case(&[], "http")]
    #[case(&["https"], "https")]
    #[case(&["http, https"], "https")]
    #[case(&["http", "https"], "https")]
    #[case(&["https, http"], "http")]
    #[case(&["javascript"], "http")]
    fn the_scheme_that_the_nearest_proxy_names(#[case] lines: &[&'static str], #[case] scheme: &str) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-proto", HeaderValue::from_static(line));
        }
        let peer = "10.0.0.1:1234".parse().unwrap();
        assert_eq!(forwarded(&proxies(), &headers, peer, &Scheme::HTTP).1.as_str(), scheme);
    }

    fn proxies() -> Listen {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()];
        Listen { trusted_proxies, ..Listen::default() }
    }
}
