//! The tree of a TOML file, with the place of each key and value.

use toml::de::{DeTable, DeValue};

/// A table: its keys in the order of the alphabet.
pub(super) type Table = Vec<Entry>;

/// A key and its value.
pub(super) struct Entry {
    pub(super) name: String,
    /// Where the key begins, in bytes.
    pub(super) at: usize,
    pub(super) item: Item,
}

/// A value.
pub(super) struct Item {
    /// Where it begins, in bytes.
    pub(super) at: usize,
    pub(super) value: Value,
}

/// What a value is. Only what a key can have is kept.
pub(super) enum Value {
    Text(String),
    /// An integer, in decimal.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    List(Vec<Item>),
    Table(Table),
    /// Something else, or an integer beyond 128 bits; the name of its type.
    Other(&'static str),
}

impl Value {
    /// The name of its type, with the article.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Text(_) => "a string".to_owned(),
            Self::Number(_) => "a number".to_owned(),
            Self::Flag(_) => "a boolean".to_owned(),
            Self::List(_) => "an array".to_owned(),
            Self::Table(_) => "a table".to_owned(),
            Self::Other(name) => format!("a {name}"),
        }
    }

    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Self::Number(number.to_string()),
                Err(_) => Self::Other("number that is too large"),
            },
            DeValue::Array(items) => Self::List(
                items.iter().map(|item| Item { at: item.span().start, value: Self::of(item.get_ref()) }).collect(),
            ),
            DeValue::Table(inner) => Self::Table(table(inner)),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Float(_) | DeValue::Datetime(_) => Self::Other(value.type_str()),
        }
    }
}

/// Takes a parsed table over.
pub(super) fn table(parsed: &DeTable<'_>) -> Table {
    parsed
        .iter()
        .map(|(key, item)| Entry {
            name: key.get_ref().clone().into_owned(),
            at: key.span().start,
            item: Item { at: item.span().start, value: Value::of(item.get_ref()) },
        })
        .collect()
}

/// The value of a key.
pub(super) fn get<'a>(table: &'a Table, name: &str) -> Option<&'a Item> {
    table.iter().find(|entry| entry.name == name).map(|entry| &entry.item)
}
