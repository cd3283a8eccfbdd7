//! How a command ends: exit codes, and the sentence that says what to do next.

use std::error::Error as _;
use std::process::ExitCode;

use thiserror::Error;

use crate::app::AppError;
use crate::config::ConfigErrors;
use crate::http::server::ServerError;
use crate::service::Failure;
use crate::service::clients::ClientChangeError;
use crate::service::consents::WithdrawError;
use crate::service::deliveries::ReplayError;
use crate::service::key_rings::KeyChangeError;
use crate::service::reseal::ResealError;
use crate::service::tenants::TenantChangeError;
use crate::service::users::UserChangeError;
use crate::service::webhooks::WebhookError;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was done.
    Ok,
    /// It failed, or what was asked about isn't as it should be: an invalid token, a check of `doctor`.
    Failed,
    /// The arguments or the configuration can't be used.
    Usage,
    /// There is nothing of that name.
    NotFound,
    /// The name is taken, or somebody else changed the same thing at the same time.
    Conflict,
    /// A rule forbids it.
    Refused,
    /// The database can't be reached, or an address is in use: it may work later.
    Unavailable,
}

impl Exit {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Conflict => 4,
            Self::Refused => 5,
            Self::Unavailable => 6,
        }
    }

    /// Its name in the JSON of an error.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::Unavailable => "unavailable",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table of exit codes at the end of `signet --help`.
pub(super) const CODES: &str = "\
Exit codes:
  0  done
  1  failed, or what was asked about isn't as it should be (an invalid token, a check of doctor)
  2  the arguments or the configuration can't be used
  3  there is nothing of that name
  4  the name is taken, or somebody else changed the same thing at the same time
  5  a rule forbids it
  6  the database can't be reached or an address is in use: try again later

Errors go to standard error, with --format json as {\"error\": {\"code\", \"message\"}}.
Passwords and secrets are read from standard input, a terminal or a file, never from an argument.";

/// Why a command failed: a sentence or two that end with what to do.
#[derive(Debug, Error)]
#[error("{message}")]
pub(super) struct CliError {
    exit: Exit,
    message: String,
}

impl CliError {
    /// An error that ends the process with this code.
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }

    /// Arguments that can't be used.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file or a stream that can't be read or written.
    pub(super) fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::new(Exit::Failed, format!("{what}: {error}"))
    }

    /// How the process ends.
    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl From<Failure> for CliError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable => {
                Self::new(Exit::Unavailable, "the database can't be reached; `signet doctor` looks at what is wrong")
            }
            Failure::Busy => Self::new(Exit::Unavailable, format!("{failure}; try again in a few seconds")),
            Failure::Internal => Self::new(
                Exit::Failed,
                "something that is stored can't be read; `signet doctor` looks at what is wrong, --verbose shows the log",
            ),
        }
    }
}

impl From<ConfigErrors> for CliError {
    fn from(errors: ConfigErrors) -> Self {
        Self::usage(format!("{errors}\nAll settings: `signet config reference`."))
    }
}

impl From<ServerError> for CliError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Refused(_) | ServerError::Tls(_) => Self::usage(error.to_string()),
            ServerError::Bind { .. } => {
                Self::new(Exit::Unavailable, format!("{error}; end what uses it, or give another address"))
            }
        }
    }
}

impl From<AppError> for CliError {
    fn from(error: AppError) -> Self {
        let causes = causes(&error);
        match error {
            AppError::Database(_) => Self::new(Exit::Unavailable, format!("{error}{causes}")),
            AppError::Migration(_) => Self::new(Exit::Failed, format!("{error}{causes}")),
            AppError::Passwords(_) | AppError::RefreshKeys(_) => Self::new(Exit::Failed, error.to_string()),
            AppError::Outbound(_) => Self::usage(error.to_string()),
            AppError::Unmigrated { .. } | AppError::Issuer { .. } => Self::new(Exit::Refused, error.to_string()),
            AppError::Tenant(error) => error.into(),
        }
    }
}

/// What lies behind an error. The one who calls a command is the operator, who may see it.
fn causes(error: &AppError) -> String {
    let first = match error {
        AppError::Database(error) => error.source(),
        AppError::Migration(error) => error.source(),
        AppError::Unmigrated { .. }
        | AppError::Issuer { .. }
        | AppError::Tenant(_)
        | AppError::Passwords(_)
        | AppError::Outbound(_)
        | AppError::RefreshKeys(_) => None,
    };
    let mut root = first;
    while let Some(deeper) = root.and_then(std::error::Error::source) {
        root = Some(deeper);
    }
    root.map(|root| format!(" ({root})")).unwrap_or_default()
}

impl From<TenantChangeError> for CliError {
    fn from(error: TenantChangeError) -> Self {
        match error {
            TenantChangeError::Taken(ref slug) => {
                Self::new(Exit::Conflict, format!("{error}: choose another slug, or see `signet tenant show {slug}`"))
            }
            TenantChangeError::Unknown(_) => {
                Self::new(Exit::NotFound, format!("{error}; `signet tenant list` shows those that there are"))
            }
            TenantChangeError::Default => Self::new(Exit::Refused, error.to_string()),
            TenantChangeError::Name | TenantChangeError::Settings(_) => Self::usage(error.to_string()),
            TenantChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<UserChangeError> for CliError {
    fn from(error: UserChangeError) -> Self {
        match error {
            UserChangeError::Nameless => Self::usage(format!("{error}: give --email, --username or both")),
            UserChangeError::Role | UserChangeError::Field(_) => Self::usage(error.to_string()),
            UserChangeError::Stale => Self::new(Exit::Conflict, error.to_string()),
            UserChangeError::EmailTaken | UserChangeError::UsernameTaken => {
                Self::new(Exit::Conflict, format!("{error}; `signet user show` tells whose it is"))
            }
            UserChangeError::Unknown(_) => {
                Self::new(Exit::NotFound, format!("{error}; `signet user list` shows those that there are"))
            }
            UserChangeError::Password(_) => {
                Self::new(Exit::Refused, format!("{error}; choose another, or have one made by --generate-password"))
            }
            UserChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ClientChangeError> for CliError {
    fn from(error: ClientChangeError) -> Self {
        match error {
            ClientChangeError::Taken(ref id) => {
                Self::new(Exit::Conflict, format!("{error}: choose another --id, or see `signet client show {id}`"))
            }
            ClientChangeError::Unknown(_) => {
                Self::new(Exit::NotFound, format!("{error}; `signet client list` shows those that there are"))
            }
            ClientChangeError::Name | ClientChangeError::Metadata(_) | ClientChangeError::Field(_) => {
                Self::usage(error.to_string())
            }
            ClientChangeError::Stale | ClientChangeError::MadeAnew(_) => Self::new(Exit::Conflict, error.to_string()),
            ClientChangeError::Secret | ClientChangeError::NoSecretUsed | ClientChangeError::Document(_) => {
                Self::new(Exit::Refused, error.to_string())
            }
            ClientChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<WebhookError> for CliError {
    fn from(error: WebhookError) -> Self {
        let exit = match &error {
            WebhookError::Field(_) | WebhookError::Address(_) => Exit::Usage,
            WebhookError::TooMany => Exit::Refused,
            WebhookError::Unknown(_) => Exit::NotFound,
            WebhookError::Stale => Exit::Conflict,
            WebhookError::Failure(failure) => return (*failure).into(),
        };
        Self::new(exit, error.to_string())
    }
}

impl From<ReplayError> for CliError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Unknown(_) => Self::new(Exit::NotFound, error.to_string()),
            ReplayError::Failure(failure) => failure.into(),
        }
    }
}

impl From<WithdrawError> for CliError {
    fn from(error: WithdrawError) -> Self {
        match error {
            WithdrawError::Unknown(..) => Self::new(Exit::NotFound, error.to_string()),
            WithdrawError::Failure(failure) => failure.into(),
        }
    }
}

impl From<KeyChangeError> for CliError {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Unknown(_) => {
                Self::new(Exit::NotFound, format!("{error}; `signet key list` shows those that there are"))
            }
            KeyChangeError::Lifecycle(rule) => Self::new(Exit::Refused, lifecycle(&rule)),
            KeyChangeError::Raced => Self::new(Exit::Conflict, error.to_string()),
            KeyChangeError::Failure(failure) => failure.into(),
        }
    }
}

impl From<ResealError> for CliError {
    fn from(error: ResealError) -> Self {
        match error {
            ResealError::Seal { .. } => Self::new(
                Exit::Failed,
                format!(
                    "{error}; keys sealed before this one are done: give the key-encryption key that this one is under, \
                         and run it again"
                ),
            ),
            ResealError::Failure(failure) => failure.into(),
        }
    }
}

fn lifecycle(rule: &keys::LifecycleError) -> String {
    match rule {
        keys::LifecycleError::NotYetKnown { .. } | keys::LifecycleError::TokensStillValid { .. } => {
            format!("{rule}; wait, or say --emergency and accept that good tokens are refused for a while")
        }
        keys::LifecycleError::WrongState { .. } | keys::LifecycleError::Inconsistent(_) => {
            format!("{rule}; `signet key list` shows where each key is")
        }
    }
}
