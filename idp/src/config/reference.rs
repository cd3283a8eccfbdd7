//! The reference of all keys, made from their declarations.

use std::fmt::Write as _;

use super::Config;
use super::reader::{Declared, DeclaredKey, Default, Reader};
use super::sources::Sources;

/// Width of the comments.
const WIDTH: usize = 100;

const HEAD: &str = "\
# Configuration of Signet: every key, what it means, its default.
#
# Made by `signet config reference`. A line that begins with `#` and a key shows the default, or an example where the
# key is absent by default. Durations are a number and a unit: ms, s, m, h or d.
# Each key can also come from the environment, under the name in brackets; the environment wins. An empty variable
# counts as not set. A secret can also be in a file of its own: `KEY_file = \"PATH\"` here, or `NAME_FILE` there.
# Lists in the environment have commas between their values.
";

/// A TOML file with every key: its text, its variable, its default. It is a valid configuration once the required
/// values are filled in.
pub fn reference() -> String {
    let mut reader = Reader::new(Sources::none(), Vec::new());
    let _ = Config::read(&mut reader);
    let mut page = HEAD.to_owned();
    for declared in reader.into_declared() {
        match declared {
            Declared::Section { name, about } => {
                page.push_str("\n\n");
                comment(&mut page, about);
                let _ = writeln!(page, "[{name}]");
            }
            Declared::Key(key) => describe(&mut page, &key),
        }
    }
    page
}

fn describe(page: &mut String, key: &DeclaredKey) {
    page.push('\n');
    let mut text = key.about.to_owned();
    match &key.default {
        Default::Value(_) => {}
        Default::Absent(_) => text.push_str(" Absent by default."),
        Default::Required(_) => text.push_str(" Required."),
    }
    let secret = if key.secret { format!(", {}_FILE", key.variable()) } else { String::new() };
    let _ = write!(text, " [{}{secret}]", key.variable());
    comment(page, &text);
    let _ = match &key.default {
        Default::Value(value) | Default::Absent(value) => writeln!(page, "#{} = {value}", key.name),
        Default::Required(example) => writeln!(page, "{} = {example}", key.name),
    };
}

/// Writes a text as comment lines.
fn comment(page: &mut String, text: &str) {
    let mut line = "#".to_owned();
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(page, "{line}");
            "#".clone_into(&mut line);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(page, "{line}");
}
