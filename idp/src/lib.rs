//! Signet, an OpenID Connect provider.
//!
//! Four floors, one direction: [`http`] calls [`service`], `service` calls [`store`] and the crate `keys`, and all
//! of them speak [`domain`]. [`app`] assembles the parts and is the only module that sees every one of them.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod route;
pub mod service;
pub mod store;
pub mod telemetry;
