//! Parameters of an OAuth request, from a query or a form (RFC 6749 §3.1, §3.2).

use thiserror::Error;

/// A parameter that isn't there as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParameterError {
    /// RFC 6749 §3.1: a parameter must not appear more than once.
    #[error("{0} was sent more than once")]
    Repeated(&'static str),
    /// A required one isn't there, or is empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// It has a value that it can't have.
    #[error("{0}")]
    Invalid(String),
}

/// The parameters of a request in their order. An empty value is an absent one (RFC 6749 §3.1).
#[derive(Clone, Debug, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Decodes `application/x-www-form-urlencoded` text, as bodies and queries carry it.
    pub fn decode(text: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(text)
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// The one value of `name`, if it is there.
    pub fn optional(&self, name: &'static str) -> Result<Option<&str>, ParameterError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(ParameterError::Repeated(name)),
        }
    }

    /// The one value of `name`.
    pub fn required(&self, name: &'static str) -> Result<&str, ParameterError> {
        self.optional(name)?.ok_or(ParameterError::Missing(name))
    }

    /// Every value of `name`; for the few parameters that may be repeated (`resource`, RFC 8707 §2).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}
