//! Everything over HTTP, from the outside.

pub mod code_flow;
pub mod token;
pub mod authorize;
pub mod tenants;
