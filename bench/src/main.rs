//! The benchmark of Signet: one command that starts a release server on a fresh database, drives it over
//! loopback from another core, and prints one table.
//!
//! Every figure stands beside the limit that the same machine showed minutes before (signatures, password
//! hashes, an empty web server), because absolute figures of shared machines say little. Speed never makes
//! the command fail; wrong answers do.
//!
//! Decided against: criterion-like statistics over in-process calls, since what counts is a whole server with
//! its sockets and its disk; and an off-the-shelf load generator, since none walks a sign-in through its pages.

mod arguments;
mod bench;
mod browser;
mod client;
mod cookies;
mod error;
mod form;
mod hello;
mod limit;
mod load;
mod measure;
mod pinning;
mod postgres;
mod process;
mod relying_party;
mod report;
mod same_request;
mod server;
mod site;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use tokio::runtime;

use crate::{
    arguments::{Arguments, Role},
    bench::Bench,
    error::BenchError,
};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.role {
        None => run(arguments),
        Some(Role::Hello { port }) => hello::serve(port).map(|()| ExitCode::SUCCESS),
        Some(Role::Limit { limit, seconds }) => limit::print(limit, seconds).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bench: {error}");
        ExitCode::from(2)
    })
}

/// Measures what was asked for and prints the table. One thread: the load has one core.
fn run(arguments: Arguments) -> Result<ExitCode, BenchError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(BenchError::io("the runtime"))?;
    let format = arguments.options.format;
    let report = runtime.block_on(async { Bench::new(arguments.options)?.run().await })?;
    print!("{}", report.render(format));
    Ok(if report.has_errors() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
