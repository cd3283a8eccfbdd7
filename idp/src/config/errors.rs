//! What is wrong with a configuration, and where.

use std::fmt;

use thiserror::Error;

/// All problems of a configuration, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConfigErrors(Vec<Problem>);

impl ConfigErrors {
    /// Sorts the problems by place. What is found later at a place where a problem is already mostly follows from the
    /// former one. `None` without any.
    pub(super) fn of(mut problems: Vec<Problem>) -> Option<Self> {
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems.dedup_by(|later, former| later.place == former.place && (later.place.is_exact() || later == former));
        if problems.is_empty() { None } else { Some(Self(problems)) }
    }

    /// The problems, at least one.
    pub fn problems(&self) -> &[Problem] {
        &self.0
    }
}

impl From<Problem> for ConfigErrors {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the configuration has a problem:")?,
            count => write!(f, "the configuration has {count} problems:")?,
        }
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

/// One problem and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    place: Place,
    text: String,
}

impl Problem {
    /// A problem at a place. `text` never holds the value of a secret.
    pub(super) fn new(place: Place, text: impl Into<String>) -> Self {
        Self { place, text: text.into() }
    }

    /// Where it is.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What it is, in a sentence.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { name, line, column } => write!(f, "{name}:{line}:{column}: {}", self.text),
            Place::WholeFile { name } => write!(f, "{name}: {}", self.text),
            Place::Environment(name) => write!(f, "environment variable {name}: {}", self.text),
            Place::Argument(name) => write!(f, "argument {name}: {}", self.text),
            Place::Missing => f.write_str(&self.text),
        }
    }
}

/// Where a value was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole: it can't be read.
    WholeFile {
        /// The file's path, as it was given.
        name: String,
    },
    /// A place in the file.
    File {
        /// The file's path, as it was given.
        name: String,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// An environment variable.
    Environment(String),
    /// An argument of the command.
    Argument(&'static str),
    /// Nowhere: a value that is needed wasn't given, or a default doesn't fit the other values.
    Missing,
}

impl Place {
    /// Whether only one thing can be wrong there.
    fn is_exact(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

/// What `validate` of a section finds: a key whose value can't stand, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    key: String,
    text: String,
}

impl Fault {
    /// A fault of the value of `key`; `text` goes on after the key's name: "must be …".
    pub(super) fn new(key: impl Into<String>, text: impl Into<String>) -> Self {
        Self { key: key.into(), text: text.into() }
    }

    /// The faults of a section, with the section's name before each key.
    pub(super) fn within(section: &str, faults: Vec<Self>) -> impl Iterator<Item = Self> {
        faults.into_iter().map(move |fault| Self { key: format!("{section}.{}", fault.key), text: fault.text })
    }

    /// The key, with its section.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Why its value can't stand.
    pub fn text(&self) -> &str {
        &self.text
    }
}
