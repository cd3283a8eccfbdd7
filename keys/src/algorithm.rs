//! The signature algorithms that Signet knows, and the keys that it makes for them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A JWS signature algorithm of a key pair (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none`; for HMAC see
/// [`ClientAlgorithm`](crate::ClientAlgorithm).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every relying party can verify.
    Rs256,
    /// RSASSA-PSS with SHA-256, MGF1 with SHA-256, and a salt of 32 bytes.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519; the name on the wire is `EdDSA`.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm, the default one first.
    pub const ALL: [Self; 5] = [Self::Rs256, Self::Ps256, Self::Es256, Self::Es384, Self::EdDsa];

    /// The `alg` value on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl From<Algorithm> for &'static str {
    fn from(algorithm: Algorithm) -> Self {
        algorithm.name()
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    /// Reads an `alg` value; case counts (RFC 7515 §4.1.1).
    fn from_str(name: &str) -> Result<Self, UnknownAlgorithm> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
            .ok_or_else(|| UnknownAlgorithm(name.chars().take(32).collect()))
    }
}

impl TryFrom<String> for Algorithm {
    type Error = UnknownAlgorithm;

    fn try_from(name: String) -> Result<Self, UnknownAlgorithm> {
        name.parse()
    }
}

/// An `alg` value that Signet doesn't sign or verify with; holds at most its first 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" isn't one of the supported algorithms RS256, PS256, ES256, ES384, EdDSA")]
pub struct UnknownAlgorithm(String);

/// The length of an RSA modulus that Signet generates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RsaSize {
    /// 2,048 bits: the default, and four to seven times as fast as the others.
    #[default]
    Bits2048,
    /// 3,072 bits.
    Bits3072,
    /// 4,096 bits.
    Bits4096,
}

impl RsaSize {
    /// Length of the modulus in bits.
    pub const fn bits(self) -> u32 {
        match self {
            Self::Bits2048 => 2048,
            Self::Bits3072 => 3072,
            Self::Bits4096 => 4096,
        }
    }

    /// The size of so many bits, if Signet makes such keys.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            2048 => Some(Self::Bits2048),
            3072 => Some(Self::Bits3072),
            4096 => Some(Self::Bits4096),
            _ => None,
        }
    }
}

/// What to generate: an algorithm, and for RSA the size. A size for a curve can't be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// An RSA key that signs RS256.
    Rs256(RsaSize),
    /// An RSA key that signs PS256.
    Ps256(RsaSize),
    /// A P-256 key.
    Es256,
    /// A P-384 key.
    Es384,
    /// An Ed25519 key.
    EdDsa,
}

impl KeySpec {
    /// The spec for an algorithm, with a size in bits for RSA (default 2,048).
    ///
    /// # Errors
    /// The size isn't 2,048, 3,072 or 4,096, or one is given for an algorithm whose curve fixes it.
    pub fn new(algorithm: Algorithm, bits: Option<u32>) -> Result<Self, UnsupportedKeySize> {
        let unsupported = |bits| UnsupportedKeySize { algorithm, bits };
        let rsa_size = || match bits {
            None => Ok(RsaSize::default()),
            Some(bits) => RsaSize::from_bits(bits).ok_or_else(|| unsupported(bits)),
        };
        let no_size = |spec| bits.map_or(Ok(spec), |bits| Err(unsupported(bits)));
        match algorithm {
            Algorithm::Rs256 => rsa_size().map(Self::Rs256),
            Algorithm::Ps256 => rsa_size().map(Self::Ps256),
            Algorithm::Es256 => no_size(Self::Es256),
            Algorithm::Es384 => no_size(Self::Es384),
            Algorithm::EdDsa => no_size(Self::EdDsa),
        }
    }

    /// The algorithm that the key will sign with.
    pub const fn algorithm(self) -> Algorithm {
        match self {
            Self::Rs256(_) => Algorithm::Rs256,
            Self::Ps256(_) => Algorithm::Ps256,
            Self::Es256 => Algorithm::Es256,
            Self::Es384 => Algorithm::Es384,
            Self::EdDsa => Algorithm::EdDsa,
        }
    }
}

impl From<Algorithm> for KeySpec {
    /// The algorithm's default key: RSA of 2,048 bits, or its curve.
    fn from(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Rs256 => Self::Rs256(RsaSize::default()),
            Algorithm::Ps256 => Self::Ps256(RsaSize::default()),
            Algorithm::Es256 => Self::Es256,
            Algorithm::Es384 => Self::Es384,
            Algorithm::EdDsa => Self::EdDsa,
        }
    }
}

/// A key size that the algorithm doesn't come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{algorithm} keys don't come in {bits} bits: RSA keys have 2048, 3072 or 4096, the others take no size")]
pub struct UnsupportedKeySize {
    algorithm: Algorithm,
    bits: u32,
}
