//! How the endpoints say that something went wrong: OAuth endpoints by RFC 6749, APIs by RFC 9457, browsers by a page.
//! What the caller may read is here; what the operator should know goes to the log where it happens.

pub mod fallback;
pub mod form;
pub mod oauth;
pub mod page;
pub mod problem;
