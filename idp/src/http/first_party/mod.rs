//! The JSON API for one's own applications, below `/v1/auth`.

pub mod m2m_token;
