//! OpenAPI documents as files: the same code gives the same bytes, so that one can be checked in and compared.

use std::fmt;

use poem_openapi::{OpenApi, OpenApiService, Webhook};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The document of a service as indented JSON, with a line break at its end.
///
/// # Errors
/// The service made a document that isn't JSON, or that says something twice: a path in two services, a status in two
/// answers.
pub fn render<T: OpenApi, W: Webhook>(service: &OpenApiService<T, W>) -> Result<String, serde_json::Error> {
    render_with(service, |_| ())
}

/// The same, with what the framework has no words for.
///
/// # Errors
/// As [`render`].
pub fn render_with<T: OpenApi, W: Webhook>(
    service: &OpenApiService<T, W>,
    complete: impl FnOnce(&mut Value),
) -> Result<String, serde_json::Error> {
    indent(&service.spec(), complete)
}

fn indent(document: &str, complete: impl FnOnce(&mut Value)) -> Result<String, serde_json::Error> {
    let Once(mut document) = serde_json::from_str(document)?;
    complete(&mut document);
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// JSON in which no object has a name twice.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON in which no object has a name twice")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Once(value)) = sequence.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Once(value))) = map.next_entry::<String, Once>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("{name} stands there twice")));
            }
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_document_is_indented_and_keeps_what_it_says() {
        let document = r#"{"b":[1,-1,1.5,"x",true,null],"a":{}}"#;
        let text = indent(document, |_| ()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), serde_json::from_str::<Value>(document).unwrap());
        assert!(text.ends_with("\n}\n"), "{text}");
    }

    #[test]
    fn what_stands_there_twice_is_refused() {
        for document in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"c":2,"a":3}}]"#] {
            let error = indent(document, |_| ()).unwrap_err().to_string();
            assert!(error.starts_with("a stands there twice"), "{error}");
        }
    }
}
