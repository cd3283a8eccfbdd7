//! Texts of one language, as templates ask for them by key.
//!
//! A key that a language lacks is taken from English; a test keeps that from happening.

use std::borrow::Cow;

use askama::filters::{Html, Safe, escape};
use fluent_bundle::{FluentArgs, FluentValue};

use super::language::Language;

/// Marks around an inserted value while a sentence is formatted; private-use characters, which values can't bring along.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Looks texts up in one language.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts(pub(super) Language);

impl Texts {
    /// The text of a key that takes no values.
    pub(super) fn text(self, key: &str) -> Cow<'static, str> {
        self.format(key, None)
    }

    /// The text of a key with one value, as plain text: the template escapes it.
    pub(super) fn with<'value>(self, key: &str, name: &'static str, value: impl Into<FluentValue<'value>>) -> String {
        let mut arguments = FluentArgs::with_capacity(1);
        arguments.set(name, value);
        self.format(key, Some(&arguments)).into_owned()
    }

    /// The text of a key with several values, as plain text.
    pub(super) fn several(self, key: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        let mut arguments = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            arguments.set(*name, value.clone());
        }
        self.format(key, Some(&arguments)).into_owned()
    }

    /// The text of a key with values set off in bold and isolated from the direction of the text around them,
    /// as markup: everything in it is escaped.
    pub(super) fn rich(self, key: &str, values: &[(&'static str, &str)]) -> Safe<String> {
        let mut arguments = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            let value: String = value.chars().filter(|c| !matches!(*c, OPEN | CLOSE)).collect();
            arguments.set(*name, format!("{OPEN}{value}{CLOSE}"));
        }
        let sentence = self.format(key, Some(&arguments));
        let escaped = match escape(sentence, Html) {
            Ok(Safe(escaped)) => escaped.to_string(),
            Err(never) => match never {},
        };
        Safe(escaped.replace(OPEN, "<b><bdi>").replace(CLOSE, "</bdi></b>"))
    }

    fn format(self, key: &str, arguments: Option<&FluentArgs<'_>>) -> Cow<'static, str> {
        for language in [self.0, Language::default()] {
            let bundle = language.bundle();
            let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else { continue };
            // What can't be resolved stays visible as `{$name}`; there is nothing better to do with it here.
            return Cow::Owned(bundle.format_pattern(pattern, arguments, &mut Vec::new()).into_owned());
        }
        Cow::Owned(key.to_owned())
    }
}
