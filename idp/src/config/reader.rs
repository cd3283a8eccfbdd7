//! Reads declared keys from the sources, and notes what is declared and what is wrong.

use std::collections::HashMap;
use std::path::Path;

use zeroize::Zeroizing;

use super::errors::{ConfigErrors, Fault, Place, Problem};
use super::setting::{Form, Setting};
use super::sources::{PREFIX, Sources};
use super::tree::{Item, Value};
use crate::domain::suggestion;

/// What a section or a key says of itself: the reference is made of these.
pub(super) enum Declared {
    /// A table of the file.
    Section {
        /// Its name.
        name: &'static str,
        /// What it is for.
        about: &'static str,
    },
    /// A key.
    Key(DeclaredKey),
}

/// A key, as it was declared.
pub(super) struct DeclaredKey {
    /// Its section; empty at the top.
    pub(super) section: &'static str,
    /// Its name in the section.
    pub(super) name: &'static str,
    /// What it is, with its unit.
    pub(super) about: &'static str,
    /// What holds without it.
    pub(super) default: Default,
    /// Whether it may be in a file of its own.
    pub(super) secret: bool,
}

/// What holds when a key isn't given.
pub(super) enum Default {
    /// This value, as TOML.
    Value(String),
    /// Nothing; the value here is an example, as TOML.
    Absent(String),
    /// It must be given; the value here is an example, as TOML.
    Required(String),
}

impl DeclaredKey {
    /// `section.name`, or `name` at the top.
    pub(super) fn path(&self) -> String {
        if self.section.is_empty() { self.name.to_owned() } else { format!("{}.{}", self.section, self.name) }
    }

    /// The variable's name.
    pub(super) fn variable(&self) -> String {
        variable(self.section, self.name)
    }
}

/// The variable's name of a key.
fn variable(section: &str, name: &str) -> String {
    let name = name.to_ascii_uppercase();
    if section.is_empty() {
        format!("{PREFIX}{name}")
    } else {
        format!("{PREFIX}{}__{name}", section.to_ascii_uppercase())
    }
}

/// Goes over all declarations once.
pub(super) struct Reader {
    sources: Sources,
    declared: Vec<Declared>,
    places: HashMap<String, Place>,
    problems: Vec<Problem>,
}

impl Reader {
    /// `problems` are those that opening the sources met.
    pub(super) fn new(sources: Sources, problems: Vec<Problem>) -> Self {
        Self { sources, declared: Vec::new(), places: HashMap::new(), problems }
    }

    /// What `read` reads when nothing is given.
    pub(super) fn defaults<T>(read: impl FnOnce(&mut Section<'_>) -> T) -> T {
        read(&mut Self::new(Sources::none(), Vec::new()).section("", ""))
    }

    /// Begins a section; an empty name is the top of the file.
    pub(super) fn section(&mut self, name: &'static str, about: &'static str) -> Section<'_> {
        if !name.is_empty() {
            self.declared.push(Declared::Section { name, about });
        }
        Section { reader: self, name }
    }

    /// Reads a section and notes what its `validate` finds.
    pub(super) fn checked<T>(
        &mut self,
        name: &'static str,
        about: &'static str,
        read: impl FnOnce(&mut Section<'_>) -> T,
        validate: impl FnOnce(&T) -> Vec<Fault>,
    ) -> T {
        let values = read(&mut self.section(name, about));
        for fault in Fault::within(name, validate(&values)) {
            self.fault(&fault);
        }
        values
    }

    /// What was declared so far.
    pub(super) fn into_declared(self) -> Vec<Declared> {
        self.declared
    }

    /// The problems so far.
    pub(super) fn into_errors(self) -> Option<ConfigErrors> {
        ConfigErrors::of(self.problems)
    }

    /// Notes what a `validate` found, at the place of the value, unless that place has a problem already.
    pub(super) fn fault(&mut self, fault: &Fault) {
        let place = self.places.get(fault.key()).cloned().unwrap_or(Place::Missing);
        if place == Place::Missing || !self.problems.iter().any(|problem| *problem.place() == place) {
            self.problem(place, format!("{} {}", fault.key(), fault.text()));
        }
    }

    /// Notes each key of the file and each variable that wasn't declared.
    pub(super) fn refuse_unknown(&mut self) {
        let mut unknown = Vec::new();
        if let Some(table) = self.sources.table() {
            for entry in table {
                let name = entry.name.as_str();
                let place = self.sources.place(entry.at);
                match &entry.item.value {
                    Value::Table(inner) if self.has_section(name) => {
                        for entry in inner {
                            let place = self.sources.place(entry.at);
                            unknown.extend(self.unknown_key(name, &entry.name, place));
                        }
                    }
                    _ if self.has_section(name) => {
                        unknown.push(Problem::new(place, format!("{name} is a section: write [{name}]")));
                    }
                    Value::Table(_) if !self.keys().any(|key| key.section.is_empty() && key.name == name) => {
                        let hint = suggestion::nearest(name, self.sections());
                        unknown.push(Problem::new(place, with_hint(format!("unknown section {name}"), hint)));
                    }
                    _ => unknown.extend(self.unknown_key("", name, place)),
                }
            }
        }
        for name in self.sources.variables() {
            unknown.extend(self.unknown_variable(name));
        }
        self.problems.append(&mut unknown);
    }

    fn problem(&mut self, place: Place, text: impl Into<String>) {
        self.problems.push(Problem::new(place, text));
    }

    fn keys(&self) -> impl Iterator<Item = &DeclaredKey> {
        self.declared.iter().filter_map(|declared| match declared {
            Declared::Key(key) => Some(key),
            Declared::Section { .. } => None,
        })
    }

    fn sections(&self) -> impl Iterator<Item = &str> {
        self.declared.iter().filter_map(|declared| match declared {
            Declared::Section { name, .. } => Some(*name),
            Declared::Key(_) => None,
        })
    }

    fn has_section(&self, section: &str) -> bool {
        self.sections().any(|name| name == section)
    }

    fn unknown_key(&self, section: &str, name: &str, place: Place) -> Option<Problem> {
        let is = |key: &&DeclaredKey| key.name == name || key.secret && name.strip_suffix("_file") == Some(key.name);
        if self.keys().filter(is).any(|key| key.section == section) {
            return None;
        }
        let path = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        let elsewhere = self.keys().find(is).map(DeclaredKey::path);
        let known: Vec<String> = self.keys().map(DeclaredKey::path).collect();
        let near = suggestion::nearest(&path, known.iter().map(String::as_str).chain(self.sections()));
        let hint = near.map(str::to_owned).or(elsewhere);
        Some(Problem::new(place, with_hint(format!("unknown key {path}"), hint.as_deref())))
    }

    fn unknown_variable(&self, name: &str) -> Option<Problem> {
        let mut known: Vec<String> = self.keys().map(DeclaredKey::variable).collect();
        known.extend(self.keys().filter(|key| key.secret).map(|key| format!("{}_FILE", key.variable())));
        if known.iter().any(|known| known == name) {
            return None;
        }
        let hint = suggestion::nearest(name, known.iter().map(String::as_str));
        Some(Problem::new(Place::Environment(name.to_owned()), with_hint("unknown".to_owned(), hint)))
    }
}

fn with_hint(text: String, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{text}; did you mean {hint}?"),
        None => text,
    }
}

/// One section while it is read. Each call declares a key and reads it.
pub(super) struct Section<'a> {
    reader: &'a mut Reader,
    name: &'static str,
}

impl Section<'_> {
    /// A key with a default.
    pub(super) fn value<T: Setting>(&mut self, name: &'static str, default: T, about: &'static str) -> T {
        self.declare(name, about, Default::Value(default.to_toml()), false);
        self.read(name).unwrap_or(default)
    }

    /// A key that may be absent.
    pub(super) fn optional<T: Setting>(&mut self, name: &'static str, example: &str, about: &'static str) -> Option<T> {
        self.declare(name, about, Default::Absent(T::FORM.in_toml(example)), false);
        self.read(name)
    }

    /// A list, empty by default: an array in the file, values between commas in the environment.
    pub(super) fn list<T: Setting>(&mut self, name: &'static str, example: &str, about: &'static str) -> Vec<T> {
        self.declare(name, about, Default::Absent(format!("[{}]", T::FORM.in_toml(example))), false);
        let (section, variable) = (self.name, variable(self.name, name));
        let reader = &mut *self.reader;
        let items: Vec<(Place, Result<T, String>)> = if let Some(text) = reader.sources.in_env(&variable) {
            let place = Place::Environment(variable);
            text.split(',').map(|item| (place.clone(), parse(item.trim()))).collect()
        } else if let Some(item) = reader.sources.in_file(section, name) {
            match &item.value {
                Value::List(items) => {
                    items.iter().map(|item| (reader.sources.place(item.at), from_toml(item))).collect()
                }
                other => {
                    let text = format!("expected an array, found {}", other.kind());
                    vec![(reader.sources.place(item.at), Err(text))]
                }
            }
        } else {
            Vec::new()
        };
        let path = self.path(name);
        if let Some((place, _)) = items.first() {
            self.reader.places.insert(path.clone(), place.clone());
        }
        items.into_iter().filter_map(|(place, item)| self.accept(&path, place, item)).collect()
    }

    /// A key that must be given.
    pub(super) fn required<T: Setting>(&mut self, name: &'static str, example: &str, about: &'static str) -> Option<T> {
        self.declare(name, about, Default::Required(T::FORM.in_toml(example)), false);
        let value = self.read(name);
        self.demand(name, "");
        value
    }

    /// A key that must be given and whose value is secret: here, or in a file of its own that `<name>_file` points to.
    pub(super) fn secret<T: Setting>(&mut self, name: &'static str, about: &'static str) -> Option<T> {
        self.declare(name, about, Default::Required("\"…\"".to_owned()), true);
        let given = self.read_secret(name);
        if given.is_none() {
            self.demand(name, &format!(" or {}_FILE", variable(self.name, name)));
        }
        given
    }

    /// The same for one that may be absent.
    pub(super) fn optional_secret<T: Setting>(
        &mut self,
        name: &'static str,
        example: &str,
        about: &'static str,
    ) -> Option<T> {
        self.declare(name, about, Default::Absent(T::FORM.in_toml(example)), true);
        self.read_secret(name)
    }

    fn read_secret<T: Setting>(&mut self, name: &'static str) -> Option<T> {
        let path = self.path(name);
        let mut given = Vec::new();
        for (suffix, upper) in [("", ""), ("_file", "_FILE")] {
            let key = format!("{name}{suffix}");
            let variable = format!("{}{upper}", variable(self.name, name));
            let sources = &self.reader.sources;
            if let Some(text) = sources.in_env(&variable) {
                given.push((0, Place::Environment(variable), Ok(Zeroizing::new(text.to_owned())), upper));
            } else if let Some(value) = sources.in_file(self.name, &key) {
                let text = from_toml::<String>(value).map(Zeroizing::new);
                given.push((1, sources.place(value.at), text, upper));
            }
        }
        // The environment wins over the file, as for every key; within one of them only one form may be used.
        if let [(a, ..), (b, place, ..)] = &given[..]
            && a == b
        {
            self.reader
                .problems
                .push(Problem::new(place.clone(), format!("{path} is given twice: drop it or {path}_file")));
        }
        let (_, place, text, suffix) = given.into_iter().min_by_key(|(rank, ..)| *rank)?;
        self.reader.places.insert(path.clone(), place.clone());
        let text = text.and_then(|text| if suffix.is_empty() { Ok(text) } else { contents(Path::new(text.as_str())) });
        // The message of a secret's parser never quotes it.
        let value = text.and_then(|text| T::parse(&text));
        self.accept(&path, place, value)
    }

    fn path(&self, name: &str) -> String {
        if self.name.is_empty() { name.to_owned() } else { format!("{}.{name}", self.name) }
    }

    fn declare(&mut self, name: &'static str, about: &'static str, default: Default, secret: bool) {
        self.reader.declared.push(Declared::Key(DeclaredKey { section: self.name, name, about, default, secret }));
    }

    fn read<T: Setting>(&mut self, name: &str) -> Option<T> {
        let path = self.path(name);
        let variable = variable(self.name, name);
        let sources = &self.reader.sources;
        let (place, value) = if let Some(text) = sources.in_env(&variable) {
            (Place::Environment(variable), parse(text))
        } else {
            let value = sources.in_file(self.name, name)?;
            (sources.place(value.at), from_toml(value))
        };
        self.reader.places.insert(path.clone(), place.clone());
        self.accept(&path, place, value)
    }

    fn accept<T>(&mut self, path: &str, place: Place, value: Result<T, String>) -> Option<T> {
        value.map_err(|text| self.reader.problem(place, format!("{path}: {text}"))).ok()
    }

    /// Notes that a required key is missing, if it is.
    fn demand(&mut self, name: &str, or_else: &str) {
        let path = self.path(name);
        if !self.reader.places.contains_key(&path) {
            let variable = variable(self.name, name);
            self.reader.problem(
                Place::Missing,
                format!("{path} is missing: set it in the file, or {variable}{or_else} in the environment"),
            );
        }
    }
}

fn parse<T: Setting>(text: &str) -> Result<T, String> {
    T::parse(text).map_err(|expected| format!("{expected}, found {text:?}"))
}

fn from_toml<T: Setting>(item: &Item) -> Result<T, String> {
    match (T::FORM, &item.value) {
        (Form::Text, Value::Text(text)) | (Form::Number, Value::Number(text)) => parse(text),
        (Form::Flag, Value::Flag(flag)) => parse(if *flag { "true" } else { "false" }),
        // `10` where a duration should be: what a duration looks like helps more than the name of a type.
        (form, Value::Text(text) | Value::Number(text)) => {
            parse::<T>(text).and(Err(format!("expected {}, found {}", form.name(), item.value.kind())))
        }
        (form, other) => Err(format!("expected {}, found {}", form.name(), other.kind())),
    }
}

/// The contents of a secret's file, without the newline at its end.
fn contents(path: &Path) -> Result<Zeroizing<String>, String> {
    let mut text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| format!("{} can't be read: {error}", path.display()))?;
    let length = text.trim_end_matches(['\r', '\n']).len();
    text.truncate(length);
    Ok(text)
}
