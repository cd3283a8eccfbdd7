//! An installation to run commands on, and a way to run them.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use idp::cli::{self, Console, Exit};
use idp::config::Config;
use idp::domain::Secret;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::database::TestDatabase;

/// A key-encryption key: 32 bytes in base64.
pub(super) const KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
/// Another one.
pub(super) const OTHER_KEY: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg=";

/// What a command did.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) exit: Exit,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Ran {
    /// Standard output as JSON.
    pub(super) fn json(&self) -> Value {
        assert_eq!(self.exit, Exit::Ok, "{}{}", self.stdout, self.stderr);
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts that it failed so, with nothing on standard output and these words on standard error.
    #[track_caller]
    pub(super) fn failed(&self, exit: Exit, words: &str) {
        assert_eq!(self.exit, exit, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(words), "{}", self.stderr);
        assert_eq!(self.stdout, "");
    }
}

/// Runs a command with these variables. Whoever is asked for a password types each of `typed` in turn.
pub(super) fn run(env: &[(&str, &str)], args: &[&str], input: &str, typed: &[&str]) -> Ran {
    let (mut stdin, mut stdout, mut stderr) = (input.as_bytes(), Vec::new(), Vec::new());
    let mut typed_so_far = typed.iter();
    let mut answer =
        |_: &str| typed_so_far.next().map(|text| Secret::new(*text)).ok_or(io::ErrorKind::UnexpectedEof.into());
    let mut console = Console {
        env: env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        program: "/usr/bin/signet".into(),
        stdin: &mut stdin,
        stdout: &mut stdout,
        stderr: &mut stderr,
        prompt: if typed.is_empty() { None } else { Some(&mut answer) },
    };
    let exit = cli::run(std::iter::once("signet").chain(args.iter().copied()).map(OsString::from), &mut console);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { exit, stdout: text(stdout), stderr: text(stderr) }
}

/// An installation, configured by the environment, with an empty database of the current schema.
pub(super) struct Site {
    database: TestDatabase,
    folder: TempDir,
}

impl Site {
    /// On SQLite.
    pub(super) fn sqlite() -> Self {
        Self::on(block_on(TestDatabase::sqlite()))
    }

    /// One on each kind of database.
    pub(super) fn both() -> [Self; 2] {
        [Self::sqlite(), Self::on(block_on(TestDatabase::postgres()))]
    }

    /// One on each, without tables.
    pub(super) fn both_empty() -> [Self; 2] {
        [Self::on(TestDatabase::empty_sqlite()), Self::on(block_on(TestDatabase::empty_postgres()))]
    }

    fn on(database: TestDatabase) -> Self {
        Self { database, folder: tempfile::tempdir().unwrap() }
    }

    /// A folder for files of the test.
    pub(super) fn database(&self) -> &TestDatabase {
        &self.database
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into it and gives its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Runs a command.
    pub(super) fn run(&self, args: &[&str]) -> Ran {
        self.run_as(args, "", &[], &[])
    }

    /// Runs a command that reads this.
    pub(super) fn run_reading(&self, args: &[&str], input: &str) -> Ran {
        self.run_as(args, input, &[], &[])
    }

    /// Runs a command, with other variables, or with somebody at a terminal.
    pub(super) fn run_as(&self, args: &[&str], input: &str, typed: &[&str], other: &[(&str, &str)]) -> Ran {
        let settings = self.database.settings();
        let mut env = other.to_vec();
        for (name, value) in [
            ("SIGNET_ISSUER", "https://id.example.com"),
            ("SIGNET_KEY_ENCRYPTION_KEY", KEY),
            ("SIGNET_DATABASE__URL", settings.url.expose()),
            ("SIGNET_PASSWORDS__MEMORY_KIB", "7168"),
            ("SIGNET_PASSWORDS__ITERATIONS", "1"),
        ] {
            if !env.iter().any(|(given, _)| *given == name) {
                env.push((name, value));
            }
        }
        run(&env, args, input, typed)
    }

    /// The configuration that commands get.
    pub(super) fn config(&self) -> Config {
        let settings = self.database.settings();
        let env = [
            ("SIGNET_ISSUER", "https://id.example.com"),
            ("SIGNET_KEY_ENCRYPTION_KEY", KEY),
            ("SIGNET_DATABASE__URL", settings.url.expose()),
        ];
        Config::load(None, env.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap()
    }

    /// Runs a command that succeeds, and gives its JSON.
    #[track_caller]
    pub(super) fn json(&self, args: &[&str]) -> Value {
        self.run(&[args, &["--format", "json"]].concat()).json()
    }
}

pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}
