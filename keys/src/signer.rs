//! Signing: everything that can be done once per rotation is done when a [`Signer`] is built, so that a token costs
//! one signature and little else.
//!
//! Initialising an OpenSSL signature context costs a tenth of an ECDSA signature, and a context can sign any number of
//! times: contexts are kept and reused, as many as ever signed at once.

use std::sync::{Mutex, PoisonError};

use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::md::Md;
use openssl::pkey::{PKey, Private};
use openssl::pkey_ctx::PkeyCtx;
use openssl::rsa::Padding;
use openssl::sha::{sha256, sha384};
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
    /// A signed introspection answer: `token-introspection+jwt` (RFC 9701 §5).
    Introspection,
}

impl TokenType {
    const ALL: [Self; 4] = [Self::AccessToken, Self::IdToken, Self::LogoutToken, Self::Introspection];

    /// The `typ` value on the wire.
    pub const fn typ(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
            Self::LogoutToken => "logout+jwt",
            Self::Introspection => "token-introspection+jwt",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::AccessToken => 0,
            Self::IdToken => 1,
            Self::LogoutToken => 2,
            Self::Introspection => 3,
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
    /// Initialised contexts that nobody uses at the moment; none for `EdDSA`, which can't be given a digest.
    contexts: Mutex<Vec<PkeyCtx<Private>>>,
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
        let mut signer = Self {
            key: key.to_pkey()?,
            algorithm,
            kid: key.kid().clone(),
            headers,
            signature_chars: 0,
            contexts: Mutex::default(),
        };
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
            Algorithm::Rs256 | Algorithm::Ps256 => self.sign_digest(&sha256(message)),
            Algorithm::Es256 => raw_ecdsa(&self.sign_digest(&sha256(message))?, Curve::P256),
            Algorithm::Es384 => raw_ecdsa(&self.sign_digest(&sha384(message))?, Curve::P384),
            Algorithm::EdDsa => OpenSslSigner::new_without_digest(&self.key)?.sign_oneshot_to_vec(message),
        }
    }

    fn sign_digest(&self, digest: &[u8]) -> Result<Vec<u8>, ErrorStack> {
        // A thread that panicked left a vector of sound contexts behind: it took its own out.
        let kept = self.contexts.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut context = kept.map_or_else(|| self.new_context(), Ok)?;
        let mut signature = vec![0; self.key.size()];
        let length = context.sign(digest, Some(&mut signature))?;
        signature.truncate(length);
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).push(context);
        Ok(signature)
    }

    fn new_context(&self) -> Result<PkeyCtx<Private>, ErrorStack> {
        let mut context = PkeyCtx::new(&self.key)?;
        context.sign_init()?;
        match self.algorithm {
            Algorithm::Rs256 => {
                context.set_rsa_padding(Padding::PKCS1)?;
                context.set_signature_md(Md::sha256())?;
            }
            Algorithm::Ps256 => {
                context.set_rsa_padding(Padding::PKCS1_PSS)?;
                context.set_signature_md(Md::sha256())?;
                context.set_rsa_mgf1_md(Md::sha256())?;
                context.set_rsa_pss_saltlen(RsaPssSaltlen::DIGEST_LENGTH)?;
            }
            Algorithm::Es256 => context.set_signature_md(Md::sha256())?,
            Algorithm::Es384 => context.set_signature_md(Md::sha384())?,
            Algorithm::EdDsa => {}
        }
        Ok(context)
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn signer(algorithm: Algorithm, pkcs8: &[u8]) -> Signer {
        Signer::new(&PrivateKey::from_pkcs8(algorithm, pkcs8).unwrap()).unwrap()
    }

    /// RFC 7515 appendix A.2: RS256 is deterministic, so the signature must be the very same.
    #[test]
    fn rs256_makes_the_signature_of_rfc_7515_a_2() {
        let pem = include_bytes!("../tests/data/rfc7515_a2.pem");
        let der = PKey::private_key_from_pem(pem).unwrap().private_key_to_pkcs8().unwrap();
        let message = concat!(
            "eyJhbGciOiJSUzI1NiJ9.",
            "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
        );
        let signature = signer(Algorithm::Rs256, &der).signature(message.as_bytes()).unwrap();
        assert_eq!(
            to_base64url(&signature),
            concat!(
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CU",
                "Ar7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_d",
                "O--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0ig",
                "cN_IoypGlUPQGe77Rw",
            )
        );
    }

    /// RFC 8037 appendix A.4.
    #[test]
    fn eddsa_makes_the_signature_of_rfc_8037_a_4() {
        let seed = crate::encoding::from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pkey = PKey::private_key_from_raw_bytes(&seed, openssl::pkey::Id::ED25519).unwrap();
        let signer = signer(Algorithm::EdDsa, &pkey.private_key_to_pkcs8().unwrap());
        assert_eq!(signer.kid().as_str(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "appendix A.3");
        let signature = signer.signature(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc").unwrap();
        assert_eq!(
            to_base64url(&signature),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        );
    }

    /// RFC 7518 §3.4: short numbers are padded. One signature in 128 has a number with a leading zero byte.
    #[test]
    fn ecdsa_signatures_always_have_their_full_length() {
        for (algorithm, pem, length) in [
            (Algorithm::Es256, include_bytes!("../tests/data/p256.pem").as_slice(), 64),
            (Algorithm::Es384, include_bytes!("../tests/data/p384.pem").as_slice(), 96),
        ] {
            let der = PKey::private_key_from_pem(pem).unwrap().private_key_to_pkcs8().unwrap();
            let signer = signer(algorithm, &der);
            let mut padded = 0;
            for message in 0_u32..800 {
                let signature = signer.signature(&message.to_be_bytes()).unwrap();
                assert_eq!(signature.len(), length);
                padded += usize::from(signature[0] == 0 || signature[length / 2] == 0);
            }
            assert!(padded > 0, "no short number among 800 signatures");
        }
    }
}
