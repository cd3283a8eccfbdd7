//! `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10).

use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::service::rate_limits::Usage;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Writes the limit, and what is left of it. A narrower limit that the endpoint wrote stays.
pub(super) fn write(usage: &Usage, headers: &mut HeaderMap) {
    if headers.contains_key(&LIMIT) {
        return;
    }
    let Usage { limited, quota, window, remaining, reset, exceeded: _ } = usage;
    let name = limited.name();
    let policy = HeaderValue::try_from(format!(r#""{name}";q={quota};w={window}"#));
    let limit = HeaderValue::try_from(format!(r#""{name}";r={remaining};t={reset}"#));
    for (name, value) in [(POLICY, policy), (LIMIT, limit)] {
        if let Ok(value) = value {
            headers.insert(name, value);
        }
    }
}
