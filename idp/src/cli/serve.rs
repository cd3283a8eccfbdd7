//! `signet serve`: the provider itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::console::Console;
use super::dev::{self, facts::Facts, folder::Folder};
use super::exit::{CliError, Exit};
use super::options::{self, Common};
use super::record::{self, Format};
use crate::app::{App, AppError};
use crate::config::Log;
use crate::domain::TenantId;
use crate::http::server::Server;
use crate::service::key_rings;
use crate::service::random::{Random, SystemRandom};
use crate::telemetry::{self, LogGuard};

/// Where the development mode keeps its data unless told otherwise.
const FOLDER: &str = "./signet-dev";

/// Options of `signet serve`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Development mode: needs no configuration, keeps everything in the folder of --data (./signet-dev), makes demo
    /// people and clients and prints them
    #[arg(long)]
    dev: bool,
    /// With --dev: loopback address and port [default: 127.0.0.1:8080]; port 0 takes a free one and keeps it
    #[arg(long, value_name = "ADDR:PORT", requires = "dev")]
    listen: Option<SocketAddr>,
    /// With --dev: another database than a SQLite file in the folder
    #[arg(long, value_name = "URL", requires = "dev")]
    database_url: Option<String>,
}

/// Serves until SIGTERM or SIGINT. Requests under way are finished; a second signal ends it at once.
pub(super) fn run(arguments: &Arguments, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::io("the runtime can't start", &error))?;
    let served = if arguments.dev {
        let development = Development::prepare(arguments, common, console, &runtime)?;
        let _log = log(&development.log)?;
        runtime.block_on(development.serve(common.format, console))
    } else {
        if common.data.is_some() {
            return Err(CliError::usage(
                "--data is a folder of the development mode: say --dev as well, or give --config",
            ));
        }
        let config = common.load(console)?;
        options::refuse_missing_file(&config)?;
        let _log = log(&config.log)?;
        runtime.block_on(async {
            let server = Server::bind(&config.listen)?;
            let app = App::open(config).await?;
            // A wrong key-encryption key shows now, not at the first sign-in.
            key_rings::ring(&app.ctx, TenantId::DEFAULT).await?;
            let signals = Signals::new()?;
            signals.serve(app, server).await
        })
    };
    runtime.shutdown_background();
    served
}

fn log(config: &Log) -> Result<LogGuard, CliError> {
    telemetry::init(config).map_err(|error| CliError::new(Exit::Failed, error.to_string()))
}

/// The development mode, with everything ready but the database.
struct Development {
    folder: Folder,
    facts: Facts,
    /// Whether this start drew the passwords and secrets.
    drawn: bool,
    stored: dev::Stored,
    program: PathBuf,
    log: Log,
}

impl Development {
    fn prepare(
        arguments: &Arguments,
        common: &Common,
        console: &Console<'_>,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<Self, CliError> {
        if common.config.is_some() {
            return Err(CliError::usage("--dev needs no configuration: leave out either --dev or --config"));
        }
        let folder = Folder::create(common.data.as_deref().unwrap_or_else(|| Path::new(FOLDER)))?;
        folder.ensure_key()?;
        folder.keep_database_url(arguments.database_url.as_deref())?;
        let known = folder.facts()?;
        let issuer = known.as_ref().map(|facts| &facts.issuer);
        let _runtime = runtime.enter();
        let mut env = console.env.clone();
        if common.verbose {
            env.insert(0, ("SIGNET_LOG__FILTER".to_owned(), "info".to_owned()));
        }
        let stored = dev::choose(&folder, issuer, arguments.listen, &env)?;
        let drawn = known.is_none();
        let facts = known.or_else(|| Facts::draw(stored.issuer.clone(), &SystemRandom as &dyn Random));
        let facts = facts.ok_or_else(|| CliError::new(Exit::Failed, "the demo data can't be made"))?;
        if drawn {
            folder.write_facts(&facts)?;
        }
        let log = stored.config.log.clone();
        Ok(Self { folder, facts, drawn, stored, program: console.program.clone(), log })
    }

    async fn serve(self, format: Format, console: &mut Console<'_>) -> Result<Exit, CliError> {
        let signals = Signals::new()?;
        let app = match App::open_and_migrate(self.stored.config).await {
            Ok(app) => app,
            Err(error) => {
                if self.drawn {
                    self.folder.forget_facts();
                }
                return Err(refused(error));
            }
        };
        dev::seed(&app.ctx, &self.facts, self.drawn).await?;
        key_rings::ring(&app.ctx, TenantId::DEFAULT).await?;
        let text = match format {
            Format::Text => dev::welcome(&self.facts, &self.folder, &self.program),
            Format::Json => serde_json::to_string(&self.facts)
                .map(|json| json + "\n")
                .map_err(|error| CliError::new(Exit::Failed, error.to_string()))?,
        };
        record::print(console, &text)?;
        signals.serve(app, self.stored.server).await
    }
}

/// What to do about a database that was begun elsewhere is said in the words of the development mode.
fn refused(error: AppError) -> CliError {
    match error {
        AppError::Issuer { configured, stored } => {
            let address = stored.trim_start_matches("http://");
            CliError::new(
                Exit::Refused,
                format!(
                    "the database was begun at {stored}, which is in every token and so can't become {configured}: say \
                     --listen {address}, or begin anew with another folder (--data) or database (--database-url)"
                ),
            )
        }
        other => other.into(),
    }
}

/// The signals that end the process.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, CliError> {
        let listen = |kind| signal(kind).map_err(|error| CliError::io("signals can't be listened to", &error));
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    async fn serve(mut self, app: App, server: Server) -> Result<Exit, CliError> {
        let management = app.bind_management()?;
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let twice = async move {
            self.next().await;
            stop.cancel();
            self.next().await;
        };
        tokio::select! {
            () = app.serve(server, management, stopping.cancelled()) => Ok(Exit::Ok),
            () = twice => Err(CliError::new(Exit::Failed, "ended by a second signal, before all requests were finished")),
        }
    }
}
