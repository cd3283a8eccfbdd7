//! Problems that the server writes itself.

use http::StatusCode;

/// A problem (RFC 9457), which `detail` says more of: a text that needs no escapes.
pub(super) fn problem(status: StatusCode, detail: Option<&str>) -> String {
    let title = status.canonical_reason().unwrap_or("Error");
    let detail = detail.map(|detail| format!(r#","detail":"{detail}""#)).unwrap_or_default();
    format!(r#"{{"type":"about:blank","title":"{title}","status":{}{detail}}}"#, status.as_u16())
}
