//! Private keys: generated, or opened from their sealed form. They leave this crate sealed only.

use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use zeroize::Zeroizing;

use crate::algorithm::{Algorithm, KeySpec, RsaSize};
use crate::jwk::{Kid, PublicJwk};
use crate::public_key::{Curve, JwkError, PublicKey};
use crate::seal::{KeyEncryptionKey, SealContext, SealError, SealingKeys};

/// A private signing key with its public half. Its bytes are wiped when it is dropped; `Debug` names it only.
pub struct PrivateKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicJwk,
}

/// Why there is no private key.
#[derive(Debug, thiserror::Error)]
pub enum PrivateKeyError {
    /// OpenSSL couldn't generate or encode a key.
    #[error("OpenSSL couldn't make the key")]
    OpenSsl(#[from] ErrorStack),
    /// The bytes aren't an unencrypted PKCS#8 private key (RFC 5208).
    #[error("the bytes aren't a PKCS#8 private key")]
    NotPkcs8(#[source] ErrorStack),
    /// The key's type, size or curve doesn't go with the algorithm.
    #[error("the key's type, size or curve doesn't go with {0}")]
    WrongKind(Algorithm),
    /// The public half isn't usable.
    #[error("the key's public half is unusable: {0}")]
    Public(#[from] JwkError),
    /// The sealed bytes couldn't be opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// What was opened is another key than the one asked for.
    #[error("the sealed key is {found}, not {expected}")]
    WrongKey {
        /// The key asked for.
        expected: Kid,
        /// The key found.
        found: Kid,
    },
}

impl PrivateKey {
    /// Generates a key. RSA takes 50 ms to a second and more, the curves a fraction of a millisecond.
    ///
    /// # Errors
    /// OpenSSL failed, for want of randomness or memory.
    pub fn generate(spec: KeySpec) -> Result<Self, PrivateKeyError> {
        let pkey = match spec {
            KeySpec::Rs256(size) | KeySpec::Ps256(size) => PKey::from_rsa(Rsa::generate(size.bits())?)?,
            KeySpec::Es256 => generate_ec(Nid::X9_62_PRIME256V1)?,
            KeySpec::Es384 => generate_ec(Nid::SECP384R1)?,
            KeySpec::EdDsa => PKey::generate_ed25519()?,
        };
        let pkcs8 = Zeroizing::new(pkey.private_key_to_pkcs8()?);
        Self::from_pkey(spec.algorithm(), &pkey, pkcs8)
    }

    /// Takes up a key from unencrypted PKCS#8 DER (RFC 5208).
    ///
    /// # Errors
    /// The bytes are no such key, or its type, size or curve doesn't go with the algorithm.
    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Self, PrivateKeyError> {
        let pkey = PKey::private_key_from_pkcs8(der).map_err(PrivateKeyError::NotPkcs8)?;
        // Encoded anew, so that the bytes kept hold the key and nothing else.
        let pkcs8 = Zeroizing::new(pkey.private_key_to_pkcs8()?);
        Self::from_pkey(algorithm, &pkey, pkcs8)
    }

    /// Seals the key for a tenant; `tenant` is the tenant id's bytes.
    ///
    /// # Errors
    /// OpenSSL failed.
    pub fn seal(&self, kek: &KeyEncryptionKey, tenant: &[u8; 16]) -> Result<Vec<u8>, SealError> {
        kek.seal(&self.pkcs8, &SealContext::signing_key(tenant, self.kid()))
    }

    /// Opens a sealed key of a tenant and checks that it is the one named by `expected`.
    ///
    /// # Errors
    /// See [`SealError`]; or the key isn't the one that `expected` describes.
    pub fn open(
        keks: &SealingKeys,
        tenant: &[u8; 16],
        expected: &PublicJwk,
        sealed: &[u8],
    ) -> Result<Self, PrivateKeyError> {
        let context = SealContext::signing_key(tenant, expected.kid());
        let pkcs8 = keks.open(sealed, &context)?;
        let key = Self::from_pkcs8(expected.algorithm(), &pkcs8)?;
        if key.public != *expected {
            return Err(PrivateKeyError::WrongKey { expected: expected.kid().clone(), found: key.kid().clone() });
        }
        Ok(key)
    }

    /// The public half, as it is published.
    pub fn public_jwk(&self) -> &PublicJwk {
        &self.public
    }

    /// The key's name.
    pub fn kid(&self) -> &Kid {
        self.public.kid()
    }

    /// The algorithm that the key signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.public.algorithm()
    }

    /// The key as OpenSSL's own, parsed anew.
    pub(crate) fn to_pkey(&self) -> Result<PKey<Private>, ErrorStack> {
        PKey::private_key_from_pkcs8(&self.pkcs8)
    }

    fn from_pkey(
        algorithm: Algorithm,
        pkey: &PKey<Private>,
        pkcs8: Zeroizing<Vec<u8>>,
    ) -> Result<Self, PrivateKeyError> {
        let key = public_half(algorithm, pkey)?;
        Ok(Self { pkcs8, public: PublicJwk::new(algorithm, key)? })
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PrivateKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .finish_non_exhaustive()
    }
}

fn generate_ec(curve: Nid) -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(curve)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// The public half of a key that must be of the algorithm's kind.
fn public_half(algorithm: Algorithm, pkey: &PKey<Private>) -> Result<PublicKey, PrivateKeyError> {
    let wrong_kind = PrivateKeyError::WrongKind(algorithm);
    match (algorithm, pkey.id()) {
        (Algorithm::Rs256 | Algorithm::Ps256, Id::RSA) => {
            if RsaSize::from_bits(pkey.bits()).is_none() {
                return Err(wrong_kind);
            }
            let rsa = pkey.rsa()?;
            Ok(PublicKey::rsa(&rsa.n().to_vec(), &rsa.e().to_vec())?)
        }
        (Algorithm::Es256, Id::EC) => ec_public_half(algorithm, Curve::P256, pkey),
        (Algorithm::Es384, Id::EC) => ec_public_half(algorithm, Curve::P384, pkey),
        (Algorithm::EdDsa, Id::ED25519) => Ok(PublicKey::ed25519(pkey.raw_public_key()?)?),
        _ => Err(wrong_kind),
    }
}

fn ec_public_half(algorithm: Algorithm, curve: Curve, pkey: &PKey<Private>) -> Result<PublicKey, PrivateKeyError> {
    let nid = match curve {
        Curve::P256 => Nid::X9_62_PRIME256V1,
        Curve::P384 => Nid::SECP384R1,
    };
    let key = pkey.ec_key()?;
    if key.group().curve_name() != Some(nid) {
        return Err(PrivateKeyError::WrongKind(algorithm));
    }
    let (mut x, mut y) = (BigNum::new()?, BigNum::new()?);
    let mut context = BigNumContext::new()?;
    key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context)?;
    let size = i32::try_from(curve.coordinate_bytes()).map_err(|_| PrivateKeyError::WrongKind(algorithm))?;
    Ok(PublicKey::ec(curve, x.to_vec_padded(size)?, y.to_vec_padded(size)?)?)
}
