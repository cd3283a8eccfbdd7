//! The PostgreSQL server of a test run: the one that `SIGNET_TEST_POSTGRES` names (the URL of a superuser), or one of
//! our own in a temporary folder, without fsync, that ends with this process however it ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A server on which the tests may create databases.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// Scheme, user and host; what comes after the database's name.
    url: (String, String),
    /// Stops the server when the pipe to it closes, which the system does when this process ends.
    _watchdog: Option<Child>,
}

impl Cluster {
    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        let (before, after) = &self.url;
        format!("{before}/{database}{after}")
    }
}

/// The server, started on first use.
pub(crate) fn get() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| given().unwrap_or_else(own))
}

fn given() -> Option<Cluster> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own setting")]
    let url = std::env::var("SIGNET_TEST_POSTGRES").ok()?;
    let mut parsed = url::Url::parse(&url).unwrap();
    let after = parsed.query().map(|query| format!("?{query}")).unwrap_or_default();
    parsed.set_query(None);
    parsed.set_path("");
    let before = parsed.as_str().trim_end_matches('/').to_owned();
    Some(Cluster { url: (before, after), _watchdog: None })
}

fn own() -> Cluster {
    Own::start("off").cluster
}

/// A server of our own.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) cluster: Cluster,
    programs: PathBuf,
    folder: PathBuf,
    settings: String,
}

impl Own {
    /// A server for one test, which may be taken away and given back: what it acknowledged outlives that.
    pub(crate) fn for_one_test() -> Self {
        Self::start("local")
    }

    fn start(synchronous_commit: &str) -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("signet-postgres-").tempdir().unwrap().keep();
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let data = folder.join("data");
        run(server_program(&programs.join("initdb")).arg("-D").arg(&data).args([
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]));
        let watchdog = watchdog(&programs, &folder, &data);
        let settings = format!(
            "-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off -c synchronous_commit={synchronous_commit} \
             -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB -c autovacuum=off",
            folder.display()
        );
        let after = format!("?host={}", folder.display());
        let url = ("postgres://postgres@localhost".to_owned(), after);
        let own = Self { cluster: Cluster { url, _watchdog: Some(watchdog) }, programs, folder, settings };
        own.start_again();
        own
    }

    /// Starts it after [`Own::stop`].
    pub(crate) fn start_again(&self) {
        run(self.pg_ctl(&["start", "-w"]).arg("-l").arg(self.folder.join("log")).arg("-o").arg(&self.settings));
    }

    /// Ends it at once, without a word to those who are connected.
    pub(crate) fn stop(&self) {
        run(&mut self.pg_ctl(&["stop", "-w", "-m", "immediate"]));
    }

    /// None of its processes does anything until the value is dropped, and connections stay open.
    pub(crate) fn freeze(&self) -> Frozen<'_> {
        self.signal("STOP");
        Frozen(self)
    }

    fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap();
        // The one that makes new processes first; of those that it made some may end meanwhile.
        let script = r#"kill -"$0" "$1" && { kill -"$0" $(pgrep -P "$1") 2>/dev/null; true; }"#;
        run(Command::new("sh").args(["-c", script, signal, pid]));
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let mut command = server_program(&self.programs.join("pg_ctl"));
        command.args(arguments).arg("-D").arg(self.folder.join("data"));
        command
    }
}

/// See [`Own::freeze`].
#[derive(Debug)]
pub(crate) struct Frozen<'a>(&'a Own);

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.signal("CONT");
    }
}

/// A shell that waits for the end of its input, then stops the server and clears the folder.
fn watchdog(programs: &Path, folder: &Path, data: &Path) -> Child {
    let script = r#"trap '' INT TERM HUP; cat >/dev/null; "$@" >/dev/null 2>&1; rm -rf "$0""#;
    let stop = server_program(&programs.join("pg_ctl"));
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .args(["stop", "-m", "immediate", "-D"])
        .arg(data)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The server's programs refuse to run as root.
fn server_program(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.trim_ascii() == b"0"
}

/// Where `initdb` and `pg_ctl` are: on the path, or where Debian keeps them.
fn programs() -> PathBuf {
    let found = Command::new("sh").args(["-c", "command -v initdb"]).output().unwrap();
    let on_path = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
    if let (true, Some(folder)) = (on_path.is_file(), on_path.parent()) {
        return folder.to_owned();
    }
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("initdb").is_file())
        .max()
        .unwrap_or_else(|| panic!("these tests need PostgreSQL: install it, or name a server in SIGNET_TEST_POSTGRES"))
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
