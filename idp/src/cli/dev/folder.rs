//! The folder of the development mode, and the files in it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use keys::KeyEncryptionKey;
use zeroize::Zeroizing;

use super::address;
use super::facts::Facts;
use crate::cli::exit::{CliError, Exit};
use crate::config::Config;
use crate::domain::Secret;
use crate::domain::tenant::Issuer;

/// The folder, by its absolute path.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Folder(PathBuf);

const FACTS: &str = "dev.json";
const KEY: &str = "key-encryption-key";
const DATABASE_URL: &str = "database-url";

/// Settings that the development mode decides; what the environment says of them doesn't count.
const DECIDED: [&str; 6] = [
    "SIGNET_CONFIG",
    "SIGNET_ISSUER",
    "SIGNET_KEY_ENCRYPTION_KEY",
    "SIGNET_DATABASE__URL",
    "SIGNET_LISTEN__ADDRESS",
    "SIGNET_LISTEN__TLS_",
];

/// Settings whose usual value is another in the development mode: quieter, and with the applications on this machine
/// among those that may be told of something.
const USUAL: [(&str, &str); 2] =
    [("SIGNET_LOG__FILTER", "warn"), ("SIGNET_OUTBOUND__ALLOWED_NETWORKS", "127.0.0.0/8,::1/128")];

impl Folder {
    /// Makes the folder if it isn't there, for its owner alone.
    pub(in crate::cli) fn create(path: &Path) -> Result<Self, CliError> {
        let folder = Self::at(path)?;
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder.0);
        made.map_err(|error| CliError::io(format!("the folder {} can't be made", path.display()), &error))?;
        Ok(folder)
    }

    /// A folder that `signet serve --dev` made.
    pub(in crate::cli) fn existing(path: &Path) -> Result<Self, CliError> {
        let folder = Self::at(path)?;
        if folder.0.join(FACTS).exists() {
            return Ok(folder);
        }
        let text =
            format!("there is no {FACTS} in {}; `signet serve --dev --data` makes such a folder", path.display());
        Err(CliError::new(Exit::NotFound, text))
    }

    fn at(path: &Path) -> Result<Self, CliError> {
        let absolute = std::path::absolute(path).map_err(|error| CliError::io(path.display(), &error))?;
        if absolute.to_str().is_none() {
            return Err(CliError::usage(format!("the path {} isn't UTF-8; choose another", path.display())));
        }
        Ok(Self(absolute))
    }

    /// Where it is.
    pub(in crate::cli) fn path(&self) -> &Path {
        &self.0
    }

    /// The path of `dev.json`.
    pub(in crate::cli) fn facts_path(&self) -> PathBuf {
        self.0.join(FACTS)
    }

    /// What `dev.json` says, if it is there.
    pub(in crate::cli) fn facts(&self) -> Result<Option<Facts>, CliError> {
        let Some(text) = self.read(FACTS)? else { return Ok(None) };
        let facts = serde_json::from_str(text.expose()).map_err(|error| {
            let path = self.facts_path();
            CliError::new(Exit::Failed, format!("{} can't be used: {error}; put it right or delete it", path.display()))
        })?;
        Ok(Some(facts))
    }

    /// Writes `dev.json`, all of it or nothing.
    pub(in crate::cli) fn write_facts(&self, facts: &Facts) -> Result<(), CliError> {
        let text =
            serde_json::to_string_pretty(facts).map_err(|error| CliError::new(Exit::Failed, error.to_string()))?;
        self.write(FACTS, &(text + "\n"))
    }

    /// Removes `dev.json`: it belongs to a start that came to nothing.
    pub(in crate::cli) fn forget_facts(&self) {
        drop(fs::remove_file(self.facts_path()));
    }

    /// Makes the key-encryption key if it isn't there.
    pub(in crate::cli) fn ensure_key(&self) -> Result<(), CliError> {
        if self.0.join(KEY).exists() {
            return Ok(());
        }
        let key = KeyEncryptionKey::generate().map_err(|error| CliError::new(Exit::Failed, error.to_string()))?;
        self.write(KEY, &key.to_text())
    }

    /// Remembers that the data are in this database. Data don't move by themselves, so that another one is refused.
    pub(in crate::cli) fn keep_database_url(&self, url: Option<&str>) -> Result<(), CliError> {
        let Some(url) = url else { return Ok(()) };
        let used = self.0.join(FACTS).exists();
        match self.read(DATABASE_URL)? {
            Some(kept) if kept.expose().trim() == url => Ok(()),
            _ if used => Err(CliError::new(
                Exit::Refused,
                format!(
                    "the data of {} are in another database than --database-url says; leave the option out, or begin a new \
                     folder with --data",
                    self.0.display()
                ),
            )),
            _ => self.write(DATABASE_URL, url),
        }
    }

    /// The configuration of what was begun in this folder, for the commands beside `serve`.
    pub(in crate::cli) fn config(&self, env: impl IntoIterator<Item = (String, String)>) -> Result<Config, CliError> {
        let facts = self.facts()?;
        let facts = facts.ok_or_else(|| CliError::new(Exit::NotFound, format!("there is no {FACTS} in the folder")))?;
        self.config_at(&facts.issuer, env)
    }

    /// The configuration for this issuer: plain HTTP on its address, and what the environment says of everything that
    /// the development mode doesn't decide.
    pub(in crate::cli) fn config_at(
        &self,
        issuer: &Issuer,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, CliError> {
        self.load(issuer, &address::of(issuer).unwrap_or_default(), env)
    }

    /// The same for an issuer whose port isn't known yet.
    pub(in crate::cli) fn load(
        &self,
        issuer: &Issuer,
        address: &str,
        env: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Config, CliError> {
        let key = self.read(KEY)?;
        let key = key.ok_or_else(|| {
            let path = self.0.join(KEY);
            CliError::new(Exit::NotFound, format!("{} is gone, and nothing can be opened without it", path.display()))
        })?;
        let url = match self.read(DATABASE_URL)? {
            Some(url) => url.expose().trim().to_owned(),
            None => format!("sqlite://{}", escaped(&self.0.join("signet.db"))),
        };
        let mut settings: Vec<(String, String)> =
            env.into_iter().filter(|(name, _)| !DECIDED.iter().any(|decided| name.starts_with(decided))).collect();
        for (name, usual) in USUAL {
            if settings.iter().all(|(set, value)| set != name || value.is_empty()) {
                settings.push((name.to_owned(), usual.to_owned()));
            }
        }
        for (name, value) in [
            ("SIGNET_ISSUER", issuer.as_str()),
            ("SIGNET_LISTEN__ADDRESS", address),
            ("SIGNET_DATABASE__URL", &url),
            ("SIGNET_KEY_ENCRYPTION_KEY", key.expose().trim()),
        ] {
            settings.push((name.to_owned(), value.to_owned()));
        }
        Ok(Config::load(None, settings)?)
    }

    fn read(&self, name: &str) -> Result<Option<Secret>, CliError> {
        let path = self.0.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Secret::new(text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CliError::io(format!("{} can't be read", path.display()), &error)),
        }
    }

    /// Writes beside the file and renames, so that nobody ever sees half of it.
    fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        let path = self.0.join(name);
        let beside = self.0.join(format!("{name}.{}.new", std::process::id()));
        let text = Zeroizing::new(text.to_owned());
        let written = (|| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &path)?;
            File::open(&self.0)?.sync_all()
        })();
        written.map_err(|error: io::Error| CliError::io(format!("{} can't be written", path.display()), &error))
    }
}

/// A path as it stands in a SQLite URL.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace('%', "%25").replace('?', "%3F").replace('#', "%23")
}
