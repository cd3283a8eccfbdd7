//! HMAC: what a client signs with the secret that it shares with the provider (`client_secret_jwt`, OpenID Connect
//! Core §9, and request objects).
//!
//! A secret is a [`HmacKey`] and a public key is a [`crate::VerificationKey`]; each has a function of its own that takes
//! nothing else, and the caller picks the function by what the client registered, never by what the token says. The
//! octets of a public key can therefore not become a secret (RFC 8725 §2.1).
//!
//! HS256 only: HS384 and HS512 add nothing to a secret of 256 random bits.

use std::fmt;
use std::str::FromStr;

use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::algorithm::Algorithm;
use crate::public_key::shown;
use crate::verify::{CompactParts, Purpose, VerificationPolicy, VerifiedJws, VerifyError};

/// The `alg` value of HMAC with SHA-256 on the wire.
const HS256: &str = "HS256";

/// What a client may sign its assertions and request objects with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum ClientAlgorithm {
    /// The private half of a key pair.
    Pair(Algorithm),
    /// HMAC with SHA-256 under its client secret.
    Hs256,
}

impl ClientAlgorithm {
    /// Every one, HMAC last.
    pub const ALL: [Self; 6] = [
        Self::Pair(Algorithm::Rs256),
        Self::Pair(Algorithm::Ps256),
        Self::Pair(Algorithm::Es256),
        Self::Pair(Algorithm::Es384),
        Self::Pair(Algorithm::EdDsa),
        Self::Hs256,
    ];

    /// The `alg` value on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair(algorithm) => algorithm.name(),
            Self::Hs256 => HS256,
        }
    }

    /// The algorithm of the key pair; `None` for HMAC.
    pub const fn pair(self) -> Option<Algorithm> {
        match self {
            Self::Pair(algorithm) => Some(algorithm),
            Self::Hs256 => None,
        }
    }
}

impl From<Algorithm> for ClientAlgorithm {
    fn from(algorithm: Algorithm) -> Self {
        Self::Pair(algorithm)
    }
}

impl From<ClientAlgorithm> for &'static str {
    fn from(algorithm: ClientAlgorithm) -> Self {
        algorithm.name()
    }
}

impl fmt::Display for ClientAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ClientAlgorithm {
    type Err = UnknownClientAlgorithm;

    /// Reads an `alg` value; case counts.
    fn from_str(name: &str) -> Result<Self, UnknownClientAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownClientAlgorithm(shown(name)))
    }
}

impl TryFrom<String> for ClientAlgorithm {
    type Error = UnknownClientAlgorithm;

    fn try_from(name: String) -> Result<Self, UnknownClientAlgorithm> {
        name.parse()
    }
}

/// An `alg` value that no client may sign with, `none` among them; holds at most its first 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" isn't one of the supported algorithms RS256, PS256, ES256, ES384, EdDSA, HS256")]
pub struct UnknownClientAlgorithm(String);

/// What may be signed with a shared secret: only what one client says to the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HmacPurpose {
    /// A client's assertion (RFC 7523 §3).
    ClientAssertion,
    /// A request object (RFC 9101 §4).
    RequestObject,
}

impl HmacPurpose {
    const fn purpose(self) -> Purpose {
        match self {
            Self::ClientAssertion => Purpose::ClientAssertion,
            Self::RequestObject => Purpose::RequestObject,
        }
    }
}

/// A shared secret. `Debug` says nothing, and the memory is wiped when it is dropped.
#[derive(Clone)]
pub struct HmacKey(Zeroizing<Vec<u8>>);

impl HmacKey {
    /// The shortest secret, in bytes: as long as the hash (RFC 7518 §3.2).
    pub const SHORTEST: usize = 32;

    /// A key of these bytes: of a client secret, the octets of its UTF-8 form (OpenID Connect Core §10.1).
    ///
    /// # Errors
    /// [`HmacKeyTooShort`].
    pub fn new(secret: Zeroizing<Vec<u8>>) -> Result<Self, HmacKeyTooShort> {
        if secret.len() < Self::SHORTEST { Err(HmacKeyTooShort) } else { Ok(Self(secret)) }
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        let made =
            PKey::hmac(&self.0).and_then(|key| Signer::new(MessageDigest::sha256(), &key)?.sign_oneshot_to_vec(signed));
        // The library's own verifier compares byte by byte until one differs; a secret asks for more.
        made.is_ok_and(|made| made.len() == signature.len() && memcmp::eq(&made, signature))
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(…)")
    }
}

/// A secret of less than 32 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret that signs HS256 must have 32 bytes or more")]
pub struct HmacKeyTooShort;

/// Verifies a JWS in compact form that was signed HS256 with one of these secrets; a client has two while one replaces
/// the other. `kid` names nothing here and isn't looked at.
///
/// # Errors
/// As [`crate::verify_jws`]; [`VerifyError::NoSecret`] without any secret.
pub fn verify_hmac(token: &str, keys: &[&HmacKey], purpose: HmacPurpose) -> Result<VerifiedJws, VerifyError> {
    let parts = CompactParts::split(token)?;
    let header = parts.header()?;
    if header.alg != HS256 {
        return Err(VerifyError::Algorithm(shown(&header.alg)));
    }
    VerificationPolicy::new(purpose.purpose()).check_type(header.typ.as_deref())?;
    if keys.is_empty() {
        return Err(VerifyError::NoSecret);
    }
    let signature = parts.signature()?;
    // All of them, so that the time doesn't tell which one it was.
    let good = keys.iter().fold(false, |found, key| found | key.verifies(parts.signed(), &signature));
    if !good {
        return Err(VerifyError::Signature);
    }
    Ok(VerifiedJws::new(header, ClientAlgorithm::Hs256, parts.payload()?))
}
