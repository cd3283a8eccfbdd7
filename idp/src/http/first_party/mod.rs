//! The JSON API for one's own apps, below `/v1/auth`.

mod api;
mod bearer;
mod cookie;
pub mod m2m_token;
pub mod model;
mod refusal;
mod watching;

pub use api::FirstParty;
pub use watching::Watching;
