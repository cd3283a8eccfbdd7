//! What a command answers: facts, each with its name, shown as text or as JSON.

use std::fmt::Write as _;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::console::Console;
use super::exit::{CliError, Exit};
use crate::domain::Timestamp;
use crate::telemetry::misplaces;

/// How a command answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// For people.
    Text,
    /// One object or array, whose members stay as they are from version to version.
    Json,
}

impl Format {
    /// Its name on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Facts about one thing, in their order. JSON has all of them, text leaves out what is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    facts: Vec<(&'static str, Value)>,
    notes: Vec<String>,
    document: Value,
}

impl Record {
    /// Facts out of a document: those that [`Self::with_all`] names.
    pub(super) fn of(document: &impl Serialize) -> Self {
        Self { document: serde_json::to_value(document).unwrap_or_default(), ..Self::default() }
    }

    /// Adds these members of the document; one that isn't there is absent.
    #[must_use]
    pub(super) fn with_all(mut self, names: &[&'static str]) -> Self {
        for name in names {
            let value = self.document.get(name).cloned().unwrap_or_default();
            self.facts.push((name, value));
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Adds a fact that has a text, or is absent.
    #[must_use]
    pub(super) fn with_text(self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.with(name, value.map(|value| value.to_string()))
    }

    /// Adds a point in time, in UTC (RFC 3339).
    #[must_use]
    pub(super) fn with_time(self, name: &'static str, at: impl Into<Option<Timestamp>>) -> Self {
        self.with(name, at.into().map(rfc3339))
    }

    /// Adds a sentence that only people see.
    #[must_use]
    pub(super) fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn get(&self, name: &str) -> String {
        let fact = self.facts.iter().find(|(n, _)| *n == name);
        fact.map(|(_, value)| lines(value).join(" ")).unwrap_or_default()
    }

    fn text(&self) -> String {
        let present = || self.facts.iter().filter(|(_, value)| !lines(value).is_empty());
        let width = present().map(|(name, _)| name.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (name, value) in present() {
            let mut label = name.replace('_', " ");
            for line in lines(value) {
                let _ = writeln!(text, "{label:width$}  {line}");
                label.clear();
            }
        }
        for note in &self.notes {
            let _ = writeln!(text, "\n{note}");
        }
        text
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.facts.len()))?;
        for (name, value) in &self.facts {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A value for people; nothing for what is absent or empty.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Bool(yes) => vec![if *yes { "yes" } else { "no" }.to_owned()],
        Value::Number(number) => vec![number.to_string()],
        // A name that somebody chose must not move the cursor, begin a line or turn one around.
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text.chars().map(|c| if misplaces(c) { '\u{fffd}' } else { c }).collect()],
        Value::Array(values) => values.iter().flat_map(lines).collect(),
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| lines(value).into_iter().map(move |line| format!("{name}: {line}")))
            .collect(),
    }
}

/// A point in time as people and JSON have it, to the second.
pub(super) fn rfc3339(at: Timestamp) -> String {
    at.rfc3339()
}

/// Prints one thing.
pub(super) fn show(console: &mut Console<'_>, format: Format, record: &Record) -> Result<Exit, CliError> {
    let text = match format {
        Format::Text => record.text(),
        Format::Json => json(record)?,
    };
    print(console, &text)
}

/// Prints several: as JSON with all facts, as text in a table with these columns.
pub(super) fn list(
    console: &mut Console<'_>,
    format: Format,
    records: &[Record],
    columns: &[&str],
) -> Result<Exit, CliError> {
    let text = match format {
        Format::Text => table(records, columns),
        Format::Json => json(&records)?,
    };
    print(console, &text)
}

fn table(records: &[Record], columns: &[&str]) -> String {
    if records.is_empty() {
        return "There are none.\n".to_owned();
    }
    let head = columns.iter().map(|name| name.replace('_', " ").to_uppercase()).collect::<Vec<_>>();
    let rows = records.iter().map(|record| columns.iter().map(|name| record.get(name)).collect());
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns.len()).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}")).collect::<Vec<_>>();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Prints what is text already.
pub(super) fn print(console: &mut Console<'_>, text: &str) -> Result<Exit, CliError> {
    console.print(text).map_err(|error| CliError::io("the answer can't be written", &error))?;
    Ok(Exit::Ok)
}

fn json(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n").map_err(|error| CliError::new(Exit::Failed, error.to_string()))
}
