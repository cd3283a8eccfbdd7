//! Refresh tokens (RFC 6749 §6): how they are made, recognised, and followed by the next.
//!
//! A token is the grant's id, 256 secret bits, and a tag that only this installation can make. The database keeps the
//! SHA-256 of a grant's current token and of the one before it: a row for each grant, however often it is refreshed. The
//! tag tells an older token of ours, which is a theft to react to, from one that somebody made up, which is nothing.
//!
//! The secret of a token's successor follows from the token and a key of ours, so that whoever asks twice within the
//! grace period is told the same, though no text of a token is kept anywhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::SealingKeys;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use super::Failure;
use crate::domain::{GrantId, Secret};

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
const BYTES: usize = ID_BYTES + SECRET_BYTES + TAG_BYTES;
/// What the keys are derived for.
const PURPOSE: &str = "refresh tokens";

/// The keys that tokens are made with.
#[derive(Debug)]
pub struct RefreshKeys(Vec<PKey<Private>>);

impl RefreshKeys {
    /// Those of this installation, the current one first.
    ///
    /// # Errors
    /// They can't be derived from its key-encryption keys.
    pub fn derive(sealing: &SealingKeys) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(error = %error, "the keys of refresh tokens can't be derived");
            Failure::Internal
        };
        let derived = sealing.derive(PURPOSE).map_err(|error| failed(&error))?;
        let keys = derived.iter().map(|key| PKey::hmac(key.as_slice())).collect::<Result<_, _>>();
        keys.map(Self).map_err(|error: ErrorStack| failed(&error))
    }

    /// The first token of a grant.
    pub fn first(&self, grant: GrantId, secret: [u8; SECRET_BYTES]) -> Result<RefreshToken, Failure> {
        self.0.first().map(|key| RefreshToken::sealed(key, grant, secret)).ok_or(Failure::Internal)?
    }

    /// The token in a request, if it has the form of one.
    pub fn parse(&self, text: &str) -> Option<RefreshToken> {
        let bytes: [u8; BYTES] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let token = RefreshToken { bytes, ours: false };
        let made_by = |key| {
            RefreshToken::sealed(key, token.grant(), token.secret())
                .is_ok_and(|made| openssl::memcmp::eq(&made.bytes, &bytes))
        };
        Some(RefreshToken { bytes, ours: self.0.iter().any(made_by) })
    }

    /// What may follow a token: one for each key, the current one's first.
    pub fn successors(&self, token: &RefreshToken) -> Result<Vec<RefreshToken>, Failure> {
        let next = |key| RefreshToken::sealed(key, token.grant(), mac(key, b"successor", &token.bytes)?);
        self.0.iter().map(next).collect()
    }
}

/// A refresh token.
#[derive(Clone)]
pub struct RefreshToken {
    bytes: [u8; BYTES],
    ours: bool,
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RefreshToken").field(&self.grant()).finish()
    }
}

impl RefreshToken {
    fn sealed(key: &PKey<Private>, grant: GrantId, secret: [u8; SECRET_BYTES]) -> Result<Self, Failure> {
        let mut bytes = [0; BYTES];
        let (head, tag) = bytes.split_at_mut(ID_BYTES + SECRET_BYTES);
        let (id, rest) = head.split_at_mut(ID_BYTES);
        id.copy_from_slice(grant.uuid().as_bytes());
        rest.copy_from_slice(&secret);
        let mac = mac(key, b"tag", head)?;
        tag.copy_from_slice(mac.split_at(TAG_BYTES).0);
        Ok(Self { bytes, ours: true })
    }

    /// The grant that it belongs to.
    pub fn grant(&self) -> GrantId {
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(self.bytes.split_at(ID_BYTES).0);
        GrantId::from_uuid(uuid::Uuid::from_bytes(id))
    }

    fn secret(&self) -> [u8; SECRET_BYTES] {
        let mut secret = [0; SECRET_BYTES];
        secret.copy_from_slice(self.bytes.split_at(ID_BYTES).1.split_at(SECRET_BYTES).0);
        secret
    }

    /// Whether its tag is one that we make, so that it was given to somebody once, however long ago. A token that isn't may
    /// still be a grant's current one, given before the key-encryption key was changed.
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// SHA-256 of it: what the database keeps.
    pub fn hash(&self) -> [u8; 32] {
        openssl::sha::sha256(&self.bytes)
    }

    /// What the client is given.
    pub fn text(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.bytes))
    }
}

fn mac(key: &PKey<Private>, purpose: &[u8], bytes: &[u8]) -> Result<[u8; SECRET_BYTES], Failure> {
    let compute = || -> Result<[u8; SECRET_BYTES], ErrorStack> {
        let mut hmac = Signer::new(MessageDigest::sha256(), key)?;
        hmac.update(purpose)?;
        hmac.update(bytes)?;
        let mut out = [0; SECRET_BYTES];
        hmac.sign(&mut out)?;
        Ok(out)
    };
    compute().map_err(|error| {
        tracing::error!(error = %error, "a refresh token can't be made");
        Failure::Internal
    })
}
