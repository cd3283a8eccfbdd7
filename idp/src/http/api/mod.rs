//! What the JSON APIs share, `/v1/admin` and `/v1/auth`: how a body is read, how it is answered, how lists come in parts, how
//! a request is refused, and how all of it stands in the OpenAPI document.
//!
//! Bodies are read by serde into types that name every member, so that one that isn't known is refused by its name; the
//! same types describe them in the document.

pub(super) mod answer;
pub(super) mod body;
pub(super) mod paging;
pub(super) mod refusal;
pub(super) mod schema;

/// Type of the problem that what was asked for is understood, and a rule forbids it, whatever it is asked with.
pub const RULE: &str = "urn:signet:problem:rule";
