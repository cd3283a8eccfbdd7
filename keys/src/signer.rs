//! Signing: everything that can be done once per rotation is done when a [`Signer`] is built, so that a token costs
//! one signature and little else.

use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer as OpenSslSigner};
use serde::Serialize;

use crate::algorithm::Algorithm;
use crate::encoding::{append_base64url, to_base64url};
use crate::jwk::Kid;
use crate::private_key::PrivateKey;
use crate::public_key::Curve;

/// The kinds of JWT that Signet signs, each with its `typ` (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenType {
    /// An access token: `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    /// An ID token, or a signed userinfo answer: `JWT`.
    IdToken,
    /// A logout token: `logout+jwt` (OIDC Back-Channel Logout 1.0 §2.4).
    LogoutToken,
}

impl TokenType {
    const ALL: [Self; 3] = [Self::AccessToken, Self::IdToken, Self::LogoutToken];

    /// The `typ` value on the wire.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
            Self::LogoutToken => "logout+jwt",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::AccessToken => 0,
            Self::IdToken => 1,
            Self::LogoutToken => 2,
        }
    }
}

/// Why a token couldn't be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The claims don't serialize to JSON.
    #[error("the claims can't be written as JSON")]
    Claims(#[from] serde_json::Error),
    /// OpenSSL failed.
    #[error("OpenSSL couldn't sign")]
    OpenSsl(#[from] ErrorStack),
}

/// A private key ready to sign: parsed, its headers encoded. Shared by all threads, built once per rotation.
pub struct Signer {
    key: PKey<Private>,
    algorithm: Algorithm,
    kid: Kid,
    /// Per [`TokenType::index`]: the header in base64url, and the dot after it.
    headers: [String; TokenType::ALL.len()],
    /// Length of the signature in base64url.
    signature_chars: usize,
}

impl Signer {
    /// Makes a key ready.
    ///
    /// # Errors
    /// OpenSSL failed to parse the key or to sign once for trial.
    pub fn new(key: &PrivateKey) -> Result<Self, SignError> {
        let algorithm = key.algorithm();
        let headers = TokenType::ALL.map(|token_type| {
            // Nothing in these values needs escaping.
            let header = format!(r#"{{"alg":"{algorithm}","typ":"{}","kid":"{}"}}"#, token_type.typ(), key.kid());
            to_base64url(header.as_bytes()) + "."
        });
        let mut signer = Self { key: key.to_pkey()?, algorithm, kid: key.kid().clone(), headers, signature_chars: 0 };
        // The trial also lets OpenSSL set up what it caches per key, before the first request needs it.
        signer.signature_chars = to_base64url(&signer.signature(b"trial")?).len();
        Ok(signer)
    }

    /// The algorithm that it signs with.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The name of its key.
    pub fn kid(&self) -> &Kid {
        &self.kid
    }

    /// Signs claims as a JWT in compact form (RFC 7515 §7.1).
    ///
    /// # Errors
    /// The claims don't serialize, or OpenSSL failed.
    pub fn sign_jwt<C: Serialize + ?Sized>(&self, token_type: TokenType, claims: &C) -> Result<String, SignError> {
        self.sign_payload(token_type, &serde_json::to_vec(claims)?)
    }

    /// Signs claims that are JSON bytes already.
    ///
    /// # Errors
    /// OpenSSL failed.
    pub fn sign_payload(&self, token_type: TokenType, payload: &[u8]) -> Result<String, SignError> {
        let header = &self.headers[token_type.index()];
        let payload_chars = payload.len().div_ceil(3) * 4;
        let mut token = String::with_capacity(header.len() + payload_chars + 1 + self.signature_chars);
        token.push_str(header);
        append_base64url(payload, &mut token);
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        append_base64url(&signature, &mut token);
        Ok(token)
    }

    /// The signature over `message` in JWS form (RFC 7518 §3.3 to §3.5, RFC 8037 §3.1).
    fn signature(&self, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        match self.algorithm {
            Algorithm::Rs256 => self.digest_sign(MessageDigest::sha256(), message),
            Algorithm::Ps256 => {
                let mut signer = OpenSslSigner::new(MessageDigest::sha256(), &self.key)?;
                signer.set_rsa_padding(Padding::PKCS1_PSS)?;
                signer.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
                signer.set_rsa_mgf1_md(MessageDigest::sha256())?;
                signer.sign_oneshot_to_vec(message)
            }
            Algorithm::Es256 => {
                let der = self.digest_sign(MessageDigest::sha256(), message)?;
                raw_ecdsa(&der, Curve::P256)
            }
            Algorithm::Es384 => {
                let der = self.digest_sign(MessageDigest::sha384(), message)?;
                raw_ecdsa(&der, Curve::P384)
            }
            Algorithm::EdDsa => OpenSslSigner::new_without_digest(&self.key)?.sign_oneshot_to_vec(message),
        }
    }

    fn digest_sign(&self, digest: MessageDigest, message: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        OpenSslSigner::new(digest, &self.key)?.sign_oneshot_to_vec(message)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("algorithm", &self.algorithm).field("kid", &self.kid).finish_non_exhaustive()
    }
}

/// `r` and `s` at full length one after the other (RFC 7518 §3.4), from OpenSSL's DER.
fn raw_ecdsa(der: &[u8], curve: Curve) -> Result<Vec<u8>, ErrorStack> {
    let size = match curve {
        Curve::P256 => 32,
        Curve::P384 => 48,
    };
    let signature = EcdsaSig::from_der(der)?;
    let mut raw = signature.r().to_vec_padded(size)?;
    raw.extend_from_slice(&signature.s().to_vec_padded(size)?);
    Ok(raw)
}
