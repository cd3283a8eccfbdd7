//! What tests share.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod ambient;
pub(crate) mod browser;
pub(crate) mod cluster;
pub(crate) mod collector;
pub(crate) mod database;
pub(crate) mod deliveries;
pub(crate) mod elsewhere;
pub(crate) mod redis;
pub(crate) mod routes;
pub(crate) mod world;

pub(crate) use database::databases;
