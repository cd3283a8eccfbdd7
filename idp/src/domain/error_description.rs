//! `error_description` (RFC 6749 §4.1.2.1, §5.2, RFC 6750 §3): a sentence for the client's developer.

use std::fmt;

/// A sentence of the characters that RFC 6749 admits: `%x20-21 / %x23-5B / %x5D-7E`. It stands in headers, addresses and
/// JSON; what else there is in a text, an error of a library for instance, is replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorDescription(String);

impl ErrorDescription {
    /// The text, as far as it is admitted: other quotes for double ones, and a question mark for the rest.
    pub fn new(text: impl AsRef<str>) -> Self {
        let admitted = |character| match character {
            '"' | '\u{201C}' | '\u{201D}' | '\u{2019}' => '\'',
            '\t' | '\r' | '\n' => ' ',
            '\x20'..='\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E' => character,
            _ => '?',
        };
        Self(text.as_ref().chars().map(admitted).collect())
    }

    /// The sentence.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ErrorDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<ErrorDescription> for String {
    fn from(description: ErrorDescription) -> Self {
        description.0
    }
}

/// Whether every character is one that RFC 6749 admits, as its grammar says.
#[cfg(test)]
pub(crate) fn is_admitted(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_not_admitted_is_replaced() {
        let description = ErrorDescription::new("alg \"x\\\u{2039}é>\"\r\nfoo (§4.1)");
        assert_eq!(description.as_str(), "alg 'x???>'  foo (?4.1)");
    }

    proptest! {
        #[test]
        fn only_what_is_admitted_is_left_and_that_as_it_is(text in any::<String>()) {
            let description = ErrorDescription::new(&text);
            prop_assert!(is_admitted(description.as_str()), "{}", description);
            prop_assert_eq!(description.as_str().chars().count(), text.chars().count());
            prop_assert_eq!(is_admitted(&text), description.as_str() == text);
        }
    }
}
