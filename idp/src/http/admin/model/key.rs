//! Signing keys.

use keys::{Algorithm, KeySpec, RotationRules, UnsupportedKeySize};
use poem_openapi::Object;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::http::api::schema::{DateTime, Word};
use crate::service::key_rings::StoredKey;

/// A signing key: `staged` (published, not used), then `active`, then `retiring` (published, verifies), then `retired`.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Key {
    /// Its name in tokens and in the key set (RFC 7638).
    pub kid: String,
    /// The algorithm that it signs with.
    pub alg: Word<Algorithm>,
    /// `staged`, `active`, `retiring` or `retired`.
    pub state: String,
    /// When it was first published.
    pub staged_at: DateTime,
    /// When it began to sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activated_at: Option<DateTime>,
    /// When it stopped signing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retiring_at: Option<DateTime>,
    /// When it was taken out of the key set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<DateTime>,
    /// When every client can have seen it, so that it may sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_activate_at: Option<DateTime>,
    /// When nothing that it signed is valid any more, so that it may go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_retire_at: Option<DateTime>,
    /// Its public half (RFC 7517).
    pub jwk: Any<serde_json::Value>,
}

impl Key {
    /// A key, and what may come next by these rules.
    pub fn new(key: &StoredKey, rules: &RotationRules) -> Self {
        let life = &key.lifecycle;
        let at = |millis: Option<i64>| millis.map(|millis| Timestamp::from_millis(millis).into());
        Self {
            kid: key.jwk.kid().to_string(),
            alg: Word(key.jwk.algorithm()),
            state: life.state().as_str().to_owned(),
            staged_at: Timestamp::from_millis(life.staged_at()).into(),
            activated_at: at(life.activated_at()),
            retiring_at: at(life.retiring_at()),
            retired_at: at(life.retired_at()),
            may_activate_at: at(life.may_activate_at(rules)),
            may_retire_at: at(life.may_retire_at(rules)),
            jwk: Any(serde_json::to_value(&key.jwk).unwrap_or_default()),
        }
    }
}

/// A part of the list of keys.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct KeyPart {
    /// The keys.
    pub items: Vec<Key>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A key to be made.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
pub struct NewKey {
    /// The algorithm that it signs with; RS256 unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alg: Option<Word<Algorithm>>,
    /// Size of an RSA key: 2048 (unless given), 3072 or 4096.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bits: Option<u32>,
}

impl NewKey {
    /// A key of this algorithm and size.
    pub fn of(alg: Algorithm, bits: Option<u32>) -> Self {
        Self { alg: Some(Word(alg)), bits }
    }

    /// What is to be made.
    ///
    /// # Errors
    /// A size that keys of this algorithm haven't got.
    pub fn spec(&self) -> Result<KeySpec, UnsupportedKeySize> {
        KeySpec::new(self.alg.map_or(Algorithm::Rs256, |alg| alg.0), self.bits)
    }
}

/// How a key's state is to change.
#[derive(Clone, Debug, Default, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields, default)]
#[oai(skip_serializing_if_is_none)]
pub struct KeyStep {
    /// Even if clients may not have seen it yet, or tokens that it signed are still about: some are refused then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emergency: Option<bool>,
}
