//! What handlers are given: the tenant, the caller, the client's credentials, the form, the browser's cookies.

pub mod bearer;
pub mod client_credentials;
pub mod cookies;
pub mod described;
pub mod oauth_form;
pub mod query;
pub mod visit;
