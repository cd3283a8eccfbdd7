//! Where values come from: the file and the environment, as they are written.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeTable;

use super::errors::{Place, Problem};
use super::tree::{self, Item, Table, Value};

/// What every variable begins with.
pub(super) const PREFIX: &str = "SIGNET_";

/// Variables that begin like ours and are none of the configuration: the path of its file, which the command line
/// reads, who it is at an admin API, and those of the test suite.
const RESERVED: [&str; 5] =
    ["SIGNET_CONFIG", "SIGNET_TEST_", "SIGNET_TOKEN", "SIGNET_CLIENT_ID", "SIGNET_CLIENT_SECRET"];

/// The file and the environment.
pub(super) struct Sources {
    file: Option<File>,
    env: BTreeMap<String, String>,
}

/// A TOML file.
struct File {
    name: String,
    text: String,
    table: Table,
}

impl Sources {
    /// Neither a file nor a variable.
    pub(super) fn none() -> Self {
        Self { file: None, env: BTreeMap::new() }
    }

    /// Opens both. What can be read of a malformed file is read, so that its other problems show as well.
    pub(super) fn open(path: Option<&Path>, env: impl IntoIterator<Item = (String, String)>) -> (Self, Vec<Problem>) {
        let mut problems = Vec::new();
        let file = path.and_then(|path| File::open(path, &mut problems));
        let env = env.into_iter().filter(|(name, value)| is_ours(name, value)).collect();
        (Self { file, env }, problems)
    }

    /// The value of a key in the file; `section` is empty for the top.
    pub(super) fn in_file(&self, section: &str, key: &str) -> Option<&Item> {
        let top = &self.file.as_ref()?.table;
        if section.is_empty() {
            return tree::get(top, key);
        }
        match &tree::get(top, section)?.value {
            Value::Table(table) => tree::get(table, key),
            _ => None,
        }
    }

    /// The value of a variable. An empty one counts as not set, as compose files can't leave one out.
    pub(super) fn in_env(&self, variable: &str) -> Option<&str> {
        self.env.get(variable).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All variables that begin like ours.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.env.keys().map(String::as_str)
    }

    /// The file's tree.
    pub(super) fn table(&self) -> Option<&Table> {
        self.file.as_ref().map(|file| &file.table)
    }

    /// A place in the file, for people.
    pub(super) fn place(&self, at: usize) -> Place {
        self.file.as_ref().map_or(Place::Missing, |file| file.place(at))
    }
}

impl File {
    fn open(path: &Path, problems: &mut Vec<Problem>) -> Option<Self> {
        let name = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => {
                problems.push(Problem::new(Place::WholeFile { name }, format!("can't be read: {error}")));
                return None;
            }
        };
        let (parsed, errors) = DeTable::parse_recoverable(&text);
        let table = tree::table(parsed.get_ref());
        let file = Self { name, text, table };
        for error in errors {
            let start = error.span().map_or(0, |span| span.start);
            problems.push(Problem::new(file.place(start), format!("not TOML: {}", error.message())));
        }
        Some(file)
    }

    fn place(&self, offset: usize) -> Place {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place::File {
            name: self.name.clone(),
            line: before.bytes().filter(|&byte| byte == b'\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }
}

/// Whether a variable is meant for the configuration.
fn is_ours(name: &str, value: &str) -> bool {
    name.starts_with(PREFIX)
        && !RESERVED.iter().any(|reserved| name == *reserved || reserved.ends_with('_') && name.starts_with(reserved))
        && !is_service_link(name, value)
}

/// Whether Kubernetes or Docker made the variable to tell of a service named `signet` or `signet-…`:
/// `SIGNET_SERVICE_HOST`, `SIGNET_SERVICE_PORT_HTTP`, `SIGNET_PORT=tcp://…`, `SIGNET_PORT_8080_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    if name.contains("__") {
        return false;
    }
    let address = value.starts_with("tcp://") || value.starts_with("udp://");
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || (name.ends_with("_PORT") || name.ends_with("_TCP") || name.ends_with("_UDP")) && address
        || name.contains("_TCP_")
        || name.contains("_UDP_")
}

#[cfg(test)]
mod tests {
    use super::is_ours;

    #[test]
    fn variables_that_others_make_are_not_ours() {
        for (name, value) in [
            ("SIGNET_SERVICE_HOST", "10.0.0.1"),
            ("SIGNET_SERVICE_PORT_HTTP", "80"),
            ("SIGNET_PORT", "tcp://10.0.0.1:80"),
            ("SIGNET_HTTP_PORT_80_TCP_ADDR", "10.0.0.1"),
            ("SIGNET_CONFIG", "/etc/signet.toml"),
            ("SIGNET_TEST_POSTGRES", "postgres://"),
            ("PATH", "/bin"),
        ] {
            assert!(!is_ours(name, value), "{name}");
        }
        for name in ["SIGNET_PORT", "SIGNET_CONFIGURATION", "SIGNET_LISTEN__ADDRESS", "SIGNET_ISSUER"] {
            assert!(is_ours(name, "8080"), "{name}");
        }
    }
}
