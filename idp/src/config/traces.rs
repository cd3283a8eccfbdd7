//! `[traces]`: what requests spent their time with, for a collector of OpenTelemetry's.

use std::num::NonZeroUsize;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use url::Url;

use super::errors::Fault;
use super::reader::{Reader, Section};
use super::setting::{Form, Setting};
use crate::domain::Secret;

pub(super) const ABOUT: &str = "Traces: what requests spent their time with, for a collector of OpenTelemetry's \
    (OTLP by HTTP, in protobuf). Without `endpoint` there are none, and they cost nothing.";

/// Where traces go, and which.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Where spans are posted to; without it there are none.
    pub endpoint: Option<String>,
    /// What is in the head of each post: `name=value`, between commas.
    pub headers: Option<Secret>,
    /// What Signet is called there.
    pub service_name: String,
    /// Which share of traces is recorded.
    pub sampling_ratio: Ratio,
    /// Whether a caller that says whether its trace is recorded decides that for Signet's part.
    pub parent_based: bool,
    /// Time for a post, and for the last ones at the end.
    pub timeout: Duration,
    /// How many spans wait to be posted; more are dropped.
    pub queue: NonZeroUsize,
}

/// A number from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio(pub f64);

impl Traces {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        Self {
            endpoint: section.optional(
                "endpoint",
                "http://127.0.0.1:4318/v1/traces",
                "Where spans are posted to. Without a path, /v1/traces is meant. It may be any address, also by plain http: \
                 `outbound.allowed_networks` isn't asked.",
            ),
            headers: section.optional_secret(
                "headers",
                "authorization=Bearer%20…,x-team=identity",
                "What is in the head of each post: `name=value` between commas, %20 for a space.",
            ),
            service_name: section.value("service_name", "signet".to_owned(), "What Signet is called there (`service.name`)."),
            sampling_ratio: section.value(
                "sampling_ratio",
                Ratio(1.0),
                "Which share of traces is recorded, from \"0\" to \"1\". It is decided by the trace's id, so that all who \
                 decide by it decide alike.",
            ),
            parent_based: section.value(
                "parent_based",
                false,
                "Whether a caller whose `traceparent` says that its trace is recorded, or isn't, decides that for Signet's \
                 part as well. Only where nobody but your own proxies and services reaches Signet with that header: strangers \
                 could have everything recorded.",
            ),
            timeout: section.value(
                "timeout",
                Duration::from_secs(5),
                "Time for a post, and for the last ones at the end. No request waits for it.",
            ),
            queue: section.value(
                "queue",
                NonZeroUsize::new(2048).unwrap_or(NonZeroUsize::MIN),
                "How many spans wait to be posted. More are dropped and counted.",
            ),
        }
    }

    /// What is wrong with these values. None of the texts has a header's value in it.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.endpoint.is_some() && self.url().is_none() {
            faults.push(Fault::new(
                "endpoint",
                "must be an http or https URL with a host and without user name and fragment",
            ));
        }
        if self.headers.is_some() && self.head().is_none() {
            faults.push(Fault::new("headers", "must be pairs of name=value between commas, with %20 for a space"));
        }
        if self.service_name.is_empty() || self.service_name.len() > 255 || self.service_name.contains(char::is_control)
        {
            faults.push(Fault::new("service_name", "must be a name of at most 255 bytes"));
        }
        if self.timeout.is_zero() || self.timeout > Duration::from_mins(1) {
            faults.push(Fault::new("timeout", "must be longer than 0s and not longer than 1m"));
        }
        if self.queue.get() > 1_000_000 {
            faults.push(Fault::new("queue", "must be 1000000 or less"));
        }
        faults
    }

    /// Where spans are posted to, if anywhere.
    pub fn url(&self) -> Option<Url> {
        let mut url = Url::parse(self.endpoint.as_ref()?).ok()?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if url.path() == "/" {
            url.set_path("/v1/traces");
        }
        fits.then_some(url)
    }

    /// The fields of [`Self::headers`]; `None` if it has none that could be sent.
    pub fn head(&self) -> Option<Vec<(HeaderName, HeaderValue)>> {
        let Some(headers) = &self.headers else { return Some(Vec::new()) };
        let field = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            let mut value = HeaderValue::from_bytes(&unescaped(value.trim())?).ok()?;
            value.set_sensitive(true);
            Some((name.trim().parse().ok()?, value))
        };
        headers.expose().split(',').filter(|pair| !pair.trim().is_empty()).map(field).collect()
    }
}

/// A text with its `%20` as the bytes that they stand for.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next()?.as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    Some(bytes)
}

impl Default for Traces {
    fn default() -> Self {
        Reader::defaults(Self::read)
    }
}

impl Setting for Ratio {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = text.parse::<f64>().ok().filter(|number| plain && (0.0..=1.0).contains(number));
        number.map(Self).ok_or_else(|| "expected a number from 0 to 1, such as \"0.1\"".to_owned())
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::super::setting::Setting as _;
    use super::{Ratio, Traces};
    use crate::domain::Secret;

    #[test]
    fn a_ratio_is_from_nothing_to_everything() {
        for (text, ratio) in [("0", 0.0), ("0.25", 0.25), ("1", 1.0), ("1.0", 1.0), ("0.001", 0.001)] {
            assert_eq!(Ratio::parse(text), Ok(Ratio(ratio)), "{text}");
            assert_eq!(Ratio::parse(&Ratio(ratio).show()), Ok(Ratio(ratio)));
        }
        for text in ["", ".", "-0.1", "1.1", "2", "NaN", "inf", "1e-3", " 1", "0,5"] {
            assert!(Ratio::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_endpoint_is_an_address_that_can_be_posted_to() {
        let url = |text: &str| Traces { endpoint: Some(text.to_owned()), ..Traces::default() }.url().map(String::from);
        for (text, meant) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("https://collector.example/", "https://collector.example/v1/traces"),
            ("https://collector.example/otlp/v1/traces?key=1", "https://collector.example/otlp/v1/traces?key=1"),
        ] {
            assert_eq!(url(text).as_deref(), Some(meant));
        }
        for text in ["", "collector:4318", "grpc://a:4317", "http://", "http://u@a/", "http://u:p@a/", "http://a/#f"] {
            assert_eq!(url(text), None, "{text}");
        }
    }

    #[test]
    fn headers_are_pairs_whose_values_are_no_texts_for_the_log() {
        let head = |text: &str| Traces { headers: Some(Secret::new(text)), ..Traces::default() }.head();
        let fields = head("authorization=Bearer%20a%2Cb=c, x-team = identity,").unwrap();
        let values: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(values, [("authorization", "Bearer a,b=c"), ("x-team", "identity")]);
        assert!(!format!("{fields:?}").contains("Bearer"));
        for text in ["authorization", "a b=c", "=c", "x=%2", "x=%zz", "x=a%0Ab"] {
            assert!(head(text).is_none(), "{text}");
        }
    }
}
