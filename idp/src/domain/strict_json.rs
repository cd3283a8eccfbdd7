//! JSON in which no member stands twice. RFC 8259 §4 leaves open which one counts, so that two readers of one document
//! could understand two things; here it is refused.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use thiserror::Error;

/// Why a document isn't read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum StrictJsonError {
    /// Not JSON, or nested too deep.
    #[error("not JSON: see line {line}")]
    Syntax {
        /// Where it ceases to be.
        line: usize,
    },
    /// A member stands twice in one object.
    #[error("a member stands twice: see line {line}")]
    Twice {
        /// Where it stands again.
        line: usize,
    },
}

/// Reads a document.
///
/// # Errors
/// It isn't JSON, is nested too deep, or an object in it has a member twice.
pub fn parse(json: &[u8]) -> Result<Value, StrictJsonError> {
    serde_json::from_slice::<Strict>(json).map(|Strict(value)| value).map_err(|error| {
        let line = error.line();
        // The one thing that is refused here and isn't by the grammar.
        if error.is_data() { StrictJsonError::Twice { line } } else { StrictJsonError::Syntax { line } }
    })
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader.deserialize(deserializer).map(Self)
    }
}

struct Reader;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(truth.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(Self)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        for text in
            [r#"{"a":1,"a":1}"#, r#"{"a":{},"b":2,"a":null}"#, r#"{"x":{"a":1,"a":2}}"#, r#"[[{"a":1,"\u0061":2}]]"#]
        {
            assert_eq!(parse(text.as_bytes()), Err(StrictJsonError::Twice { line: 1 }), "{text}");
        }
        assert_eq!(parse(b"{\n\"a\":1,\n\"a\":2}"), Err(StrictJsonError::Twice { line: 3 }));
        assert_eq!(parse(br#"{"a":{"a":[{"a":1},{"a":2}]}}"#), Ok(json!({ "a": { "a": [{ "a": 1 }, { "a": 2 }] } })));
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in ["{", "{} {}", "{'a':1}", "nonsense", "[1e999]", "\"\\ud800\""] {
            assert_eq!(parse(text.as_bytes()), Err(StrictJsonError::Syntax { line: 1 }), "{text}");
        }
        let deep = "[".repeat(1000) + &"]".repeat(1000);
        assert_eq!(parse(deep.as_bytes()), Err(StrictJsonError::Syntax { line: 1 }));
    }

    fn anything() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (-1e30..1e30).prop_map(Value::from),
            ".{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn everything_else_is_read_as_it_is(value in anything()) {
            let text = value.to_string();
            prop_assert_eq!(parse(text.as_bytes()).ok(), serde_json::from_str(&text).ok());
        }
    }
}
