//! The command line: a file per verb. A command parses, calls one service, prints.
//!
//! [`run`] has nothing of the process in it: the program and the tests give it arguments and a [`Console`], and get an
//! [`Exit`]. Standard output has what was asked for and nothing else; everything else goes to standard error.
//!
//! Decided against: configuration or `./signet-dev` found by itself. A command that changes something says where.

mod audit;
mod client;
mod completion;
mod config;
mod consent;
mod console;
mod dev;
mod doctor;
mod exit;
mod http;
mod key;
mod migrate;
mod openapi;
mod options;
mod password;
mod place;
mod record;
mod serve;
mod session;
mod tenant;
mod token;
mod user;
mod webhook;

use std::ffi::OsString;
use std::future::Future;

use clap::{CommandFactory as _, Parser, Subcommand};

pub use console::{Console, Prompt};
pub use exit::Exit;

use exit::CliError;
use options::Common;
use record::Format;

/// Signet, an OpenID Connect provider.
#[derive(Debug, Parser)]
#[command(name = "signet", version, after_help = exit::CODES, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve sign-in pages, tokens and keys over HTTP
    Serve(serve::Arguments),
    /// Bring the database's schema up to date
    Migrate(migrate::Arguments),
    /// Make, change and suspend tenants
    #[command(subcommand)]
    Tenant(tenant::Verb),
    /// Make and change people
    #[command(subcommand)]
    User(user::Verb),
    /// Make and change clients: the applications and services that tokens are for
    #[command(subcommand)]
    Client(client::Verb),
    /// Look at what people allowed clients, and take it back
    #[command(subcommand)]
    Consent(consent::Verb),
    /// Look at who is signed in, and end sessions
    #[command(subcommand)]
    Session(session::Verb),
    /// Look at signing keys, and rotate them by hand
    #[command(subcommand)]
    Key(key::Verb),
    /// Look through the audit log, and see whether it is whole
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Tell other programs of events
    #[command(subcommand)]
    Webhook(webhook::Verb),
    /// Explain tokens
    #[command(subcommand)]
    Token(token::Verb),
    /// Hold the configuration against the world that it is to run in
    Doctor,
    /// Check the configuration, or show what can be configured
    #[command(subcommand)]
    Config(config::Verb),
    /// Print the OpenAPI document
    Openapi,
    /// Print a completion script for a shell
    Completion(completion::Arguments),
}

/// Runs one command.
pub fn run(args: impl IntoIterator<Item = OsString>, console: &mut Console<'_>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(cli) => {
            let format = cli.common.format;
            cli.dispatch(console).unwrap_or_else(|error| report(console, format, &error))
        }
        Err(error) if error.use_stderr() => {
            let text = error.render().to_string();
            if asks_for_json(&args) {
                let text = text.trim().trim_start_matches("error: ");
                return report(console, Format::Json, &CliError::usage(text));
            }
            console.say(text.trim_end());
            Exit::Usage
        }
        // `--help` and `--version`.
        Err(error) => {
            let printed = record::print(console, &error.render().to_string());
            printed.unwrap_or_else(|error| report(console, Format::Text, &error))
        }
    }
}

impl Cli {
    fn dispatch(self, console: &mut Console<'_>) -> Result<Exit, CliError> {
        let common = &self.common;
        // The server logs by its configuration.
        let log = common.verbose && !matches!(self.command, Command::Serve(_));
        let _log = log.then(verbose_log);
        match self.command {
            Command::Serve(arguments) => serve::run(&arguments, common, console),
            Command::Migrate(arguments) => block_on(migrate::run(&arguments, common, console)),
            Command::Tenant(verb) => block_on(tenant::run(verb, common, console)),
            Command::User(verb) => block_on(place::run(verb, common, console)),
            Command::Client(verb) => block_on(place::run(verb, common, console)),
            Command::Consent(verb) => block_on(place::run(verb, common, console)),
            Command::Session(verb) => block_on(place::run(verb, common, console)),
            Command::Key(verb) => block_on(key::run(verb, common, console)),
            Command::Audit(verb) => block_on(audit::run(verb, common, console)),
            Command::Webhook(verb) => block_on(place::run(verb, common, console)),
            Command::Token(token::Verb::Explain(arguments)) => block_on(token::explain(arguments, common, console)),
            Command::Doctor => block_on(doctor::run(common, console)),
            Command::Config(verb) => config::run(verb, common, console),
            Command::Openapi => openapi::run(console),
            Command::Completion(arguments) => completion::run(arguments, Cli::command(), console),
        }
    }
}

/// One thread: a command does one thing after another, and starts sooner.
fn block_on(command: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CliError::io("the runtime can't start", &error))?.block_on(command)
}

fn verbose_log() -> tracing::subscriber::DefaultGuard {
    let config = crate::config::Log::default();
    tracing::subscriber::set_default(crate::telemetry::subscriber(&config, std::io::stderr))
}

fn report(console: &mut Console<'_>, format: Format, error: &CliError) -> Exit {
    let exit = error.exit();
    match format {
        Format::Text => console.say(&format!("signet: {error}")),
        Format::Json => {
            let error = serde_json::json!({ "error": { "code": exit.name(), "message": error.to_string() } });
            console.say(&error.to_string());
        }
    }
    exit
}

/// Whether arguments that can't be parsed ask for JSON.
fn asks_for_json(args: &[OsString]) -> bool {
    args.iter().any(|arg| arg == "--format=json")
        || args.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}
