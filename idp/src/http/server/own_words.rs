//! What hyper says by itself, of a request that it can't read, has no body. It's given one here: the same problem that
//! other requests get which reach no endpoint.
//!
//! hyper has no place for that: it writes the answer before anybody hears of the fault. So the one answer that a
//! connection can have while the header of a request is still being read is changed on its way out.

use bytes::Bytes;
use http::StatusCode;

use super::problem::problem;

/// Statuses that hyper answers with by itself, and what to do about each.
const KNOWN: [(StatusCode, &str); 3] = [
    (StatusCode::BAD_REQUEST, "The request isn't HTTP/1.1 as RFC 9112 has it."),
    (StatusCode::URI_TOO_LONG, "The address is too long: send less in it, or send it in the body of a POST."),
    (
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request's line and its header fields have more than 32 KiB: send less in the address, in a POST, or clear \
         the cookies of this site.",
    ),
];

/// The whole answer, if this is the head of one of hyper's own.
pub(super) fn instead_of(head: &[u8]) -> Option<Bytes> {
    let rest = head.strip_prefix(b"HTTP/1.1 ")?;
    let (status, detail) = KNOWN.iter().find(|(status, _)| rest.starts_with(status.as_str().as_bytes()))?;
    let head = std::str::from_utf8(head).ok()?.strip_suffix("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?;
    let mut is_empty = false;
    let mut kept = String::new();
    for field in lines {
        let (name, value) = field.split_once(':')?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => is_empty = value.trim() == "0",
            // Ours have many more.
            "connection" | "date" => kept.extend([field, "\r\n"]),
            _ => return None,
        }
    }
    let body = problem(*status, Some(detail));
    let own = format!(
        "{line}\r\n{kept}content-type: application/problem+json\r\ncache-control: no-store\r\n\
         x-content-type-options: nosniff\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    is_empty.then(|| own.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hyper_s_own_answers_are_changed() {
        let own =
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        assert!(instead_of(own.as_bytes()).is_some());
        for other in [
            own.replace("431", "404"),
            own.replace("content-length: 0", "content-length: 1"),
            own.replace("date: x", "x-request-id: x"),
            own.replace("content-length: 0\r\n", ""),
            format!("{own}more"),
            format!("HTTP/1.1 200 OK\r\n\r\n{own}"),
            String::new(),
        ] {
            assert_eq!(instead_of(other.as_bytes()), None, "{other}");
        }
    }
}
