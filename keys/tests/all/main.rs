//! The tests of the `keys` crate, in one binary. Module names say what they specify.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod claims;
mod explaining;
mod foreign_keys;
mod foreign_libraries;
mod generation;
mod hmac;
mod lifecycle;
mod ring;
mod sealing;
mod signing;
mod support;
mod vectors;
mod verifying;
