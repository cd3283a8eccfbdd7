//! A line of `curl` for each operation, with a body that says what matters.

use serde_json::{Map, Value, json};

use super::json::{referred, text};
use crate::route::{self, ExampleCredential};

/// The most members that an example has where none is required.
const FEW: usize = 2;

/// A command to paste; `{issuer}` stands for the issuer's address.
pub(super) fn curl(method: &str, path: &str, operation: &Value, schemas: &Value) -> String {
    let credential = route::of(path).example;
    let path = operation["parameters"].as_array().into_iter().flatten().fold(path.to_owned(), |path, parameter| {
        let name = text(parameter, "name");
        path.replace(&format!("{{{name}}}"), &format!("${}", name.to_uppercase()))
    });
    let mut lines = vec![match method {
        "GET" => format!("curl \"{{issuer}}{path}\""),
        _ => format!("curl -X {method} \"{{issuer}}{path}\""),
    }];
    if operation.get("security").is_some() || credential == ExampleCredential::AccessToken {
        lines.push("-H \"Authorization: Bearer $TOKEN\"".to_owned());
    }
    let content = operation["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
    if let Some((media_type, media)) = content {
        if media_type == "application/x-www-form-urlencoded" {
            if credential == ExampleCredential::Client {
                lines.push("-u \"$CLIENT_ID:$CLIENT_SECRET\"".to_owned());
                lines.push("-d grant_type=client_credentials".to_owned());
            }
        } else {
            let body = example(&media["schema"], schemas, 0);
            lines.push(format!("-H \"Content-Type: {media_type}\""));
            lines.push(format!("-d '{body}'"));
        }
    }
    lines.join(" \\\n  ")
}

fn example(schema: &Value, schemas: &Value, depth: usize) -> Value {
    if let Some(name) = referred(schema) {
        return if depth > 2 { json!({}) } else { example(&schemas[name], schemas, depth + 1) };
    }
    if let Some(word) = schema["enum"].as_array().and_then(|words| words.first()) {
        return word.clone();
    }
    match (text(schema, "type"), text(schema, "format")) {
        ("object", _) => object(schema, schemas, depth),
        ("array", _) => json!([example(&schema["items"], schemas, depth)]),
        ("boolean", _) => json!(true),
        ("integer" | "number", _) => json!(3600),
        (_, "email") => json!("ada@example.com"),
        (_, "uri") => json!("https://app.example.com/callback"),
        (_, "password") => json!("correct horse battery staple"),
        (_, "uuid") => json!("00000000-0000-7000-8000-000000000000"),
        (_, "date-time") => json!("2030-01-01T00:00:00Z"),
        _ => json!("example"),
    }
}

fn object(schema: &Value, schemas: &Value, depth: usize) -> Value {
    let Some(properties) = schema["properties"].as_object() else { return json!({}) };
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    // What is told first matters most; a client is told by its name and where it lives.
    let telling = |name: &&String| match name.as_str() {
        "client_name" | "redirect_uris" => true,
        _ => !properties.contains_key("client_name") && required.is_empty(),
    };
    let chosen = properties.keys().filter(|name| required.contains(&name.as_str()));
    let few = properties.keys().filter(telling).take(FEW);
    let names: Vec<&String> = if required.is_empty() { few.collect() } else { chosen.collect() };
    let members: Map<String, Value> =
        names.into_iter().map(|name| (name.clone(), example(&properties[name], schemas, depth + 1))).collect();
    Value::Object(members)
}
