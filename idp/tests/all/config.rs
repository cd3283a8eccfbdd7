//! The configuration: what is read from where, and how problems are named.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Duration;

use idp::config::{Config, ConfigErrors, DatabaseKind, KeyEncryptionKey, LogFormat, reference};
use insta::assert_snapshot;
use rstest::rstest;
use tempfile::TempDir;

/// The three values that production needs.
const THREE: &str = r#"
issuer = "https://id.example.com"
key_encryption_key = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
database.url = "postgres://signet:planted-secret@db/signet"
"#;

/// A folder with `signet.toml` in it.
struct Folder(TempDir);

impl Folder {
    fn with(file: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("signet.toml", file);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Paths in `env` begin at the folder where they begin with `./`.
    fn load(&self, env: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
        let path = self.0.path().display().to_string();
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), value.replace("./", &format!("{path}/"))));
        Config::load(Some(&self.0.path().join("signet.toml")), env)
    }

    fn problems(&self, env: &[(&str, &str)]) -> String {
        let text = self.load(env).unwrap_err().to_string();
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn load(file: &str, env: &[(&str, &str)]) -> Config {
    Folder::with(file).load(env).unwrap()
}

fn problems(file: &str, env: &[(&str, &str)]) -> String {
    Folder::with(file).problems(env)
}

#[test]
fn three_values_are_enough() {
    let config = load(THREE, &[]);
    assert_eq!(config.issuer.as_str(), "https://id.example.com");
    assert_eq!(config.key_encryption_key.expose(), b"0123456789abcdef0123456789abcdef");
    assert_eq!(config.database.kind(), Some(DatabaseKind::Postgres));
    assert_eq!(config.tokens.access_token_lifetime, Duration::from_mins(15));
}

#[test]
fn the_environment_alone_is_enough() {
    let env = [
        ("SIGNET_ISSUER", "https://id.example.com"),
        ("SIGNET_KEY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="),
        ("SIGNET_DATABASE__URL", "sqlite:///var/lib/signet/signet.db"),
        ("PATH", "/bin"),
    ];
    let config = Config::load(None, env.map(|(name, value)| (name.to_owned(), value.to_owned()))).unwrap();
    assert_eq!(config.database.kind(), Some(DatabaseKind::Sqlite));
}

#[test]
fn what_is_missing_is_named_with_all_ways_to_give_it() {
    assert_snapshot!(problems("", &[]), @"
    the configuration has 3 problems:
      issuer is missing: set it in the file, or SIGNET_ISSUER in the environment
      key_encryption_key is missing: set it in the file, or SIGNET_KEY_ENCRYPTION_KEY or SIGNET_KEY_ENCRYPTION_KEY_FILE in the environment
      database.url is missing: set it in the file, or SIGNET_DATABASE__URL or SIGNET_DATABASE__URL_FILE in the environment
    ");
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = format!("{THREE}[log]\nformat = \"text\"\n[listen]\ntrusted_proxies = [\"10.0.0.0/8\"]\n");
    let env = [("SIGNET_LOG__FORMAT", "json"), ("SIGNET_LISTEN__TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/32")];
    let config = load(&file, &env);
    assert_eq!(config.log.format, LogFormat::Json);
    let proxies: Vec<String> = config.listen.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["192.0.2.1/32", "2001:db8::/32"]);
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    assert_eq!(load(THREE, &[("SIGNET_ISSUER", "")]).issuer.as_str(), "https://id.example.com");
}

#[test]
fn all_problems_of_a_file_are_named_with_their_places() {
    let file = r#"isuer = "https://id.example.com"
key_encryption_key = "short"
url = "sqlite://signet.db"

[listen]
adress = "127.0.0.1:8080"
tls_address = "localhost:8443"
trusted_proxies = ["10.0.0.0/8", "10.1.0.0/8", 7, "fe80::/129"]
header_timeout = 10
max_connections = "many"
max_body_bytes = 0

[datenbank]
url = "sqlite://signet.db"

[database]
url = 5432
max_connections = 99999999999

[tokens]
access_token_lifetime = "15min"
service_token_lifetime = "1500ms"
authorization_code_lifetime = "1h"

[log]
format = "xml"
filter = "inof"

[keys]
staging_time = "10m"
"#;
    assert_snapshot!(problems(file, &[]), @r#"
    the configuration has 21 problems:
      signet.toml:1:1: unknown key isuer; did you mean issuer?
      signet.toml:2:22: key_encryption_key: expected 32 bytes in base64, as `openssl rand -base64 32` makes them
      signet.toml:3:1: unknown key url; did you mean database.url?
      signet.toml:6:1: unknown key listen.adress; did you mean listen.address?
      signet.toml:7:15: listen.tls_address: expected an IP address and a port, such as 127.0.0.1:8080 or [::]:8080, found "localhost:8443"
      signet.toml:8:34: listen.trusted_proxies: expected 10.0.0.0/8 for this range, found "10.1.0.0/8"
      signet.toml:8:48: listen.trusted_proxies: expected an IP address or a range of them, such as 10.0.0.0/8, found "7"
      signet.toml:8:51: listen.trusted_proxies: expected an IP address or a range of them, such as 10.0.0.0/8, found "fe80::/129"
      signet.toml:9:18: listen.header_timeout: expected a number and a unit (ms, s, m, h or d), such as 15m, found "10"
      signet.toml:10:19: listen.max_connections: expected a whole number from 1, found "many"
      signet.toml:11:18: listen.max_body_bytes: expected a whole number from 1, found "0"
      signet.toml:13:2: unknown section datenbank
      signet.toml:17:7: database.url: expected a string, found a number
      signet.toml:18:19: database.max_connections: expected a whole number from 1 to 4294967295, found "99999999999"
      signet.toml:21:25: tokens.access_token_lifetime: expected a number and a unit (ms, s, m, h or d), such as 15m, found "15min"
      signet.toml:22:26: tokens.service_token_lifetime must be in whole seconds, 1s or longer
      signet.toml:23:31: tokens.authorization_code_lifetime must be 10m or shorter
      signet.toml:26:10: log.format: expected text or json, found "xml"
      signet.toml:27:10: log.filter: expected error, warn, info, debug, trace or off, also by module: info,idp::store=debug, found "inof"
      signet.toml:30:16: keys.staging_time must be longer than tokens.jwks_max_age, or a key would sign before all clients have seen it
      issuer is missing: set it in the file, or SIGNET_ISSUER in the environment
    "#);
}

#[test]
fn limits_on_requests_are_checked() {
    let section =
        "[rate_limits]\nenabled = \"perhaps\"\nloopback = 1\nwindow = \"2h\"\ntoken = -1\ncounted = 0\nuserinfos = 1\n";
    let found = problems(&format!("{THREE}{section}"), &[("SIGNET_RATE_LIMITS__ADMIN", "many")]);
    for problem in [
        "rate_limits.enabled: expected true or false",
        "rate_limits.loopback: expected true or false",
        "rate_limits.window must be 1s or longer and not longer than 1h",
        "rate_limits.token: expected a whole number from 0 to 4294967295, found \"-1\"",
        "rate_limits.counted: expected a whole number from 1 to 4294967295, found \"0\"",
        "unknown key rate_limits.userinfos; did you mean rate_limits.userinfo?",
        "SIGNET_RATE_LIMITS__ADMIN: rate_limits.admin: expected a whole number from 0 to 4294967295, found \"many\"",
    ] {
        assert!(found.contains(problem), "{problem}: {found}");
    }
    let off = load(&format!("{THREE}[rate_limits]\nenabled = false\n"), &[("SIGNET_RATE_LIMITS__LOOPBACK", "true")]);
    assert_eq!((off.rate_limits.enabled, off.rate_limits.loopback), (false, true));
}

#[test]
fn all_problems_of_the_environment_are_named_with_their_variables() {
    let env = [
        ("SIGNET_ISSUER", "http://id.example.com/"),
        ("SIGNET_LISTEN__ADRESS", "127.0.0.1:8080"),
        ("SIGNET_LISTEN_ADDRESS", "127.0.0.1:8080"),
        ("SIGNET_LISTEN__TRUSTED_PROXIES", "10.0.0.0/8,proxy"),
        ("SIGNET_PASSWORDS__MEMORY_KIB", "19 MiB"),
        ("SIGNET_SESSIONS__IDLE_TIMEOUT", "1000h"),
        ("SIGNET_NONSENSE", "1"),
    ];
    assert_snapshot!(problems(THREE, &env), @r#"
    the configuration has 7 problems:
      environment variable SIGNET_ISSUER: issuer: expected an https URL of a host, without user name, query, fragment or trailing slash, in lower case (http only on a loopback address), such as https://id.example.com, found "http://id.example.com/"
      environment variable SIGNET_LISTEN_ADDRESS: unknown; did you mean SIGNET_LISTEN__ADDRESS?
      environment variable SIGNET_LISTEN__ADRESS: unknown; did you mean SIGNET_LISTEN__ADDRESS?
      environment variable SIGNET_LISTEN__TRUSTED_PROXIES: listen.trusted_proxies: expected an IP address or a range of them, such as 10.0.0.0/8, found "proxy"
      environment variable SIGNET_NONSENSE: unknown
      environment variable SIGNET_PASSWORDS__MEMORY_KIB: passwords.memory_kib: expected a whole number from 1 to 4294967295, found "19 MiB"
      environment variable SIGNET_SESSIONS__IDLE_TIMEOUT: sessions.idle_timeout must be 1m or longer, and not longer than sessions.lifetime
    "#);
}

#[test]
fn what_is_no_toml_is_named_as_well() {
    let file = "issuer = \"https://id.example.com\n[log]\nformat = \"xml\"\n";
    assert_snapshot!(problems(file, &[]), @r#"
    the configuration has 4 problems:
      signet.toml:1:33: not TOML: invalid basic string, expected `"`
      signet.toml:3:10: log.format: expected text or json, found "xml"
      key_encryption_key is missing: set it in the file, or SIGNET_KEY_ENCRYPTION_KEY or SIGNET_KEY_ENCRYPTION_KEY_FILE in the environment
      database.url is missing: set it in the file, or SIGNET_DATABASE__URL or SIGNET_DATABASE__URL_FILE in the environment
    "#);
    let file = "[listen]\naddress =\n[log]\nfilter = \"loud\"\n";
    assert_snapshot!(problems(file, &[]), @r#"
    the configuration has 5 problems:
      signet.toml:2:10: not TOML: string values must be quoted, expected literal string
      signet.toml:4:10: log.filter: expected error, warn, info, debug, trace or off, also by module: info,idp::store=debug, found "loud"
      issuer is missing: set it in the file, or SIGNET_ISSUER in the environment
      key_encryption_key is missing: set it in the file, or SIGNET_KEY_ENCRYPTION_KEY or SIGNET_KEY_ENCRYPTION_KEY_FILE in the environment
      database.url is missing: set it in the file, or SIGNET_DATABASE__URL or SIGNET_DATABASE__URL_FILE in the environment
    "#);
    let file = "issuer = \"https://a.example\"\nissuer = \"https://b.example\"\n";
    assert_snapshot!(problems(file, &[]), @"
    the configuration has 3 problems:
      signet.toml:2:1: not TOML: duplicate key
      key_encryption_key is missing: set it in the file, or SIGNET_KEY_ENCRYPTION_KEY or SIGNET_KEY_ENCRYPTION_KEY_FILE in the environment
      database.url is missing: set it in the file, or SIGNET_DATABASE__URL or SIGNET_DATABASE__URL_FILE in the environment
    ");
    let file = "listen = 1\nlog = [1]\nissuer = { a = 1 }\n";
    assert_snapshot!(problems(file, &[]), @"
    the configuration has 5 problems:
      signet.toml:1:1: listen is a section: write [listen]
      signet.toml:2:1: log is a section: write [log]
      signet.toml:3:10: issuer: expected a string, found a table
      key_encryption_key is missing: set it in the file, or SIGNET_KEY_ENCRYPTION_KEY or SIGNET_KEY_ENCRYPTION_KEY_FILE in the environment
      database.url is missing: set it in the file, or SIGNET_DATABASE__URL or SIGNET_DATABASE__URL_FILE in the environment
    ");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let missing = Config::load(Some(Path::new("/nowhere/signet.toml")), []).unwrap_err();
    assert!(
        missing.to_string().contains("\n  /nowhere/signet.toml: can't be read: No such file or directory"),
        "{missing}"
    );
}

#[test]
fn secrets_come_from_files_of_their_own() {
    let folder = Folder::with("issuer = \"https://id.example.com\"\n");
    folder.write("key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n");
    folder.write("url", "sqlite://signet.db\r\n");
    let env = [("SIGNET_KEY_ENCRYPTION_KEY_FILE", "./key"), ("SIGNET_DATABASE__URL_FILE", "./url")];
    let config = folder.load(&env).unwrap();
    assert_eq!(config.key_encryption_key.expose(), b"0123456789abcdef0123456789abcdef");
    assert_eq!(config.database.url.expose(), "sqlite://signet.db");
    // The environment wins over the file here too.
    let path = folder.0.path().join("nothing");
    folder.write("signet.toml", &format!("{THREE}key_encryption_key_file = {:?}\n", path.display().to_string()));
    assert!(folder.problems(&[]).contains("signet.toml:"), "{}", folder.problems(&[]));
    folder.write("signet.toml", THREE);
    assert_eq!(folder.load(&env).unwrap().database.url.expose(), "sqlite://signet.db");
}

#[test]
fn problems_of_secrets_never_show_them() {
    let folder = Folder::with("key_encryption_key = \"planted-secret\"\nkey_encryption_key_file = \"./key\"\n");
    folder.write("url", "mysql://signet:planted-secret@db/signet");
    let env = [
        ("SIGNET_ISSUER", "https://id.example.com"),
        ("SIGNET_DATABASE__URL_FILE", "./url"),
        ("SIGNET_KEY_ENCRYPTION_KEY_FILE", "./missing"),
    ];
    let text = folder.problems(&env);
    assert!(!text.contains("planted"), "{text}");
    assert_snapshot!(text, @"
    the configuration has 2 problems:
      environment variable SIGNET_DATABASE__URL_FILE: database.url must begin with sqlite:// or postgres://
      environment variable SIGNET_KEY_ENCRYPTION_KEY_FILE: key_encryption_key: missing can't be read: No such file or directory (os error 2)
    ");
    assert_snapshot!(folder.problems(&env[..2]), @"
    the configuration has 3 problems:
      signet.toml:1:22: key_encryption_key: expected 32 bytes in base64, as `openssl rand -base64 32` makes them
      signet.toml:2:27: key_encryption_key is given twice: drop it or key_encryption_key_file
      environment variable SIGNET_DATABASE__URL_FILE: database.url must begin with sqlite:// or postgres://
    ");
}

#[test]
fn the_debug_form_shows_no_secret() {
    let text = format!("{:?}", load(THREE, &[]));
    assert!(!text.contains("planted") && !text.contains("0123456789abcdef") && !text.contains("MDEyMz"), "{text}");
}

#[rstest]
#[case("[listen]\naddress = \"127.0.0.1:80\"", true)]
#[case("[listen]\naddress = \"[::1]:80\"", true)]
#[case("[listen]\naddress = \"[::ffff:127.0.0.1]:80\"", true)]
#[case("[listen]\naddress = \"0.0.0.0:80\"", false)]
#[case("[listen]\naddress = \"[::]:80\"", false)]
#[case("[listen]\naddress = \"192.0.2.1:80\"", false)]
#[case("[listen]\naddress = \"0.0.0.0:80\"\ntrusted_proxies = [\"10.0.0.0/8\"]", true)]
#[case("[listen]\naddress = \"0.0.0.0:443\"\ntls_certificate = \"c\"\ntls_key = \"k\"", true)]
#[case(
    "[listen]\naddress = \"0.0.0.0:80\"\ntls_address = \"0.0.0.0:443\"\ntls_certificate = \"c\"\ntls_key = \"k\"",
    false
)]
#[case("[listen]\ntls_address = \"0.0.0.0:443\"\ntls_certificate = \"c\"\ntls_key = \"k\"", true)]
#[case("[listen]\ntls_address = \"0.0.0.0:443\"", false)]
#[case("[listen]\ntls_certificate = \"c\"", false)]
#[case("[listen]\ntls_key = \"k\"", false)]
fn plain_http_only_on_loopback_or_behind_declared_proxies(#[case] section: &str, #[case] good: bool) {
    assert_eq!(Folder::with(&format!("{THREE}{section}\n")).load(&[]).is_ok(), good, "{section}");
}

#[rstest]
#[case("https://id.example.com", true)]
#[case("https://id.example.com:8443", true)]
#[case("http://127.0.0.1:8080", true)]
#[case("http://localhost:8080", true)]
#[case("http://[::1]:8080", true)]
#[case("http://id.example.com", false)]
#[case("https://id.example.com/", false)]
#[case("https://id.example.com/auth", false)]
#[case("https://id.example.com?tenant=a", false)]
#[case("https://id.example.com#a", false)]
#[case("https://eve@id.example.com", false)]
#[case("https://ID.example.com", false)]
#[case("https://id.example.com:443", false)]
#[case("id.example.com", false)]
fn issuers(#[case] issuer: &str, #[case] good: bool) {
    assert_eq!(Folder::with(THREE).load(&[("SIGNET_ISSUER", issuer)]).is_ok(), good);
}

#[test]
fn the_development_mode_needs_nothing() {
    let key = KeyEncryptionKey::new([7; 32]);
    let config = Config::dev("127.0.0.1:8080".parse().unwrap(), Path::new("./signet-dev"), key.clone()).unwrap();
    assert_eq!(config.issuer.as_str(), "http://127.0.0.1:8080");
    assert_eq!(config.database.url.expose(), "sqlite://./signet-dev/signet.db");
    assert_eq!(config.validate(), []);
    let open = Config::dev("0.0.0.0:8080".parse().unwrap(), Path::new("."), key).unwrap_err();
    assert_snapshot!(open, @"
    the configuration has a problem:
      argument --listen: the development mode speaks plain HTTP, and 0.0.0.0:8080 is not a loopback address
    ");
}

#[test]
fn a_management_port_that_others_reach_needs_a_token() {
    let key = ("SIGNET_KEY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let given = |address, token: Option<&'static str>| {
        let mut env =
            vec![("SIGNET_ISSUER", "https://id.example.com"), ("SIGNET_DATABASE__URL", "sqlite:///x.db"), key];
        env.push(("SIGNET_MANAGEMENT__ADDRESS", address));
        env.extend(token.map(|token| ("SIGNET_MANAGEMENT__TOKEN", token)));
        Config::load(None, env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
            .map_err(|errors| errors.to_string())
    };
    for (address, token) in [("127.0.0.1:9090", None), ("[::1]:9090", None), ("0.0.0.0:9090", Some("sixteen letters!"))]
    {
        assert!(given(address, token).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:9090", "[::]:9090", "192.0.2.1:9090"] {
        let errors = given(address, None).unwrap_err();
        assert!(errors.contains("management.address is") && errors.contains("give token"), "{errors}");
    }
    let errors = given("0.0.0.0:9090", Some("planted-short")).unwrap_err();
    assert!(errors.contains("management.token must have 16") && !errors.contains("planted"), "{errors}");
}

#[test]
fn what_is_wrong_with_traces_is_told_without_their_headers() {
    let key = ("SIGNET_KEY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let given = |name, value| {
        let env = [
            ("SIGNET_ISSUER", "https://id.example.com"),
            ("SIGNET_DATABASE__URL", "sqlite:///x.db"),
            key,
            (name, value),
        ];
        Config::load(None, env.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())))
            .map_err(|errors| errors.to_string())
    };
    for (name, value) in [
        ("SIGNET_TRACES__ENDPOINT", "http://10.0.0.1:4318"),
        ("SIGNET_TRACES__HEADERS", "authorization=Bearer%20planted"),
        ("SIGNET_TRACES__SAMPLING_RATIO", "0.01"),
        ("SIGNET_TRACES__PARENT_BASED", "true"),
    ] {
        let config = given(name, value).unwrap();
        assert!(!format!("{config:?}").contains("planted"), "{name}");
    }
    for (name, value, fault) in [
        ("SIGNET_TRACES__ENDPOINT", "collector:4318", "traces.endpoint must be an http or https URL"),
        ("SIGNET_TRACES__ENDPOINT", "http://user:planted@collector/", "traces.endpoint must be an http or https URL"),
        ("SIGNET_TRACES__HEADERS", "planted", "traces.headers must be pairs"),
        ("SIGNET_TRACES__SAMPLING_RATIO", "1.5", "traces.sampling_ratio: expected a number from 0 to 1"),
        ("SIGNET_TRACES__TIMEOUT", "0s", "traces.timeout must be longer"),
        ("SIGNET_TRACES__SERVICE_NAME", "a\u{7}", "traces.service_name must be a name"),
    ] {
        let errors = given(name, value).unwrap_err();
        assert!(errors.contains(fault) && !errors.contains("planted"), "{errors}");
    }
}

/// The reference with each line `#key = value` without its `#`.
fn uncommented() -> String {
    let page = reference();
    let lines = page.lines().filter(|line| !line.starts_with("# "));
    lines.map(|line| line.strip_prefix('#').unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_reference_is_checked_in() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/signet.toml");
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    assert!(kept == reference(), "docs/signet.toml is out of date: write it by `signet config reference`");
}

#[test]
fn the_reference_is_a_configuration() {
    let key = ("SIGNET_KEY_ENCRYPTION_KEY", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
    let url = ("SIGNET_DATABASE__URL", "sqlite://signet.db");
    let as_it_is = load(&reference(), &[key, url]);
    let with_all_lines = load(&uncommented(), &[key, url]);
    assert_eq!(as_it_is.tokens, with_all_lines.tokens);
    assert_eq!(as_it_is.sessions, with_all_lines.sessions);
    assert_eq!(as_it_is.log, with_all_lines.log);
    assert_eq!(with_all_lines.listen.tls_key.as_deref(), Some(Path::new("/etc/signet/tls/privkey.pem")));
}

#[test]
fn every_variable_of_the_reference_is_read() {
    let text = reference();
    let names = text.split(['[', ']', ',', ' ', '\n']).filter(|word| word.starts_with("SIGNET_"));
    let mut count = 0;
    for name in names {
        // Nothing is a value of every type, but a list of places in a file that isn't there is a bad one of most.
        let known = Folder::with(THREE).load(&[(name, "127.0.0.1:1")]);
        let refused = known.err().is_some_and(|errors| errors.to_string().contains(&format!("{name}: unknown")));
        assert!(!refused, "{name}");
        count += 1;
    }
    assert!(count > 30, "{count} variables");
}
