//! Everything about the provider that is shown from the outside of its modules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod architecture;
mod cli;
mod config;
mod fuzz_corpus;
mod http;
mod listener;
mod nodes;
mod service;
mod store;
mod support;
