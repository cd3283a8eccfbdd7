//! Signet's own public keys as they are published, and their names.

use std::fmt;
use std::str::FromStr;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::{from_base64url, to_base64url};
use crate::public_key::{JwkError, PublicKey, shown};

/// The name of one of Signet's keys: its RFC 7638 thumbprint, SHA-256 in base64url, 43 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Kid(Box<str>);

impl Kid {
    /// The name of a key.
    pub fn of(key: &PublicKey) -> Self {
        Self(to_base64url(&key.thumbprint()).into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Kid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Kid {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<Kid> for String {
    fn from(kid: Kid) -> Self {
        kid.0.into()
    }
}

impl FromStr for Kid {
    type Err = InvalidKid;

    fn from_str(text: &str) -> Result<Self, InvalidKid> {
        match from_base64url(text) {
            Some(bytes) if bytes.len() == 32 => Ok(Self(text.into())),
            _ => Err(InvalidKid),
        }
    }
}

impl TryFrom<String> for Kid {
    type Error = InvalidKid;

    fn try_from(text: String) -> Result<Self, InvalidKid> {
        text.parse()
    }
}

/// Text that can't be the name of one of Signet's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is a SHA-256 thumbprint in base64url: 43 characters")]
pub struct InvalidKid;

/// One of Signet's public keys as it stands in the JWKS: with `use`, `alg` and `kid` (RFC 7517 §4).
///
/// Reading one checks that `kid` is the thumbprint and that `alg` goes with the key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
pub struct PublicJwk {
    kid: Kid,
    algorithm: Algorithm,
    key: PublicKey,
}

impl PublicJwk {
    /// Names a key and ties it to its algorithm.
    ///
    /// # Errors
    /// The algorithm doesn't go with the key.
    pub fn new(algorithm: Algorithm, key: PublicKey) -> Result<Self, JwkError> {
        if !key.algorithms().contains(&algorithm) {
            return Err(JwkError::AlgorithmMismatch(algorithm));
        }
        Ok(Self { kid: Kid::of(&key), algorithm, key })
    }

    /// The key's name.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The key itself.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl Serialize for PublicJwk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.key.members();
        let mut map = serializer.serialize_map(Some(members.len() + 3))?;
        map.serialize_entry("kid", &self.kid)?;
        map.serialize_entry("use", "sig")?;
        map.serialize_entry("alg", &self.algorithm)?;
        for (name, value) in members {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}

impl TryFrom<Map<String, Value>> for PublicJwk {
    type Error = JwkError;

    fn try_from(members: Map<String, Value>) -> Result<Self, JwkError> {
        let Some(Value::String(alg)) = members.get("alg") else {
            return Err(JwkError::Missing("alg"));
        };
        let algorithm = alg.parse().map_err(|_| JwkError::UnsupportedAlgorithm(shown(alg)))?;
        let jwk = Self::new(algorithm, PublicKey::from_jwk_members(&members)?)?;
        match members.get("kid") {
            Some(Value::String(kid)) if kid == jwk.kid.as_str() => Ok(jwk),
            Some(_) => Err(JwkError::KidMismatch),
            None => Err(JwkError::Missing("kid")),
        }
    }
}
