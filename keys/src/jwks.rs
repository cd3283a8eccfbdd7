//! Foreign public keys: what a client registers as `jwks` or serves at its `jwks_uri`, and what an upstream publishes.

use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::public_key::{JwkError, PublicKey, refuse_private_members, shown};
use crate::verify::VerificationKey;

/// The longest JWKS document that is read, in bytes.
pub const MAX_JWKS_BYTES: usize = 128 * 1024;
/// The most keys that a JWKS may have.
pub const MAX_JWKS_KEYS: usize = 100;

/// The keys of a foreign JWKS that can verify signatures.
#[derive(Debug, Clone, Default)]
pub struct ForeignJwks {
    keys: Vec<VerificationKey>,
    skipped: Vec<(usize, JwkError)>,
}

/// Why a foreign JWKS is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("the JWKS is longer than 131072 bytes")]
    TooLong,
    /// Not a JSON object with an array `keys`.
    #[error("the JWKS isn't a JSON object with an array \"keys\"")]
    Malformed,
    /// More than [`MAX_JWKS_KEYS`].
    #[error("the JWKS has more than 100 keys")]
    TooManyKeys,
    /// A key at fault.
    #[error("key {index} of the JWKS: {error}")]
    Key {
        /// Which one, counted from 0.
        index: usize,
        /// What is wrong with it.
        error: JwkError,
    },
}

impl ForeignJwks {
    /// Reads a JWKS that is being registered: any key at fault refuses the whole. Keys that aren't for signatures
    /// (`"use": "enc"`, or `key_ops` without `verify`) are left out.
    ///
    /// # Errors
    /// See [`JwksError`].
    pub fn from_registration(json: &[u8]) -> Result<Self, JwksError> {
        let jwks = Self::from_fetched(json)?;
        match jwks.skipped.into_iter().next() {
            Some((index, error)) => Err(JwksError::Key { index, error }),
            None => Ok(Self { keys: jwks.keys, skipped: Vec::new() }),
        }
    }

    /// Reads a JWKS that was fetched: a key that can't be used is skipped, as RFC 7517 §5 asks, and told in
    /// [`Self::skipped`].
    ///
    /// # Errors
    /// The document as a whole is malformed or too big.
    pub fn from_fetched(json: &[u8]) -> Result<Self, JwksError> {
        if json.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLong);
        }
        let document: Map<String, Value> = serde_json::from_slice(json).map_err(|_| JwksError::Malformed)?;
        let Some(Value::Array(members)) = document.get("keys") else {
            return Err(JwksError::Malformed);
        };
        if members.len() > MAX_JWKS_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut jwks = Self::default();
        for (index, member) in members.iter().enumerate() {
            match verification_key(member) {
                Ok(Some(key)) => jwks.keys.push(key),
                Ok(None) => {}
                Err(error) => jwks.skipped.push((index, error)),
            }
        }
        Ok(jwks)
    }

    /// The keys.
    pub fn keys(&self) -> &[VerificationKey] {
        &self.keys
    }

    /// What was left out as unusable: place in the document, counted from 0, and reason.
    pub fn skipped(&self) -> &[(usize, JwkError)] {
        &self.skipped
    }
}

/// A key of a set; `None` if it isn't meant for signatures.
fn verification_key(jwk: &Value) -> Result<Option<VerificationKey>, JwkError> {
    let members = jwk.as_object().ok_or(JwkError::Malformed)?;
    refuse_private_members(members)?;
    if !is_for_signatures(members)? {
        return Ok(None);
    }
    let algorithm: Option<Algorithm> = optional_text(members, "alg")?
        .map(|alg| alg.parse().map_err(|_| JwkError::UnsupportedAlgorithm(shown(alg))))
        .transpose()?;
    let kid = optional_text(members, "kid")?;
    let key = PublicKey::from_jwk_members(members)?;
    VerificationKey::new(kid, algorithm, &key).map(Some)
}

/// What `use` and `key_ops` say (RFC 7517 §4.2, §4.3).
fn is_for_signatures(members: &Map<String, Value>) -> Result<bool, JwkError> {
    let by_use = optional_text(members, "use")?.is_none_or(|usage| usage == "sig");
    let by_operations = match members.get("key_ops") {
        None => true,
        Some(Value::Array(operations)) => operations.iter().any(|operation| operation == "verify"),
        Some(_) => return Err(JwkError::Malformed),
    };
    Ok(by_use && by_operations)
}

fn optional_text<'m>(members: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, JwkError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwkError::Malformed),
    }
}
