//! Reading of the OpenAPI document's JSON.

use serde_json::Value;

/// A member that is text; empty without one.
pub(super) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// The elements of an array.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The schema's name, if it is a reference.
pub(super) fn referred(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref").and_then(Value::as_str);
    let within = || list(&schema["allOf"]).find_map(|part| part.get("$ref").and_then(Value::as_str));
    direct.or_else(within)?.rsplit('/').next()
}
