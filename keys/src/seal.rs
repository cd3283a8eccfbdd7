//! Secrets at rest: AES-256-GCM under a key-encryption key that lives outside the database.
//!
//! # Format
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 1 |
//! | 8 | id of the key-encryption key: the first bytes of SHA-256 over a label and the key |
//! | 12 | nonce, random |
//! | n | ciphertext, as long as the secret |
//! | 16 | tag |
//!
//! The additional data are the first nine bytes, then each part of the [`SealContext`] after its length (4 bytes,
//! big-endian). A row moved to another tenant or under another key's name therefore doesn't open.
//!
//! Random nonces are safe here: a key-encryption key seals a few thousand rows, and the bound is 2³².
//!
//! Decided against: a key derived per tenant from the key-encryption key. The context binds a row to its tenant
//! already, and derived keys would be in the same memory.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rand::rand_bytes;
use openssl::sha::Sha256;
use openssl::sign::Signer;
use openssl::symm::{Cipher, decrypt_aead, encrypt_aead};
use zeroize::Zeroizing;

use crate::jwk::Kid;

const VERSION: u8 = 1;
const ID_BYTES: usize = 8;
const HEAD_BYTES: usize = 1 + ID_BYTES;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const KEY_BYTES: usize = 32;
/// Goes before the key when its id is computed, so that the hash serves for nothing else.
const ID_LABEL: &[u8] = b"signet key-encryption key id\0";

/// Goes before the purpose when a key is derived.
const DERIVE_LABEL: &[u8] = b"signet derived key\0";

/// What a sealed secret is for; it opens only for the same.
#[derive(Debug, Clone)]
pub struct SealContext(Vec<u8>);

impl SealContext {
    /// For the private signing key of this name in this tenant.
    pub fn signing_key(tenant: &[u8; 16], kid: &Kid) -> Self {
        Self::new("signing-key", &[tenant, kid.as_str().as_bytes()])
    }

    /// For another kind of secret. `purpose` sets the kinds apart; `parts` say which one it is, tenant id first.
    pub fn new(purpose: &str, parts: &[&[u8]]) -> Self {
        let mut bytes = Vec::new();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            // Longer than 4 GiB isn't possible for an id; a cut length would still be authenticated.
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        Self(bytes)
    }
}

/// Which key-encryption key sealed something: 8 bytes, shown in hexadecimal. Not secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KekId([u8; ID_BYTES]);

impl KekId {
    /// Reads the id off sealed bytes.
    ///
    /// # Errors
    /// [`SealError::Malformed`] or [`SealError::UnknownVersion`].
    pub fn of_sealed(sealed: &[u8]) -> Result<Self, SealError> {
        if sealed.len() < HEAD_BYTES + NONCE_BYTES + TAG_BYTES {
            return Err(SealError::Malformed);
        }
        if sealed[0] != VERSION {
            return Err(SealError::UnknownVersion(sealed[0]));
        }
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&sealed[1..HEAD_BYTES]);
        Ok(Self(id))
    }
}

impl std::fmt::Display for KekId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Why something can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The configured key isn't 32 bytes in base64 or hexadecimal. The text itself is never shown.
    #[error(
        "a key-encryption key is 32 random bytes as 64 hexadecimal digits or 44 characters of base64 (make one with `openssl rand -base64 32`)"
    )]
    InvalidKey,
    /// Shorter than the format's fixed parts.
    #[error("the sealed secret is cut short")]
    Malformed,
    /// Sealed by a later version of Signet.
    #[error("the sealed secret has format version {0}; this Signet reads version 1")]
    UnknownVersion(u8),
    /// None of the configured keys sealed it.
    #[error("the secret was sealed by the key-encryption key {0}, which isn't configured")]
    UnknownKek(KekId),
    /// The right key, but the bytes were changed, or they belong to another tenant or name.
    #[error("the sealed secret was changed, or belongs to another tenant or key")]
    Tampered,
    /// OpenSSL failed.
    #[error("OpenSSL couldn't seal the secret")]
    OpenSsl(#[from] ErrorStack),
}

/// A key that seals others: 32 bytes, wiped when dropped. `Debug` shows its id only.
pub struct KeyEncryptionKey {
    key: Zeroizing<[u8; KEY_BYTES]>,
    id: KekId,
}

impl KeyEncryptionKey {
    /// A key of these bytes.
    pub fn new(key: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        let mut hash = Sha256::new();
        hash.update(ID_LABEL);
        hash.update(key.as_slice());
        let digest = hash.finish();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&digest[..ID_BYTES]);
        Self { key, id: KekId(id) }
    }

    /// A new random key.
    ///
    /// # Errors
    /// OpenSSL has no randomness.
    pub fn generate() -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        fill_random(key.as_mut_slice())?;
        Ok(Self::new(key))
    }

    /// Reads a key from configuration: 64 hexadecimal digits, or base64 (either alphabet, padded or not) of 32 bytes.
    /// White space around it, such as a file's last line end, doesn't count.
    ///
    /// # Errors
    /// [`SealError::InvalidKey`].
    pub fn from_text(text: &str) -> Result<Self, SealError> {
        let text = text.trim();
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if text.len() == 2 * KEY_BYTES {
            for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
                *byte = hex_byte(pair).ok_or(SealError::InvalidKey)?;
            }
        } else {
            let alphabet = if text.contains(['-', '_']) { alphabet::URL_SAFE } else { alphabet::STANDARD };
            let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
            let decoded = GeneralPurpose::new(&alphabet, config)
                .decode(text)
                .map(Zeroizing::new)
                .map_err(|_| SealError::InvalidKey)?;
            if decoded.len() != KEY_BYTES {
                return Err(SealError::InvalidKey);
            }
            key.copy_from_slice(&decoded);
        }
        Ok(Self::new(key))
    }

    /// The key as text that [`Self::from_text`] reads: base64, for the file that keeps it.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(base64::engine::general_purpose::STANDARD.encode(self.key.as_slice()))
    }

    /// The key's id, which what it seals carries.
    pub fn id(&self) -> KekId {
        self.id
    }

    /// Seals a secret with a new random nonce. The result is 37 bytes longer than the secret.
    ///
    /// # Errors
    /// OpenSSL failed.
    pub fn seal(&self, secret: &[u8], context: &SealContext) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce)?;
        let mut sealed = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + secret.len() + TAG_BYTES);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id.0);
        let aad = additional_data(&sealed, context);
        let mut tag = [0; TAG_BYTES];
        let ciphertext =
            encrypt_aead(Cipher::aes_256_gcm(), self.key.as_slice(), Some(&nonce), &aad, secret, &mut tag)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Opens what this key sealed for the same context.
    ///
    /// # Errors
    /// [`SealError::UnknownKek`] if another key sealed it, [`SealError::Tampered`] if it was changed or is for another
    /// context, [`SealError::Malformed`] and [`SealError::UnknownVersion`] if it isn't in this format.
    pub fn open(&self, sealed: &[u8], context: &SealContext) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = KekId::of_sealed(sealed)?;
        if id != self.id {
            return Err(SealError::UnknownKek(id));
        }
        let (head, rest) = sealed.split_at(HEAD_BYTES);
        let (nonce, rest) = rest.split_at(NONCE_BYTES);
        let (ciphertext, tag) = rest.split_at(rest.len() - TAG_BYTES);
        let secret = decrypt_aead(
            Cipher::aes_256_gcm(),
            self.key.as_slice(),
            Some(nonce),
            &additional_data(head, context),
            ciphertext,
            tag,
        )
        .map_err(|_| SealError::Tampered)?;
        Ok(Zeroizing::new(secret))
    }
}

impl KeyEncryptionKey {
    /// A key for one other purpose, always the same: HMAC-SHA-256 of the purpose's name under this key. It tells nothing
    /// of this key or of another purpose's.
    ///
    /// # Errors
    /// [`SealError::OpenSsl`] if OpenSSL fails.
    pub fn derive(&self, purpose: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, SealError> {
        let mut hmac = Signer::new(MessageDigest::sha256(), PKey::hmac(self.key.as_slice())?.as_ref())?;
        hmac.update(DERIVE_LABEL)?;
        hmac.update(purpose.as_bytes())?;
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        hmac.sign(derived.as_mut_slice())?;
        Ok(derived)
    }
}

impl std::fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyEncryptionKey({})", self.id)
    }
}

/// The key-encryption key in use and the ones before it, which only open.
#[derive(Debug)]
pub struct SealingKeys {
    current: KeyEncryptionKey,
    previous: Vec<KeyEncryptionKey>,
}

impl SealingKeys {
    /// A set in which `current` seals and all open.
    pub fn new(current: KeyEncryptionKey, previous: Vec<KeyEncryptionKey>) -> Self {
        Self { current, previous }
    }

    /// The key that seals.
    pub fn current(&self) -> &KeyEncryptionKey {
        &self.current
    }

    /// Opens with whichever key sealed it.
    ///
    /// # Errors
    /// As [`KeyEncryptionKey::open`]; [`SealError::UnknownKek`] if none of them did.
    pub fn open(&self, sealed: &[u8], context: &SealContext) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = KekId::of_sealed(sealed)?;
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|kek| kek.id == id)
            .ok_or(SealError::UnknownKek(id))?
            .open(sealed, context)
    }

    /// The keys for one other purpose, that of the current key first ([`KeyEncryptionKey::derive`]).
    ///
    /// # Errors
    /// As [`KeyEncryptionKey::derive`].
    pub fn derive(&self, purpose: &str) -> Result<Vec<Zeroizing<[u8; KEY_BYTES]>>, SealError> {
        std::iter::once(&self.current).chain(&self.previous).map(|key| key.derive(purpose)).collect()
    }

    /// Seals anew under the current key; `None` if it is sealed by that already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reseal(&self, sealed: &[u8], context: &SealContext) -> Result<Option<Vec<u8>>, SealError> {
        if KekId::of_sealed(sealed)? == self.current.id {
            return Ok(None);
        }
        let secret = self.open(sealed, context)?;
        self.current.seal(&secret, context).map(Some)
    }
}

impl From<KeyEncryptionKey> for SealingKeys {
    fn from(current: KeyEncryptionKey) -> Self {
        Self::new(current, Vec::new())
    }
}

#[expect(clippy::disallowed_methods, reason = "a nonce that came twice would break the seal: no test may seed these")]
fn fill_random(bytes: &mut [u8]) -> Result<(), ErrorStack> {
    rand_bytes(bytes)
}

fn additional_data(head: &[u8], context: &SealContext) -> Vec<u8> {
    [head, &context.0].concat()
}

fn hex_byte(pair: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*pair.first()?)? * 16 + digit(*pair.get(1)?)?;
    u8::try_from(value).ok()
}
