//! The route table: one row a path, with everything that depends on the path alone.
//!
//! Method sets, CORS, rate limits, the style of errors, the fast path, telemetry labels and the examples of the
//! reference derive from it. A test compares it with the router and with the OpenAPI document.
//!
//! Rejected: a router made from the table. The OpenAPI service builds its own from the endpoints, and one function
//! pointer type for all handlers would hide their extractors.

mod row;
mod table;

pub use row::{Audience, Cors, ErrorStyle, ExampleCredential, FastPath, Route};
pub use table::{FAMILIES, ROUTES, UNMATCHED, of, position};
