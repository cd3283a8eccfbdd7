//! Values that must not be seen: passwords, client secrets, codes, tokens.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret string. `Debug` says nothing, there is no `Display`, and the memory is wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the string in.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The string itself. Each call is a place where it could leak: keep it as short as the use.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether both are the same, in a time that doesn't depend on where they differ.
    pub fn same_as(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && openssl::memcmp::eq(self.0.as_bytes(), other.0.as_bytes())
    }

    /// SHA-256 of the string: what the database keeps of a random secret of 128 bits or more.
    pub fn sha256(&self) -> [u8; 32] {
        // The function of the same name looks its algorithm up by name each time.
        let mut hash = openssl::sha::Sha256::new();
        hash.update(self.0.as_bytes());
        hash.finish()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}
