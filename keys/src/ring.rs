//! The keys of a tenant, made ready: who signs, what is published, what verifies.

use std::sync::Arc;

use openssl::sha::sha256;
use serde::Serialize;

use crate::algorithm::Algorithm;
use crate::encoding::to_base64url;
use crate::jwk::{Kid, PublicJwk};
use crate::lifecycle::KeyState;
use crate::private_key::PrivateKey;
use crate::public_key::JwkError;
use crate::signer::{SignError, Signer};
use crate::verify::{VerificationKey, VerificationPolicy, VerifiedJws, VerifyError, verify_jws};

/// A key as it goes into the ring. Only an active key needs its private half; of the others it stays sealed.
#[derive(Debug)]
pub enum RingKey {
    /// Published, signs.
    Active(PrivateKey),
    /// Published, verifies: staged or retiring.
    Published(PublicJwk),
}

impl RingKey {
    fn public_jwk(&self) -> &PublicJwk {
        match self {
            Self::Active(key) => key.public_jwk(),
            Self::Published(jwk) => jwk,
        }
    }

    /// What a key of this state goes in as; `None` if it is retired. `private` opens the sealed half and is called for
    /// an active key only.
    ///
    /// # Errors
    /// Those of `private`.
    pub fn of_state<E>(
        state: KeyState,
        public: PublicJwk,
        private: impl FnOnce(&PublicJwk) -> Result<PrivateKey, E>,
    ) -> Result<Option<Self>, E> {
        match state {
            KeyState::Active => private(&public).map(|key| Some(Self::Active(key))),
            KeyState::Staged | KeyState::Retiring => Ok(Some(Self::Published(public))),
            KeyState::Retired => Ok(None),
        }
    }
}

/// Why keys don't make a ring.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// Two active keys for one algorithm.
    #[error("two active keys sign {0}")]
    TwoActive(Algorithm),
    /// One key twice.
    #[error("the key {0} is in the ring twice")]
    Twice(Kid),
    /// A signer couldn't be built.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// A public key couldn't be made ready.
    #[error(transparent)]
    Jwk(#[from] JwkError),
    /// The JWKS couldn't be written.
    #[error("the JWKS can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// A tenant's keys, immutable: built once per rotation, swapped as a whole.
pub struct KeyRing {
    signers: Vec<Arc<Signer>>,
    verification_keys: Vec<VerificationKey>,
    jwks: Arc<[u8]>,
    etag: Arc<str>,
}

impl KeyRing {
    /// Makes keys ready. In the JWKS the active ones stand first, in the order of [`Algorithm::ALL`]; the others keep
    /// the order in which they come.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn build(keys: impl IntoIterator<Item = RingKey>) -> Result<Self, RingError> {
        let mut keys: Vec<RingKey> = keys.into_iter().collect();
        keys.sort_by_key(|key| match key {
            RingKey::Active(key) => Some(key.algorithm()),
            RingKey::Published(_) => None,
        });
        // `None` sorts first: turn the two groups around.
        let published = keys.partition_point(|key| matches!(key, RingKey::Published(_)));
        keys.rotate_left(published);

        let mut signers: Vec<Arc<Signer>> = Vec::new();
        let mut verification_keys = Vec::with_capacity(keys.len());
        let mut published: Vec<&PublicJwk> = Vec::with_capacity(keys.len());
        for key in &keys {
            let jwk = key.public_jwk();
            if published.iter().any(|other| other.kid() == jwk.kid()) {
                return Err(RingError::Twice(jwk.kid().clone()));
            }
            if let RingKey::Active(private) = key {
                if signers.iter().any(|signer| signer.algorithm() == private.algorithm()) {
                    return Err(RingError::TwoActive(private.algorithm()));
                }
                signers.push(Arc::new(Signer::new(private)?));
            }
            verification_keys.push(VerificationKey::try_from(jwk)?);
            published.push(jwk);
        }
        let jwks = serde_json::to_vec(&JwksDocument { keys: &published })?;
        let etag = format!("\"{}\"", to_base64url(&sha256(&jwks)));
        Ok(Self { signers, verification_keys, jwks: jwks.into(), etag: etag.into() })
    }

    /// The active signer of an algorithm.
    pub fn signer(&self, algorithm: Algorithm) -> Option<&Arc<Signer>> {
        self.signers.iter().find(|signer| signer.algorithm() == algorithm)
    }

    /// The algorithms that it can sign with, in the order of [`Algorithm::ALL`].
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.signers.iter().map(|signer| signer.algorithm())
    }

    /// The JWKS document (RFC 7517 §5), ready to send as `application/jwk-set+json` or `application/json`.
    pub fn jwks(&self) -> &Arc<[u8]> {
        &self.jwks
    }

    /// The JWKS document's strong entity tag, quotes included (RFC 9110 §8.8.3).
    pub fn etag(&self) -> &Arc<str> {
        &self.etag
    }

    /// Every published key, ready to verify.
    pub fn verification_keys(&self) -> &[VerificationKey] {
        &self.verification_keys
    }

    /// Verifies a token that this tenant signed.
    ///
    /// # Errors
    /// As [`verify_jws`].
    pub fn verify(&self, token: &str, policy: impl Into<VerificationPolicy>) -> Result<VerifiedJws, VerifyError> {
        verify_jws(token, &self.verification_keys, policy)
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("signers", &self.signers)
            .field("verification_keys", &self.verification_keys)
            .field("etag", &self.etag)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct JwksDocument<'a> {
    keys: &'a [&'a PublicJwk],
}
