//! The listener on real sockets: time-outs, limits, TLS, proxies, shutdown.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod limits;
mod log;
mod proxies;
mod shutdown;
mod support;
mod tls;
