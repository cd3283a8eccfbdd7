//! Tests.

mod config;
mod listener;
