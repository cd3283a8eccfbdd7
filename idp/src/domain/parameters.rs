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
    /// Decodes `application/x-www-form-urlencoded` text, as bodies and queries carry it. `None` if it is wrongly
    /// encoded: a percent sign without two digits, octets that aren't UTF-8, or a NUL.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let mut pairs = Vec::new();
        for pair in text.split(|&b| b == b'&').filter(|pair| !pair.is_empty()) {
            let mut halves = pair.splitn(2, |&b| b == b'=');
            let name = decode_component(halves.next().unwrap_or_default())?;
            let value = decode_component(halves.next().unwrap_or_default())?;
            if !value.is_empty() {
                pairs.push((name, value));
            }
        }
        Some(Self(pairs))
    }

    /// Parameters that were read from elsewhere.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect())
    }

    /// These, and of the others those that aren't among these and that `admitted` admits by their name.
    #[must_use]
    pub fn over(mut self, others: &Self, admitted: impl Fn(&str) -> bool) -> Self {
        let more = others.0.iter().filter(|(name, _)| self.all(name).next().is_none() && admitted(name));
        let more: Vec<(String, String)> = more.cloned().collect();
        self.0.extend(more);
        self
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

/// Decodes one name or value of a form. `None` if it is wrongly encoded.
pub fn decode_component(text: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    // Most of what comes is plain, and as long as a token: it is copied as a whole.
    while let Some(plain) = rest.iter().position(|byte| matches!(byte, b'+' | b'%')) {
        decoded.extend_from_slice(&rest[..plain]);
        rest = match rest[plain..] {
            [b'%', high, low, ref rest @ ..] => {
                let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
                decoded.push(u8::try_from(high * 16 + low).ok()?);
                rest
            }
            [b'+', ref rest @ ..] => {
                decoded.push(b' ');
                rest
            }
            _ => return None,
        };
    }
    decoded.extend_from_slice(rest);
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn an_empty_value_is_an_absent_one_and_a_repeated_one_is_refused() {
        let parameters = Parameters::decode(b"a=1&b=&c=2&c=3&d=x+y%20z%C3%A4&&e").unwrap();
        assert_eq!(parameters.optional("a"), Ok(Some("1")));
        assert_eq!(parameters.optional("b"), Ok(None));
        assert_eq!(parameters.optional("c"), Err(ParameterError::Repeated("c")));
        assert_eq!(parameters.required("d"), Ok("x y z\u{e4}"));
        assert_eq!(parameters.required("e"), Err(ParameterError::Missing("e")));
    }

    #[test]
    fn wrongly_encoded_text_is_refused() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%FF", "a=%00", "%C3=1"] {
            assert!(Parameters::decode(text.as_bytes()).is_none(), "{text}");
        }
    }
}
