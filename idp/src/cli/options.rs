//! Options that several commands share, and the way from them to the application.

#![expect(clippy::doc_markdown, reason = "these texts are shown by --help, where backticks would stay")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use super::console::Console;
use super::dev::folder::Folder;
use super::exit::{CliError, Exit};
use super::record::Format;
use crate::app::App;
use crate::config::{Config, DatabaseKind};
use crate::domain::tenant::{Slug, Tenant};
use crate::service::tenants;

/// Who did it, in the audit log.
pub(super) const ACTOR: &str = "cli";

/// Where help shows them.
const COMMON: &str = "Common options";

/// Options of every command.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Common {
    /// Configuration file [env: SIGNET_CONFIG]; settings may also all be in the environment
    #[arg(long, global = true, value_name = "FILE", help_heading = COMMON)]
    pub(super) config: Option<PathBuf>,
    /// Instead of a configuration: a folder that `signet serve --dev` made
    #[arg(long, global = true, value_name = "FOLDER", help_heading = COMMON)]
    pub(super) data: Option<PathBuf>,
    /// Answer for people, or as one JSON object or array
    #[arg(long, global = true, value_name = "FORMAT", help_heading = COMMON, default_value = "text",
        value_parser = one_of(&[Format::Text, Format::Json], |format| format.name()))]
    pub(super) format: Format,
    /// Show the log on standard error
    #[arg(short, long, global = true, help_heading = COMMON)]
    pub(super) verbose: bool,
}

/// Where the configuration comes from.
pub(super) enum Origin {
    /// A file and the environment.
    File(PathBuf),
    /// The environment alone.
    Environment,
    /// A folder of `signet serve --dev`.
    Data(PathBuf),
}

impl Common {
    /// Where the configuration comes from.
    pub(super) fn origin(&self, console: &Console<'_>) -> Result<Origin, CliError> {
        match (&self.config, &self.data) {
            (Some(_), Some(_)) => Err(CliError::usage("--config and --data exclude each other: give one of them")),
            (Some(file), None) => Ok(Origin::File(file.clone())),
            (None, Some(folder)) => Ok(Origin::Data(folder.clone())),
            (None, None) => {
                Ok(console.variable("SIGNET_CONFIG").map_or(Origin::Environment, |file| Origin::File(file.into())))
            }
        }
    }

    /// Whether a configuration was given at all.
    pub(super) fn is_configured(&self, console: &Console<'_>) -> bool {
        self.config.is_some() || self.data.is_some() || console.env.iter().any(|(name, _)| is_setting(name))
    }

    /// The configuration, complete and checked.
    pub(super) fn load(&self, console: &Console<'_>) -> Result<Config, CliError> {
        if !self.is_configured(console) {
            return Err(CliError::usage(
                "there is no configuration: give --config FILE or set SIGNET_CONFIG; for data of `signet serve --dev` \
                 give --data FOLDER",
            ));
        }
        let env = console.env.iter().cloned();
        match self.origin(console)? {
            Origin::File(file) => Ok(Config::load(Some(&file), env)?),
            Origin::Environment => Ok(Config::load(None, env)?),
            Origin::Data(folder) => Folder::existing(&folder)?.config(env),
        }
    }

    /// The application, on a database that exists and has the right schema.
    pub(super) async fn open(&self, console: &Console<'_>) -> Result<App, CliError> {
        let config = self.load(console)?;
        refuse_missing_file(&config)?;
        Ok(App::open(config).await?)
    }
}

fn is_setting(name: &str) -> bool {
    let other = ["SIGNET_TOKEN", "SIGNET_CLIENT_ID", "SIGNET_CLIENT_SECRET"];
    name.starts_with("SIGNET_") && !name.starts_with("SIGNET_TEST_") && !other.contains(&name)
}

/// SQLite makes a file that isn't there, and a slip in a path would go unseen.
pub(super) fn refuse_missing_file(config: &Config) -> Result<(), CliError> {
    match sqlite_file(config) {
        Some(file) if !file.exists() => Err(CliError::new(
            Exit::NotFound,
            format!("there is no database at {} yet; `signet migrate` makes it", file.display()),
        )),
        Some(_) | None => Ok(()),
    }
}

/// The file of a SQLite database, where the URL names it plainly.
pub(super) fn sqlite_file(config: &Config) -> Option<&Path> {
    if config.database.kind() != Some(DatabaseKind::Sqlite) {
        return None;
    }
    let url = config.database.url.expose();
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    (!path.contains('%') && !path.is_empty()).then(|| Path::new(path))
}

/// Which tenant a command is about.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct TenantOption {
    /// Slug of the tenant
    #[arg(long, value_name = "SLUG", default_value_t = Slug::default_tenant())]
    tenant: Slug,
}

impl TenantOption {
    /// The tenant.
    pub(super) async fn find(&self, app: &App) -> Result<Tenant, CliError> {
        Ok(tenants::find(&app.ctx, &self.tenant).await?)
    }
}

/// Which part of a list is wanted; all of it unless said otherwise.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Page {
    /// Show at most so many
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Begin after the one with this id
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// How many rows are read at a time.
const ROWS: u64 = 500;

impl Page {
    /// Reads the part that is wanted, a batch at a time.
    pub(super) async fn collect<T, I>(
        &self,
        id: impl Fn(&T) -> I,
        read: impl AsyncFn(Option<I>, u64) -> Result<Vec<T>, CliError>,
    ) -> Result<Vec<T>, CliError>
    where
        I: std::str::FromStr<Err: std::fmt::Display>,
    {
        let mut after: Option<I> = self
            .after
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(|error| CliError::usage(format!("--after: {error}")))?;
        let mut found = Vec::new();
        loop {
            let left = self.limit.map_or(ROWS, |limit| limit.saturating_sub(found.len() as u64).min(ROWS));
            if left == 0 {
                return Ok(found);
            }
            let rows = read(after, left).await?;
            let complete = (rows.len() as u64) < left;
            found.extend(rows);
            if complete {
                return Ok(found);
            }
            after = found.last().map(&id);
        }
    }
}

/// Reads a duration: seconds, or a number with a unit (`90s`, `15m`, `24h`, `7d`).
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let seconds: u64 = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err("expected a number and s, m, h or d, such as 15m".to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| "expected a number and s, m, h or d, such as 15m".to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| "is too long".to_owned())
}

/// A parser that takes one of these words only, and names them in help, errors and completion.
pub(super) fn one_of<T: Clone + Send + Sync + 'static>(
    all: &[T],
    name: impl Fn(&T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let words: Vec<&'static str> = all.iter().map(name).collect();
    let pairs: Vec<(&'static str, T)> = words.iter().copied().zip(all.iter().cloned()).collect();
    PossibleValuesParser::new(words).try_map(move |word| {
        pairs.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone()).ok_or("unknown")
    })
}

/// What becomes of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change<T> {
    /// It is this from now on.
    To(T),
    /// It is as if nobody had ever set it.
    Usual,
}

impl<T> Change<T> {
    /// What it is from now on, if somebody says so.
    pub(super) fn value(&self) -> Option<&T> {
        match self {
            Self::To(value) => Some(value),
            Self::Usual => None,
        }
    }

    /// The same, with a value made from this one's.
    pub(super) fn map<U>(&self, make: impl FnOnce(&T) -> U) -> Change<U> {
        self.value().map_or(Change::Usual, |value| Change::To(make(value)))
    }
}

/// A parser that reads an empty text as the wish to take the setting back, and anything else as the other does.
pub(super) fn unless_empty<P: TypedValueParser>(parser: P) -> impl TypedValueParser<Value = Change<P::Value>> {
    UnlessEmpty(parser)
}

#[derive(Clone)]
struct UnlessEmpty<P>(P);

impl<P: TypedValueParser> TypedValueParser for UnlessEmpty<P> {
    type Value = Change<P::Value>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Self::Value, clap::Error> {
        if value.is_empty() { Ok(Change::Usual) } else { self.0.parse_ref(command, arg, value).map(Change::To) }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}
