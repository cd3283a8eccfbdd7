//! Everything over HTTP, from the outside.

mod code_flow;
mod token;
mod authorize;
mod tenants;
