//! Answers that are whole, as bytes: those of the endpoints that programs call.

use std::time::Duration;

use bytes::Bytes;
use poem::Response;
use poem::http::{self, HeaderMap, HeaderValue, StatusCode, header};

/// An answer whose body is there.
pub type Ready = http::Response<Bytes>;

/// The same as the framework has it.
pub fn whole(ready: Ready) -> Response {
    let (head, body) = ready.into_parts();
    let mut response = Response::from(head.status);
    *response.headers_mut() = head.headers;
    response.set_body(body);
    response
}

/// 200 with this body, which nobody keeps.
pub fn unkept(media_type: &'static str, body: impl Into<Bytes>) -> Ready {
    let mut ready = Ready::new(body.into());
    let mut headers = HeaderMap::with_capacity(ROOM);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    *ready.headers_mut() = headers;
    ready
}

/// Room for all header fields of an answer, so that it isn't made twice.
const ROOM: usize = 8;

fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// A document that everybody may read and keep, from any origin.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Bytes,
    etag: HeaderValue,
    control: HeaderValue,
}

impl Document {
    /// JSON that may be kept for so long, with a strong entity tag made from its content.
    pub fn json(value: &impl serde::Serialize, max_age: Duration) -> Self {
        let bytes = Bytes::from(serde_json::to_vec(value).unwrap_or_default());
        let hash = openssl::sha::sha256(&bytes);
        let hex = hash[..8].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let control = header_value(&format!("public, max-age={}", max_age.as_secs()));
        Self { bytes, etag: header_value(&format!("\"{hex}\"")), control }
    }

    /// Another one that may be kept for as long, with this strong entity tag, quotes included.
    #[must_use]
    pub fn beside(&self, bytes: Bytes, etag: &str) -> Self {
        Self { bytes, etag: header_value(etag), control: self.control.clone() }
    }

    /// The answer to a request with these header fields: 304 if it has the document (RFC 9110 §13.1.2).
    pub fn answer(&self, request: &HeaderMap) -> Ready {
        let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let matches = |tag: &str| tag == "*" || tag.trim_start_matches("W/").as_bytes() == self.etag.as_bytes();
        let fresh = known.is_some_and(|known| known.split(',').map(str::trim).any(matches));
        let mut headers = HeaderMap::with_capacity(ROOM);
        headers.insert(header::ETAG, self.etag.clone());
        headers.insert(header::CACHE_CONTROL, self.control.clone());
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        let mut ready = Ready::new(if fresh { Bytes::new() } else { self.bytes.clone() });
        if fresh {
            *ready.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        *ready.headers_mut() = headers;
        ready
    }
}
