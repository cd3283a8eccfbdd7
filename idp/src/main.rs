//! The program `signet`. Everything it does is in the library; here is what only a process has.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use idp::cli::{self, Console, Prompt};
use idp::domain::Secret;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let mut ask = |text: &str| rpassword::prompt_password(text).map(Secret::new);
    let prompt: Option<&mut Prompt<'_>> = if io::stdin().is_terminal() { Some(&mut ask) } else { None };
    let mut console = Console {
        env: environment(),
        program: std::env::current_exe().unwrap_or_else(|_| "signet".into()),
        stdin: &mut io::stdin(),
        stdout: &mut io::stdout(),
        stderr: &mut io::stderr(),
        prompt,
    };
    cli::run(std::env::args_os(), &mut console).into()
}

/// Variables that aren't UTF-8 are none of ours.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    std::env::vars_os().filter_map(text).collect()
}
