//! A web application whose visitors sign in at an OIDC provider.
//!
//! Made to be read and copied. `provider` is all that there is to do with OIDC; `app` is the web
//! application around it; `visitors` remembers who is who between two requests. Nothing in it is special to Signet.

mod app;
mod config;
mod http_client;
mod pages;
mod provider;
mod visitors;

use std::process::ExitCode;

use clap::Parser;

/// What can go wrong before the first request is served.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    #[error(transparent)]
    Setup(#[from] provider::SetupError),
    #[error("the web server stopped: {0}")]
    Serve(#[from] std::io::Error),
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(config::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("relying-party: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: config::Arguments) -> Result<(), StartError> {
    let config = arguments.resolve()?;
    let provider = provider::Provider::new(&config)?;
    app::serve(&config, provider).await?;
    Ok(())
}
