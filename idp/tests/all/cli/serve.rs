//! `signet serve`, as a process of its own.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::site::{OTHER_KEY, block_on};
use crate::support::database::TestDatabase;

const SIGNET: &str = env!("CARGO_BIN_EXE_signet");

/// A running `signet serve --dev`, and what it said when it was ready.
struct Served {
    process: Child,
    said: String,
}

/// What a process that ended left behind.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stderr: String,
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(SIGNET);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Of the surroundings only what a test says, and hashes that cost little.
    command.env_clear().env("SIGNET_PASSWORDS__MEMORY_KIB", "7168").env("SIGNET_PASSWORDS__ITERATIONS", "1");
    command
}

fn dev<'a>(folder: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["serve", "--dev", "--data", folder], more].concat()
}

impl Served {
    /// Starts it and reads what it says until it is ready.
    fn start(args: &[&str]) -> Self {
        let mut process = command(args).spawn().unwrap();
        let mut said = String::new();
        let mut stdout = BufReader::new(process.stdout.as_mut().unwrap());
        while !said.contains("End with Ctrl-C") {
            if stdout.read_line(&mut said).unwrap() == 0 {
                let mut stderr = String::new();
                process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
                panic!("{said}{stderr}");
            }
        }
        Self { process, said }
    }

    fn signal(&self) {
        let sent = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    fn stop(mut self) -> Ended {
        self.signal();
        let mut stderr = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Ended { code: self.process.wait().unwrap().code(), stderr }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Runs a command that ends by itself.
fn ends(args: &[&str], env: &[(&str, &str)]) -> Ended {
    let output = command(args).envs(env.iter().copied()).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    Ended { code: output.status.code(), stderr: String::from_utf8(output.stderr).unwrap() }
}

fn facts(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("dev.json")).unwrap()).unwrap()
}

/// Status and body of a token request by the demo service.
fn token(facts: &Value) -> (u16, Value) {
    let text = |pointer: &str| facts.pointer(pointer).unwrap().as_str().unwrap().to_owned();
    let form = [("grant_type", "client_credentials")];
    let request = reqwest::Client::builder().no_proxy().build().unwrap().post(format!("{}/token", text("/issuer")));
    let request =
        request.basic_auth(text("/service_client/client_id"), Some(text("/service_client/client_secret"))).form(&form);
    block_on(async {
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    })
}

fn folder() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    // The folder itself is made by the command.
    let path = folder.path().join("it's here").to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn the_first_start_makes_everything_and_prints_lines_that_work() {
    let (_keep, path) = folder();
    let served = Served::start(&dev(&path, &["--listen", "127.0.0.1:0"]));
    let facts = facts(Path::new(&path));
    for pointer in [
        "/issuer",
        "/admin/email",
        "/admin/password",
        "/user/email",
        "/user/password",
        "/browser_client/client_id",
        "/browser_client/client_secret",
        "/browser_client/redirect_uris/0",
        "/service_client/client_id",
        "/service_client/client_secret",
    ] {
        let fact = facts.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {facts}"));
        assert!(served.said.contains(fact), "{pointer} isn't in {}", served.said);
    }
    let mode = |name: &str| fs::metadata(Path::new(&path).join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("."), 0o700);
    for name in ["dev.json", "key-encryption-key", "signet.db"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let lines: Vec<&str> = served.said.lines().filter_map(|line| line.strip_prefix("  curl ")).collect();
    assert_eq!(lines.len(), 2, "{}", served.said);
    let pasted = |line: &str| Command::new("sh").args(["-c", &format!("curl {line}")]).output().unwrap();
    let got: Value = serde_json::from_slice(&pasted(lines[0]).stdout).unwrap();
    assert_eq!(got["token_type"], "Bearer");
    let explained = pasted(lines[1]);
    let text = String::from_utf8(explained.stdout).unwrap();
    assert!(explained.status.success() && text.contains("Valid: a good access token."), "{text}");

    let ended = served.stop();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_second_start_goes_on_with_what_the_first_one_made() {
    let (_keep, path) = folder();
    let first = Served::start(&dev(&path, &["--listen", "127.0.0.1:0"]));
    let (said, begun) = (first.said.clone(), facts(Path::new(&path)));
    let made = ends_well(&["tenant", "create", "acme", "--data", &path, "--format", "json"]);
    assert_eq!(made["issuer"], format!("{}/t/acme", begun["issuer"].as_str().unwrap()));
    first.stop();
    for more in [&[][..], &["--listen", "127.0.0.1:0"]] {
        let again = Served::start(&dev(&path, more));
        assert_eq!(again.said, said);
        assert_eq!(facts(Path::new(&path)), begun);
        assert_eq!(token(&begun).0, 200);
        assert_eq!(again.stop().code, Some(0));
    }
}

fn ends_well(args: &[&str]) -> Value {
    let output = command(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn another_address_than_the_first_is_refused_with_what_to_do() {
    let (_keep, path) = folder();
    let first = Served::start(&dev(&path, &["--listen", "127.0.0.1:0"]));
    let begun = facts(Path::new(&path))["issuer"].as_str().unwrap().to_owned();
    let address = begun.trim_start_matches("http://").to_owned();
    // The first one still runs.
    let taken = ends(&dev(&path, &[]), &[]);
    assert_eq!(taken.code, Some(6), "{taken:?}");
    assert!(taken.stderr.contains("end what uses it"), "{taken:?}");
    first.stop();
    let moved = ends(&dev(&path, &["--listen", "127.0.0.1:1"]), &[]);
    assert_eq!(moved.code, Some(5), "{moved:?}");
    for words in [begun.as_str(), "http://127.0.0.1:1", &format!("--listen {address}"), "--data"] {
        assert!(moved.stderr.contains(words), "{words}: {moved:?}");
    }
    let open = ends(&dev(&path, &["--listen", "0.0.0.0:0"]), &[]);
    assert_eq!(open.code, Some(5), "{open:?}");
    let (_other, other) = folder();
    let open = ends(&dev(&other, &["--listen", "0.0.0.0:0"]), &[]);
    assert_eq!(open.code, Some(2), "{open:?}");
    assert!(open.stderr.contains("--listen takes 127.0.0.1:PORT"), "{open:?}");
}

#[test]
fn a_lost_file_is_made_again() {
    let (_keep, path) = folder();
    let at = |name: &str| Path::new(&path).join(name);
    Served::start(&dev(&path, &["--listen", "127.0.0.1:0"])).stop();
    let begun = facts(Path::new(&path));
    // The database is gone: what dev.json says is made again.
    for name in ["signet.db", "signet.db-wal", "signet.db-shm"] {
        drop(fs::remove_file(at(name)));
    }
    let again = Served::start(&dev(&path, &[]));
    assert_eq!(token(&begun).0, 200);
    again.stop();
    // dev.json is gone: the new passwords and secrets hold, at the address of the database.
    fs::remove_file(at("dev.json")).unwrap();
    let elsewhere = ends(&dev(&path, &["--listen", "127.0.0.1:0"]), &[]);
    assert_eq!(elsewhere.code, Some(5), "{elsewhere:?}");
    assert!(!at("dev.json").exists());
    let address = begun["issuer"].as_str().unwrap().trim_start_matches("http://");
    assert!(elsewhere.stderr.contains(&format!("--listen {address}")), "{elsewhere:?}");
    let again = Served::start(&dev(&path, &["--listen", address]));
    let drawn = facts(Path::new(&path));
    assert_ne!(drawn["service_client"], begun["service_client"]);
    assert_eq!((token(&drawn).0, token(&begun).0), (200, 401));
    again.stop();
    // A spoilt one is named.
    fs::write(at("dev.json"), "{").unwrap();
    let spoilt = ends(&dev(&path, &[]), &[]);
    assert!(spoilt.code == Some(1) && spoilt.stderr.contains("dev.json can't be used"), "{spoilt:?}");
}

#[test]
fn another_database_is_kept_in_mind() {
    let (_keep, path) = folder();
    let database = block_on(TestDatabase::empty_postgres());
    let settings = database.settings();
    let url = settings.url.expose();
    let served = Served::start(&dev(&path, &["--listen", "127.0.0.1:0", "--database-url", url]));
    assert_eq!(token(&facts(Path::new(&path))).0, 200);
    served.stop();
    assert!(!Path::new(&path).join("signet.db").exists());
    let again = Served::start(&dev(&path, &[]));
    assert_eq!(ends_well(&["user", "list", "--data", &path, "--format", "json"]).as_array().unwrap().len(), 2);
    again.stop();
    let other = ends(&dev(&path, &["--database-url", "sqlite:///tmp/other.db"]), &[]);
    assert!(other.code == Some(5) && other.stderr.contains("another database"), "{other:?}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let (_keep, path) = folder();
    let served = Served::start(&dev(&path, &["--listen", "127.0.0.1:0"]));
    let issuer = facts(Path::new(&path))["issuer"].as_str().unwrap().to_owned();
    let address = issuer.trim_start_matches("http://");
    // A request whose body doesn't come to its end.
    let mut request = TcpStream::connect(address).unwrap();
    let head = [
        "POST /token HTTP/1.1",
        "Host: x",
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: 10",
        "Expect: 100-continue",
        "\r\n",
    ];
    request.write_all(head.join("\r\n").as_bytes()).unwrap();
    let mut go_on = [0; 12];
    request.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100");
    served.signal();
    while TcpStream::connect(address).is_ok() {
        std::thread::yield_now();
    }
    let ended = served.stop();
    assert!(ended.code == Some(1) && ended.stderr.contains("a second signal"), "{ended:?}");
}

#[test]
fn what_production_needs_is_looked_at_before_it_serves() {
    let database = TestDatabase::empty_sqlite();
    let settings = database.settings();
    let env = |key: &'static str| {
        vec![
            ("SIGNET_ISSUER", "http://127.0.0.1:1"),
            ("SIGNET_LISTEN__ADDRESS", "127.0.0.1:0"),
            ("SIGNET_DATABASE__URL", settings.url.expose()),
            ("SIGNET_KEY_ENCRYPTION_KEY", key),
        ]
    };
    let unmade = ends(&["serve"], &env(super::site::KEY));
    assert!(unmade.code == Some(3) && unmade.stderr.contains("signet migrate"), "{unmade:?}");
    block_on(async {
        let open = database.open().await;
        open.migrate().await.unwrap();
        open.close().await;
    });
    let made = command(&["key", "create", "--alg", "ES256"]).envs(env(super::site::KEY)).output().unwrap();
    assert!(made.status.success());
    // A staged key isn't opened; an active one is.
    let kid = command(&["key", "list", "--format", "json"]).envs(env(super::site::KEY)).output().unwrap();
    let kid: Value = serde_json::from_slice(&kid.stdout).unwrap();
    let kid = kid[0]["kid"].as_str().unwrap();
    let active = command(&["key", "activate", kid, "--emergency"]).envs(env(super::site::KEY)).output().unwrap();
    assert!(active.status.success());
    let other = ends(&["serve"], &env(OTHER_KEY));
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stderr.contains("`signet doctor`") && other.stderr.contains("key-encryption key"), "{other:?}");
}
