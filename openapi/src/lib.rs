//! The resource server: what a tenant's data API is made of, and the documents that describe it.
//!
//! It knows how an API says that something went wrong ([`Problem`]) and how a document is written so that it can be
//! checked in ([`document`]).

pub mod document;
pub mod problem;

pub use problem::Problem;
