//! Proof Key for Code Exchange (RFC 7636). Only `S256`: `plain` protects nobody (RFC 9700 §2.1.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Secret;

/// Why a challenge or verifier isn't one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PkceError {
    /// RFC 7636 §4.2: a SHA-256 in base64url is 43 characters.
    #[error("code_challenge must be the base64url form of a SHA-256, 43 characters without padding")]
    Challenge,
    /// RFC 7636 §4.1.
    #[error("code_verifier must be 43 to 128 characters out of A-Z a-z 0-9 - . _ ~")]
    Verifier,
}

/// `code_challenge` of method `S256` (RFC 7636 §4.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CodeChallenge([u8; 32]);

impl TryFrom<String> for CodeChallenge {
    type Error = PkceError;

    fn try_from(text: String) -> Result<Self, PkceError> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PkceError::Challenge)?;
        bytes.try_into().map(Self).map_err(|_| PkceError::Challenge)
    }
}

impl From<CodeChallenge> for String {
    fn from(challenge: CodeChallenge) -> Self {
        URL_SAFE_NO_PAD.encode(challenge.0)
    }
}

impl CodeChallenge {
    /// Whether the verifier is the one that this challenge was made of (RFC 7636 §4.6), in constant time.
    pub fn is_met_by(&self, verifier: &CodeVerifier) -> bool {
        openssl::memcmp::eq(&self.0, &verifier.0.sha256())
    }
}

/// `code_verifier` (RFC 7636 §4.1).
#[derive(Clone, Debug)]
pub struct CodeVerifier(Secret);

impl TryFrom<String> for CodeVerifier {
    type Error = PkceError;

    fn try_from(text: String) -> Result<Self, PkceError> {
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if (43..=128).contains(&text.len()) && text.bytes().all(unreserved) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(PkceError::Verifier)
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = CodeVerifier::try_from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()).unwrap();
        let challenge = CodeChallenge::try_from("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned()).unwrap();
        assert!(challenge.is_met_by(&verifier));
        let other = CodeVerifier::try_from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXl".to_owned()).unwrap();
        assert!(!challenge.is_met_by(&other));
    }
}
