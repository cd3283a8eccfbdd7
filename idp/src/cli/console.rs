//! What surrounds a command: arguments aside, everything that it reads and writes.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::domain::Secret;

/// Asks somebody at a terminal for a secret, without showing what is typed.
pub type Prompt<'a> = dyn FnMut(&str) -> io::Result<Secret> + 'a;

/// What surrounds a command. The program and the tests each make their own.
pub struct Console<'a> {
    /// Environment variables.
    pub env: Vec<(String, String)>,
    /// The executable's path, for the lines that can be pasted.
    pub program: PathBuf,
    /// Standard input.
    pub stdin: &'a mut dyn Read,
    /// Standard output: what was asked for, and nothing else.
    pub stdout: &'a mut dyn Write,
    /// Standard error: what went wrong, and hints.
    pub stderr: &'a mut dyn Write,
    /// Asks for a password; `None` where nobody sits at a terminal.
    pub prompt: Option<&'a mut Prompt<'a>>,
}

/// The most that is read from standard input: a token, a password, a key.
const MOST_INPUT: u64 = 64 * 1024;

impl Console<'_> {
    /// The value of a variable; an empty one counts as not set.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        let found = self.env.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// Writes to standard output. Whoever closed the other end has read enough.
    pub(super) fn print(&mut self, text: &str) -> io::Result<()> {
        match self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Writes a line to standard error. If that can't be written to, there is nowhere left to say so.
    pub(super) fn say(&mut self, line: &str) {
        drop(writeln!(self.stderr, "{line}"));
    }

    /// All of standard input, as far as it may be sensible.
    pub(super) fn read_input(&mut self) -> io::Result<Secret> {
        let mut text = String::new();
        self.stdin.take(MOST_INPUT + 1).read_to_string(&mut text)?;
        if text.len() as u64 > MOST_INPUT {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "more than 64 KiB"));
        }
        Ok(Secret::new(text))
    }
}
