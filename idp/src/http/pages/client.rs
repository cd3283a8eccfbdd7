//! What the pages show of a client: its name, its logo, its links, and where the reader goes back to.
//!
//! All of it was written by whoever registered the client, so that each part is checked for what a page does with it.

use std::fmt;

use url::{Host, Url};

/// The longest picture that may stand in the page itself, in bytes of its `data:` URL.
const MAX_DATA_URL: usize = 32 * 1024;

/// A client as the reader sees it.
#[derive(Clone, Debug, Default)]
pub struct ClientDisplay {
    /// The name it was registered with, or its `client_id`.
    pub name: String,
    /// `logo_uri`
    pub logo: Option<LogoUrl>,
    /// `client_uri`: its home page.
    pub home: Option<Link>,
    /// `policy_uri`: how it uses personal data.
    pub policy: Option<Link>,
    /// `tos_uri`: its terms of service.
    pub terms: Option<Link>,
    /// Whether it is no client at all but our own account console: the pages say that in words of their own.
    pub is_console: bool,
}

impl ClientDisplay {
    /// A client of which only the name is known.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// The letter that stands in for a logo; empty when the name has no letter or digit.
    pub(super) fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// The first letter or digit of a name, in upper case.
pub(super) fn initial(name: &str) -> String {
    name.chars().find(|c| c.is_alphanumeric()).map(|c| c.to_uppercase().collect()).unwrap_or_default()
}

/// The address of a picture: https, a picture in a `data:` URL, or a path on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogoUrl(String);

impl LogoUrl {
    /// `None` when a page wouldn't be allowed to load it, or shouldn't.
    pub fn parse(address: &str) -> Option<Self> {
        const PICTURES: [&str; 5] = ["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"];
        if let Some(data) = address.strip_prefix("data:") {
            let is_picture =
                PICTURES.iter().any(|kind| data.strip_prefix(kind).is_some_and(|rest| rest.starts_with([';', ','])));
            return (is_picture && address.len() <= MAX_DATA_URL).then(|| Self(address.to_owned()));
        }
        if address.starts_with('/') {
            // `//host` and `/\host` would be other hosts.
            let is_path = !address.starts_with("//") && !address.contains(['\\', '\t', '\r', '\n']);
            return is_path.then(|| Self(address.to_owned()));
        }
        let url = Url::parse(address).ok()?;
        (url.scheme() == "https" && url.host().is_some()).then(|| Self(url.into()))
    }
}

impl fmt::Display for LogoUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The address of a web page, http or https and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link(String);

impl Link {
    /// `None` for what isn't a web page, such as `javascript:`.
    pub fn parse(address: &str) -> Option<Self> {
        let url = Url::parse(address).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| Self(url.into()))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Where the reader goes back to: a site with its host, or an app on the device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTarget {
    /// Source expression of a policy: an origin, or a scheme with its colon.
    source: String,
    /// Host, with the port when it isn't the usual one; `None` for an app.
    host: Option<String>,
}

impl ReturnTarget {
    /// What a redirect URI leads to. `None` when a browser mustn't be sent there.
    pub fn from_redirect_uri(redirect_uri: &str) -> Option<Self> {
        let url = Url::parse(redirect_uri).ok()?;
        let target = match url.scheme() {
            scheme @ ("http" | "https") => {
                let host = url.host()?;
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                let source = match host {
                    // A content security policy has no way to write such an address.
                    Host::Ipv6(_) => format!("{scheme}:"),
                    Host::Ipv4(_) | Host::Domain(_) => format!("{scheme}://{host}{port}"),
                };
                Self { source, host: Some(format!("{host}{port}")) }
            }
            "javascript" | "data" | "blob" | "file" | "about" | "filesystem" | "view-source" | "ws" | "wss" => {
                return None;
            }
            scheme => Self { source: format!("{scheme}:"), host: None },
        };
        // A semicolon or comma in a host would begin another directive or policy.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '-' | '_' | '+');
        target.source.chars().all(is_plain).then_some(target)
    }

    /// The source expression, for a content security policy.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// The host to name to the reader; `None` for an app on the device.
    pub(super) fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_link_is_a_web_page() {
        assert!(Link::parse("https://acme.example/privacy?x=1").is_some());
        assert!(Link::parse("http://acme.example/").is_some());
        for hostile in
            ["javascript:alert(1)", " JaVaScRiPt:alert(1)", "data:text/html,x", "/relative", "", "mailto:a@b.example"]
        {
            assert_eq!(Link::parse(hostile), None, "{hostile}");
        }
    }

    #[test]
    fn a_logo_is_a_picture_that_the_policy_lets_in() {
        for good in ["https://acme.example/logo.svg", "/logo.png", "data:image/png;base64,AAAA", "data:image/svg+xml,x"]
        {
            assert!(LogoUrl::parse(good).is_some(), "{good}");
        }
        let long = format!("data:image/png;base64,{}", "A".repeat(MAX_DATA_URL));
        let hostile = [
            "http://acme.example/l.png",
            "//evil.example/l.png",
            "/\\evil.example",
            "data:text/html,x",
            "data:image/pngx",
            "",
            &long,
        ];
        for address in hostile {
            assert_eq!(LogoUrl::parse(address), None, "{address}");
        }
    }

    #[test]
    fn a_redirect_uri_becomes_one_source_of_the_policy() {
        let source = |uri| ReturnTarget::from_redirect_uri(uri).map(|target| (target.source, target.host));
        let site = |source: &str, host: &str| Some((source.to_owned(), Some(host.to_owned())));
        assert_eq!(source("https://acme.example/cb?x=1"), site("https://acme.example", "acme.example"));
        assert_eq!(source("http://127.0.0.1:8090/callback"), site("http://127.0.0.1:8090", "127.0.0.1:8090"));
        assert_eq!(source("http://[::1]:8090/callback"), site("http:", "[::1]:8090"));
        assert_eq!(source("https://bücher.example/cb"), site("https://xn--bcher-kva.example", "xn--bcher-kva.example"));
        assert_eq!(source("com.acme.app:/callback"), Some(("com.acme.app:".to_owned(), None)));
    }

    #[test]
    fn no_redirect_uri_writes_into_the_policy() {
        for uri in [
            "https://a.example;script-src%20*/",
            "https://a.example;script-src/",
            "https://a.example,b/",
            "https://'unsafe-inline'/",
            "https://*/",
            "javascript:alert(1)",
            "data:text/html,x",
            "not a uri",
        ] {
            assert_eq!(ReturnTarget::from_redirect_uri(uri), None, "{uri}");
        }
    }

    #[test]
    fn the_initial_is_the_first_letter_or_digit() {
        assert_eq!(initial("<acme>"), "A");
        assert_eq!(initial("ß"), "SS");
        assert_eq!(initial("…"), "");
        assert_eq!(ClientDisplay::new("7-eleven").initial(), "7");
        assert!(ReturnTarget::from_redirect_uri("https://a.example").unwrap().host().is_some());
    }
}
