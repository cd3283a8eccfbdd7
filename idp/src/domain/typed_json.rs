//! JSON as a type, and what is wrong with it in our own words: which member, what it must be, what it is. What a library
//! would say of it (its own names for types, a list of Rust's) never leaves the process.

use std::fmt::Display;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::{Deserializer, forward_to_deserialize_any};
use serde_json::{Map, Value};
use thiserror::Error;

use super::merge_patch::FieldError;
use super::suggestion;

/// The longest word of a request that is repeated to whoever sent it, in characters.
const LONGEST_REPEATED: usize = 60;

/// A document as its type.
///
/// # Errors
/// The member at fault: one that isn't known, of another type, or outside its rules.
pub fn read<T: DeserializeOwned>(document: Value) -> Result<T, FieldError> {
    serde_path_to_error::deserialize(Node(document)).map_err(|error| {
        let path = error.path().to_string();
        let fault = error.into_inner();
        let path = if path == "." { String::new() } else { path };
        // What isn't known stands at its parent's path or at its own, what is missing at its parent's.
        let field =
            match &fault {
                Fault::Unknown { member, .. } | Fault::Missing { member } if !is_at(&path, member) => {
                    if path.is_empty() { (*member).clone() } else { format!("{path}.{member}") }
                }
                Fault::Unknown { .. } | Fault::Missing { .. } | Fault::Other(_) => path,
            };
        FieldError::new(if field.is_empty() { "the document".to_owned() } else { field }, fault.to_string())
    })
}

fn is_at(path: &str, member: &str) -> bool {
    path.strip_suffix(member).is_some_and(|parent| parent.is_empty() || parent.ends_with('.'))
}

/// What is wrong.
#[derive(Debug, Error)]
enum Fault {
    #[error("there is no such member; {}", hint(member, known))]
    Unknown { member: String, known: &'static [&'static str] },
    #[error("is missing, and must be there")]
    Missing { member: String },
    #[error("{0}")]
    Other(String),
}

fn hint(member: &str, known: &[&str]) -> String {
    match suggestion::nearest(member, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are: {}", known.join(", ")),
    }
}

impl serde::de::Error for Fault {
    /// What a type of ours says of a text that it doesn't take.
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Other(format!("must be {}, not {}", wanted(&expected.to_string()), kind(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Other(format!("must be {}", wanted(&expected.to_string())))
    }

    fn invalid_length(length: usize, _: &dyn Expected) -> Self {
        Self::Other(format!("must have another number of members than {length}"))
    }

    fn unknown_variant(found: &str, known: &'static [&'static str]) -> Self {
        let found: String = found.chars().take(LONGEST_REPEATED).collect();
        Self::Other(format!("must be {}, not {found:?}", one_of(known)))
    }

    fn unknown_field(member: &str, known: &'static [&'static str]) -> Self {
        Self::Unknown { member: member.chars().take(LONGEST_REPEATED).collect(), known }
    }

    fn missing_field(member: &'static str) -> Self {
        Self::Missing { member: member.to_owned() }
    }

    fn duplicate_field(member: &'static str) -> Self {
        Self::Other(format!("has the member {member} twice"))
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [word] => format!("{word:?}"),
        words => format!("one of {}", words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(", ")),
    }
}

/// What a type of Rust's is called here.
fn wanted(expected: &str) -> String {
    let largest = match expected {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        _ => {
            return match expected {
                "a boolean" => "true or false",
                "u64" | "usize" => "a whole number, not negative",
                "i8" | "i16" | "i32" | "i64" => "a whole number",
                "f32" | "f64" => "a number",
                text if text.ends_with("string") => "a text",
                text if text.contains("sequence") || text.starts_with("tuple") || text.starts_with("a set") => "a list",
                text if text.contains("map") || text.starts_with("struct") => "an object",
                _ => "something else",
            }
            .to_owned();
        }
    };
    format!("a whole number from 0 to {largest}")
}

/// What JSON calls what is there. The value itself isn't repeated: it may be a secret.
fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(true) => "true",
        Unexpected::Bool(false) => "false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq | Unexpected::TupleVariant => "a list",
        _ => "an object",
    }
}

/// A value to be read.
struct Node(Value);

impl Node {
    fn unexpected(&self) -> Unexpected<'_> {
        match &self.0 {
            Value::Null => Unexpected::Unit,
            Value::Bool(value) => Unexpected::Bool(*value),
            Value::Number(_) => Unexpected::Unsigned(0),
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl IntoDeserializer<'_, Fault> for Node {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

type Members = MapDeserializer<'static, Box<dyn Iterator<Item = (String, Node)>>, Fault>;

fn members(members: Map<String, Value>) -> Members {
    MapDeserializer::new(Box::new(members.into_iter().map(|(name, value)| (name, Node(value)))))
}

impl<'de> Deserializer<'de> for Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(values) => {
                let mut list = SeqDeserializer::new(values.into_iter().map(Node));
                let value = visitor.visit_seq(&mut list)?;
                list.end().map(|()| value)
            }
            Value::Object(object) => {
                let mut members = members(object);
                let value = visitor.visit_map(&mut members)?;
                members.end().map(|()| value)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    /// Nothing but an object: the derived code would read a list as well.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if self.0.is_object() {
            self.deserialize_any(visitor)
        } else {
            Err(Fault::Other(format!("must be an object, not {}", kind(&self.unexpected()))))
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        words: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(word) => visitor.visit_enum(word.into_deserializer()),
            Value::Object(object) => visitor.visit_enum(MapAccessDeserializer::new(members(object))),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                Err(Fault::Other(format!("must be {}, not {}", one_of(words), kind(&self.unexpected()))))
            }
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Outer {
        inner: Vec<Inner>,
        #[serde(default)]
        text: Option<String>,
        #[serde(default)]
        flag: bool,
        #[serde(default)]
        word: Option<Word>,
        #[serde(default)]
        scope: Option<crate::domain::scope::ScopeSet>,
        #[serde(default)]
        anything: Value,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Inner {
        number: u32,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        FirstWord,
        Second,
    }

    #[test]
    fn what_is_wrong_is_said_in_our_words() {
        for (document, said) in [
            (json!([]), "the document: must be an object, not a list"),
            (json!({}), "inner: is missing, and must be there"),
            (json!({ "inner": [], "scopes": 1 }), "scopes: there is no such member; did you mean scope?"),
            (json!({ "inner": {} }), "inner: must be a list, not an object"),
            (json!({ "inner": [{}] }), "inner[0].number: is missing, and must be there"),
            (
                json!({ "inner": [{ "number": 1 }, { "number": "x" }] }),
                "inner[1].number: must be a whole number from 0 to 4294967295, not a text",
            ),
            (json!({ "inner": [{ "number": -1 }] }), "inner[0].number: must be a whole number from 0 to 4294967295"),
            (
                json!({ "inner": [{ "number": 1, "numer": 2 }] }),
                "inner[0].numer: there is no such member; did you mean number?",
            ),
            (json!({ "inner": [{ "number": 1, "x": 2 }] }), "inner[0].x: there is no such member; there are: number"),
            (json!({ "inner": [], "text": 5 }), "text: must be a text, not a number"),
            (json!({ "inner": [], "text": ["secret"] }), "text: must be a text, not a list"),
            (json!({ "inner": [], "flag": "true" }), "flag: must be true or false, not a text"),
            (json!({ "inner": [], "flag": null }), "flag: must be true or false, not null"),
            (json!({ "inner": [], "word": "third" }), r#"word: must be one of "first_word", "second", not "third""#),
            (json!({ "inner": [], "word": 3 }), r#"word: must be one of "first_word", "second", not a number"#),
        ] {
            let error = read::<Outer>(document.clone()).err();
            assert_eq!(error.map(|error| error.to_string()).as_deref(), Some(said), "{document}");
        }
        let scope = read::<Outer>(json!({ "inner": [], "scope": "\"" })).err();
        assert!(scope.is_some_and(|error| error.to_string().starts_with("scope: ")));
    }

    #[test]
    fn what_is_right_is_read() {
        let document = json!({ "inner": [{ "number": 7 }], "text": null, "flag": true, "word": "second",
            "scope": "openid", "anything": { "a": [1, -2, 3.5, null, "x", { "b": false }] } });
        let read = read::<Outer>(document.clone()).ok();
        assert_eq!(read.as_ref().map(|read| &read.anything), Some(&document["anything"]));
        assert!(read.is_some_and(|read| read.flag && matches!(read.word, Some(Word::Second))));
    }
}
