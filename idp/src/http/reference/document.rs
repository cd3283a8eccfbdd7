//! The OpenAPI document as a reader wants it: groups of operations, and what each takes and answers.

use serde_json::{Map, Value};

use super::example;
use super::json::{list, referred, text};

/// The whole reference.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) version: String,
    pub(super) lead: Text,
    pub(super) groups: Vec<Group>,
    pub(super) schemas: Vec<Schema>,
    /// How callers prove who they are.
    pub(super) schemes: Vec<(String, Text)>,
}

/// Operations that belong together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) lead: Text,
    pub(super) operations: Vec<Operation>,
}

/// One method of one address.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) lead: Text,
    /// What the search looks through.
    pub(super) words: String,
    pub(super) parameters: Vec<Member>,
    pub(super) body: Option<Body>,
    pub(super) answers: Vec<Answer>,
    /// A line to paste after the issuer's address was put in for `{issuer}`.
    pub(super) curl: String,
}

/// What an operation is sent.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) media_types: Vec<String>,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) members: Vec<Member>,
}

/// What an operation answers.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: String,
    pub(super) is_success: bool,
    pub(super) text: Text,
    pub(super) kind: Option<Kind>,
    pub(super) headers: Vec<(String, Text)>,
}

/// A named type.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) name: String,
    pub(super) lead: Text,
    pub(super) members: Vec<Member>,
}

/// A parameter, or a member of an object.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// `path`, `query`, `header`; empty for a member.
    pub(super) place: String,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) text: Text,
    /// The words that it may be.
    pub(super) words: Vec<String>,
    /// What else bounds it.
    pub(super) limits: String,
}

/// A type, in words; with the name of the schema that it leads to.
#[derive(Debug, Default)]
pub(super) struct Kind {
    pub(super) before: &'static str,
    pub(super) name: String,
    pub(super) schema: bool,
}

/// A text with `code` in it.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) Vec<(bool, String)>);

impl Text {
    fn new(text: &str) -> Self {
        let parts = text.split('`').enumerate().map(|(index, part)| (index % 2 == 1, part.to_owned()));
        Self(parts.filter(|(_, part)| !part.is_empty()).collect())
    }

    fn of(value: &Value, name: &str) -> Self {
        Self::new(text(value, name))
    }
}

impl Operation {
    /// The line to paste for this issuer.
    pub(super) fn curl_at(&self, issuer: &str) -> String {
        self.curl.replace("{issuer}", issuer)
    }
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// An identifier for an address within the page.
fn anchor(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

impl Reference {
    /// What the document says.
    pub(super) fn new(document: &Value) -> Self {
        let schemas = &document["components"]["schemas"];
        let mut groups: Vec<Group> = list(&document["tags"])
            .map(|tag| Group {
                id: anchor(text(tag, "name")),
                name: text(tag, "name").to_owned(),
                lead: Text::of(tag, "description"),
                operations: Vec::new(),
            })
            .collect();
        for (path, operations) in members(&document["paths"]) {
            for (method, operation) in members(operations) {
                let tag = operation["tags"][0].as_str().unwrap_or_default();
                let read = read_operation(path, method, operation, schemas);
                if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
                    group.operations.push(read);
                }
            }
        }
        groups.sort_by_key(|group| !group.operations.iter().any(|operation| operation.path.starts_with("/v1/admin")));
        let authentication = members(&document["components"]["securitySchemes"])
            .map(|(name, scheme)| (name.clone(), Text::of(scheme, "description")));
        Self {
            version: text(&document["info"], "version").to_owned(),
            lead: Text::of(&document["info"], "description"),
            groups,
            schemas: members(schemas).map(|(name, schema)| read_schema(name, schema)).collect(),
            schemes: authentication.collect(),
        }
    }
}

fn read_operation(path: &str, method: &str, operation: &Value, schemas: &Value) -> Operation {
    let id = match text(operation, "operationId") {
        "" => anchor(&format!("{method} {path}")),
        id => id.to_owned(),
    };
    let parameters = list(&operation["parameters"])
        .map(|parameter| Member {
            place: text(parameter, "in").to_owned(),
            required: parameter["required"] == true,
            text: Text::of(parameter, "description"),
            ..read_member(text(parameter, "name"), &parameter["schema"], false)
        })
        .collect();
    let summary = text(operation, "summary").to_owned();
    let method = method.to_uppercase();
    Operation {
        words: format!("{method} {path} {summary} {id}").to_lowercase(),
        curl: example::curl(&method, path, operation, schemas),
        id,
        method,
        path: path.to_owned(),
        summary,
        lead: Text::of(operation, "description"),
        parameters,
        body: read_body(&operation["requestBody"], schemas),
        answers: members(&operation["responses"]).map(|(status, answer)| read_answer(status, answer)).collect(),
    }
}

fn read_body(body: &Value, schemas: &Value) -> Option<Body> {
    let content = body.get("content")?;
    let schema = members(content).next().map(|(_, media)| &media["schema"])?;
    let resolved = referred(schema).map_or(schema, |name| &schemas[name]);
    Some(Body {
        media_types: members(content).map(|(media_type, _)| media_type.clone()).collect(),
        kind: read_kind(schema),
        required: body["required"] == true,
        members: read_members(resolved),
    })
}

fn read_answer(status: &str, answer: &Value) -> Answer {
    let schema = members(&answer["content"]).next().map(|(_, media)| &media["schema"]);
    Answer {
        status: status.to_owned(),
        is_success: status.starts_with('2'),
        text: Text::of(answer, "description"),
        kind: schema.map(read_kind),
        headers: members(&answer["headers"])
            .map(|(name, header)| (name.clone(), Text::of(header, "description")))
            .collect(),
    }
}

fn read_schema(name: &str, schema: &Value) -> Schema {
    Schema { name: name.to_owned(), lead: Text::of(schema, "description"), members: read_members(schema) }
}

fn read_members(schema: &Value) -> Vec<Member> {
    let parts: Vec<&Value> = list(&schema["allOf"]).chain(std::iter::once(schema)).collect();
    let required = |name: &str| parts.iter().any(|part| list(&part["required"]).any(|known| known == name));
    let properties = parts.iter().flat_map(|part| members(&part["properties"]));
    properties.map(|(name, schema)| read_member(name, schema, required(name))).collect()
}

fn read_member(name: &str, schema: &Value, required: bool) -> Member {
    let described = list(&schema["allOf"]).map(|part| text(part, "description")).find(|text| !text.is_empty());
    let within = if schema["type"] == "array" { &schema["items"] } else { schema };
    let limits: Vec<String> = ["minimum", "maximum", "minLength", "maxLength", "pattern", "default"]
        .into_iter()
        .filter_map(|limit| Some(format!("{limit} {}", schema.get(limit)?)))
        .collect();
    Member {
        name: name.to_owned(),
        place: String::new(),
        kind: read_kind(schema),
        required,
        text: match text(schema, "description") {
            "" => Text::new(described.unwrap_or_default()),
            text => Text::new(text),
        },
        words: list(&within["enum"]).filter_map(|word| word.as_str().map(str::to_owned)).collect(),
        limits: limits.join(", ").replace(".0", ""),
    }
}

fn read_kind(schema: &Value) -> Kind {
    if let Some(name) = referred(schema) {
        return Kind { before: "", name: name.to_owned(), schema: true };
    }
    let ty = text(schema, "type");
    if ty == "array" {
        return Kind { before: "list of ", ..read_kind(&schema["items"]) };
    }
    let name = match text(schema, "format") {
        "" if ty.is_empty() => "anything".to_owned(),
        "" => ty.to_owned(),
        format => format!("{ty} ({format})"),
    };
    Kind { before: "", name, schema: false }
}
