//! A PostgreSQL server: the one that `--postgres` names, or one of our own with its usual, durable settings, on the
//! load's core.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::error::BenchError;

/// A server on which databases may be made.
#[derive(Debug)]
pub(crate) struct Postgres {
    /// What comes before a database's name, and what comes after it.
    url: (String, String),
    own: Option<Own>,
}

/// A server that ends with this value.
#[derive(Debug)]
struct Own {
    programs: PathBuf,
    data: PathBuf,
}

impl Postgres {
    /// The server of this URL (a superuser's), or one of our own in this folder, which others may enter.
    pub(crate) fn start(given: Option<&str>, folder: &Path) -> Result<Self, BenchError> {
        match given {
            Some(url) => {
                let (address, query) = url.split_once('?').unwrap_or((url, ""));
                let (_, rest) = address.split_once("://").unwrap_or(("", address));
                let path = rest.find('/').map_or(0, |slash| rest.len() - slash);
                let after = if query.is_empty() { String::new() } else { format!("?{query}") };
                Ok(Self { url: (address[..address.len() - path].to_owned(), after), own: None })
            }
            None => Own::start(folder),
        }
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        let (before, after) = &self.url;
        format!("{before}/{database}{after}")
    }

    /// Makes an empty database.
    pub(crate) fn create(&self, database: &str) -> Result<String, BenchError> {
        let statement = format!("CREATE DATABASE {database}");
        run(Command::new("psql").args(["--no-psqlrc", "-q", "-c", &statement]).arg(self.url("postgres")))?;
        Ok(self.url(database))
    }
}

impl Own {
    fn start(folder: &Path) -> Result<Postgres, BenchError> {
        let own = Self { programs: programs()?, data: folder.join("data") };
        std::fs::create_dir_all(folder).map_err(BenchError::io(format!("{}", folder.display())))?;
        if is_root()? {
            run(Command::new("chown").arg("postgres").arg(folder))?;
        }
        let authentication = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"];
        run(own.program("initdb")?.args(authentication).arg("-D").arg(&own.data))?;
        let settings =
            format!("-c listen_addresses='' -c unix_socket_directories='{}' -c max_connections=100", folder.display());
        let log = folder.join("log");
        run(own.program("pg_ctl")?.args(["start", "-w", "-o", &settings, "-l"]).arg(log).arg("-D").arg(&own.data))?;
        let after = format!("?host={}", folder.display());
        Ok(Postgres { url: ("postgres://postgres@localhost".to_owned(), after), own: Some(own) })
    }

    /// One of the server's programs; they refuse to run as root.
    fn program(&self, name: &str) -> Result<Command, BenchError> {
        let program = self.programs.join(name);
        let mut command = if is_root()? {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir("/");
        Ok(command)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(own) = &self.own
            && let Ok(mut stop) = own.program("pg_ctl")
        {
            run(stop.args(["stop", "-m", "immediate", "-D"]).arg(&own.data)).ok();
        }
    }
}

fn is_root() -> Result<bool, BenchError> {
    let output = Command::new("id").arg("-u").output().map_err(BenchError::io("id"))?;
    Ok(output.stdout.trim_ascii() == b"0")
}

/// Where `initdb` and `pg_ctl` are: on the path, or where Debian keeps them.
fn programs() -> Result<PathBuf, BenchError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let installed = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).max();
    on_path.or(installed).ok_or_else(|| {
        BenchError::Setup("there is no PostgreSQL: install it, or name a superuser's URL by --postgres".into())
    })
}

/// Runs a program to its end; it must succeed.
fn run(command: &mut Command) -> Result<(), BenchError> {
    let name = format!("{}", command.get_program().display());
    // What it starts may outlive it, and must not keep a pipe open.
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    child = child.env_remove("PGDATABASE");
    let status = child.status().map_err(BenchError::io(name))?;
    if status.success() { Ok(()) } else { Err(BenchError::Setup(format!("{command:?}: {status}"))) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_given_server_s_databases_keep_its_options() {
        for (given, database) in [
            ("postgres://admin@db/postgres?host=/run", "postgres://admin@db/one?host=/run"),
            ("postgres://admin@db:5432/", "postgres://admin@db:5432/one"),
            ("postgres://admin@db", "postgres://admin@db/one"),
        ] {
            assert_eq!(Postgres::start(Some(given), Path::new("/")).unwrap().url("one"), database);
        }
    }
}
