//! Public keys: the checked material behind a JWK, ours or foreign.
//!
//! A [`PublicKey`] exists only if its sizes are right and, for a curve, its point lies on it; what reads a JWK
//! (RFC 7517, RFC 7518 §6, RFC 8037 §2) is therefore the one place that says no to a bad one.

use josekit::jwk::Jwk;
use josekit::jws::JwsVerifier;
use josekit::jws::alg::ecdsa::EcdsaJwsAlgorithm;
use josekit::jws::alg::eddsa::EddsaJwsAlgorithm;
use josekit::jws::alg::rsassa::RsassaJwsAlgorithm;
use josekit::jws::alg::rsassa_pss::RsassaPssJwsAlgorithm;
use openssl::sha::sha256;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::{from_base64url, to_base64url};

/// The shortest RSA modulus that is accepted, in bits (RFC 7518 §3.3).
const MIN_RSA_BITS: usize = 2048;
/// The longest RSA modulus that is accepted, in bits: a longer one only makes verification slow.
const MAX_RSA_BITS: usize = 8192;
/// The longest RSA exponent that is accepted, in bytes, for the same reason.
const MAX_EXPONENT_BYTES: usize = 8;
/// Members that only a private or a symmetric key has (RFC 7518 §6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// An elliptic curve for ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256, for ES256.
    P256,
    /// NIST P-384, for ES384.
    P384,
}

impl Curve {
    /// The `crv` value on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
        }
    }

    /// Length of one coordinate in bytes.
    pub const fn coordinate_bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
        }
    }
}

/// Checked public key material; numbers are big-endian.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(Material);

#[derive(Clone, PartialEq, Eq)]
enum Material {
    /// Modulus and exponent without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// Coordinates, each of the curve's full length.
    Ec { curve: Curve, x: Vec<u8>, y: Vec<u8> },
    /// An Ed25519 point, 32 bytes.
    Ed25519 { x: Vec<u8> },
}

/// Why a JWK isn't a public key that Signet can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwkError {
    /// The JSON isn't an object, or a member has the wrong JSON type.
    #[error("the JWK's JSON is malformed")]
    Malformed,
    /// A member that only a private or symmetric key has.
    #[error("the JWK has the private member \"{0}\": only public keys may be registered; this key is no longer secret")]
    PrivateMember(&'static str),
    /// A member that this key type needs isn't there.
    #[error("the JWK lacks the member \"{0}\"")]
    Missing(&'static str),
    /// A member isn't base64url without padding.
    #[error("the JWK's member \"{0}\" isn't base64url without padding")]
    NotBase64url(&'static str),
    /// `kty` is none of `RSA`, `EC`, `OKP`.
    #[error("the JWK's key type \"{0}\" isn't supported; use RSA, EC or OKP")]
    UnsupportedKeyType(String),
    /// `crv` is none of `P-256`, `P-384`, `Ed25519`.
    #[error("the JWK's curve \"{0}\" isn't supported; use P-256, P-384 or Ed25519")]
    UnsupportedCurve(String),
    /// `alg` isn't supported.
    #[error("the JWK's algorithm \"{0}\" isn't supported; use RS256, PS256, ES256, ES384 or EdDSA")]
    UnsupportedAlgorithm(String),
    /// `alg` doesn't go with the key's type or curve.
    #[error("the JWK's algorithm {0} doesn't go with its key type or curve")]
    AlgorithmMismatch(Algorithm),
    /// RSA modulus too short or too long.
    #[error("the RSA modulus has {0} bits; it must have 2048 to 8192")]
    RsaSize(usize),
    /// RSA modulus even, or exponent even, one, or too long.
    #[error("the RSA modulus and exponent must be odd, and the exponent 3 or more in at most 8 bytes")]
    RsaNumbers,
    /// A coordinate has the wrong length.
    #[error("the JWK's member \"{member}\" must have {expected} bytes, not {actual}")]
    CoordinateSize {
        /// Name of the member.
        member: &'static str,
        /// Length that the curve asks for, in bytes.
        expected: usize,
        /// Length found, in bytes.
        actual: usize,
    },
    /// The point isn't on the curve, or OpenSSL won't take the key for another reason.
    #[error("the JWK isn't a valid key: its point isn't on the curve, or its numbers make no key")]
    InvalidKey,
    /// `kid` is empty or too long.
    #[error("the JWK's kid must have 1 to 256 characters")]
    KidSize,
    /// `kid` isn't the key's RFC 7638 thumbprint, which Signet's own keys are named by.
    #[error("the JWK's kid isn't its thumbprint")]
    KidMismatch,
}

impl PublicKey {
    /// An RSA key of modulus and exponent, big-endian; leading zeros don't count.
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, JwkError> {
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
        if !(MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) {
            return Err(JwkError::RsaSize(bits));
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        if !is_odd(n) || !is_odd(e) || e == [1] || e.len() > MAX_EXPONENT_BYTES {
            return Err(JwkError::RsaNumbers);
        }
        Ok(Self(Material::Rsa { n: n.to_vec(), e: e.to_vec() }))
    }

    /// A point on a curve.
    pub(crate) fn ec(curve: Curve, x: Vec<u8>, y: Vec<u8>) -> Result<Self, JwkError> {
        expect_length("x", &x, curve.coordinate_bytes())?;
        expect_length("y", &y, curve.coordinate_bytes())?;
        Self(Material::Ec { curve, x, y }).on_its_curve()
    }

    /// An Ed25519 public key.
    pub(crate) fn ed25519(x: Vec<u8>) -> Result<Self, JwkError> {
        expect_length("x", &x, 32)?;
        Self(Material::Ed25519 { x }).on_its_curve()
    }

    /// Reads the key members of a JWK and refuses private ones; `use`, `alg`, `kid` are the caller's.
    ///
    /// # Errors
    /// A sentence that names the member at fault.
    pub fn from_jwk_members(members: &Map<String, Value>) -> Result<Self, JwkError> {
        refuse_private_members(members)?;
        match text(members, "kty")? {
            "RSA" => Self::rsa(&bytes(members, "n")?, &bytes(members, "e")?),
            "EC" => {
                let curve = match text(members, "crv")? {
                    "P-256" => Curve::P256,
                    "P-384" => Curve::P384,
                    other => return Err(JwkError::UnsupportedCurve(shown(other))),
                };
                Self::ec(curve, bytes(members, "x")?, bytes(members, "y")?)
            }
            "OKP" => match text(members, "crv")? {
                "Ed25519" => Self::ed25519(bytes(members, "x")?),
                other => Err(JwkError::UnsupportedCurve(shown(other))),
            },
            other => Err(JwkError::UnsupportedKeyType(shown(other))),
        }
    }

    /// The algorithms that a key of this type and curve can verify, the default one first.
    pub fn algorithms(&self) -> &'static [Algorithm] {
        match &self.0 {
            Material::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Material::Ec { curve: Curve::P256, .. } => &[Algorithm::Es256],
            Material::Ec { curve: Curve::P384, .. } => &[Algorithm::Es384],
            Material::Ed25519 { .. } => &[Algorithm::EdDsa],
        }
    }

    /// SHA-256 of the key's required members in the canonical form of RFC 7638 §3.
    pub fn thumbprint(&self) -> [u8; 32] {
        // The members stand in lexical order and hold nothing that JSON would escape.
        let canonical = match &self.0 {
            Material::Rsa { n, e } => format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, to_base64url(e), to_base64url(n)),
            Material::Ec { curve, x, y } => format!(
                r#"{{"crv":"{}","kty":"EC","x":"{}","y":"{}"}}"#,
                curve.name(),
                to_base64url(x),
                to_base64url(y)
            ),
            Material::Ed25519 { x } => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, to_base64url(x)),
        };
        sha256(canonical.as_bytes())
    }

    /// Length of the RSA modulus in bits; `None` for a curve.
    pub fn rsa_bits(&self) -> Option<usize> {
        match &self.0 {
            Material::Rsa { n, .. } => n.first().map(|first| n.len() * 8 - first.leading_zeros() as usize),
            Material::Ec { .. } | Material::Ed25519 { .. } => None,
        }
    }

    /// The key's JWK members (`kty` and what its type needs), in the order in which they are published.
    pub(crate) fn members(&self) -> Vec<(&'static str, String)> {
        match &self.0 {
            Material::Rsa { n, e } => vec![("kty", "RSA".to_owned()), ("n", to_base64url(n)), ("e", to_base64url(e))],
            Material::Ec { curve, x, y } => vec![
                ("kty", "EC".to_owned()),
                ("crv", curve.name().to_owned()),
                ("x", to_base64url(x)),
                ("y", to_base64url(y)),
            ],
            Material::Ed25519 { x } => {
                vec![("kty", "OKP".to_owned()), ("crv", "Ed25519".to_owned()), ("x", to_base64url(x))]
            }
        }
    }

    /// A verifier for one of [`Self::algorithms`]; the key is parsed here, once.
    pub(crate) fn verifier(&self, algorithm: Algorithm) -> Result<Box<dyn JwsVerifier>, JwkError> {
        let mut members = Map::new();
        for (name, value) in self.members() {
            members.insert(name.to_owned(), Value::String(value));
        }
        let jwk = Jwk::from_map(members).map_err(|_| JwkError::Malformed)?;
        let verifier: Result<Box<dyn JwsVerifier>, _> = match algorithm {
            Algorithm::Rs256 => {
                RsassaJwsAlgorithm::Rs256.verifier_from_jwk(&jwk).map(|verifier| Box::new(verifier) as _)
            }
            Algorithm::Ps256 => {
                RsassaPssJwsAlgorithm::Ps256.verifier_from_jwk(&jwk).map(|verifier| Box::new(verifier) as _)
            }
            Algorithm::Es256 => {
                EcdsaJwsAlgorithm::Es256.verifier_from_jwk(&jwk).map(|verifier| Box::new(verifier) as _)
            }
            Algorithm::Es384 => {
                EcdsaJwsAlgorithm::Es384.verifier_from_jwk(&jwk).map(|verifier| Box::new(verifier) as _)
            }
            Algorithm::EdDsa => {
                EddsaJwsAlgorithm::Eddsa.verifier_from_jwk(&jwk).map(|verifier| Box::new(verifier) as _)
            }
        };
        verifier.map_err(|_| JwkError::InvalidKey)
    }

    /// Lets OpenSSL parse a curve's key once: a point off its curve is found here.
    fn on_its_curve(self) -> Result<Self, JwkError> {
        for algorithm in self.algorithms() {
            self.verifier(*algorithm)?;
        }
        Ok(self)
    }
}

impl std::fmt::Debug for PublicKey {
    /// Type and thumbprint: enough to tell keys apart.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PublicKey({})", to_base64url(&self.thumbprint()))
    }
}

/// Refuses a JWK that shows a private or symmetric key.
pub(crate) fn refuse_private_members(members: &Map<String, Value>) -> Result<(), JwkError> {
    PRIVATE_MEMBERS
        .into_iter()
        .find(|name| members.contains_key(*name))
        .map_or(Ok(()), |name| Err(JwkError::PrivateMember(name)))
}

/// A foreign value as it may stand in an error: at most 32 characters of it.
pub(crate) fn shown(value: &str) -> String {
    value.chars().take(32).collect()
}

/// A member that must be a string.
fn text<'a>(members: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, JwkError> {
    match members.get(name) {
        None => Err(JwkError::Missing(name)),
        Some(Value::String(value)) => Ok(value),
        Some(_) => Err(JwkError::Malformed),
    }
}

/// A member that must be bytes in base64url.
fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    from_base64url(text(members, name)?).ok_or(JwkError::NotBase64url(name))
}

fn expect_length(member: &'static str, value: &[u8], expected: usize) -> Result<(), JwkError> {
    if value.len() == expected {
        return Ok(());
    }
    Err(JwkError::CoordinateSize { member, expected, actual: value.len() })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}
