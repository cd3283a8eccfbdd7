//! The key that private keys are sealed with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::setting::{Form, Setting};

/// 32 bytes for AES-256-GCM. `Debug` says nothing, and the memory is wiped when it is dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct KeyEncryptionKey([u8; 32]);

impl KeyEncryptionKey {
    /// Takes the bytes in.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads standard base64 with its padding, 44 characters. `None` for anything else.
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
        bytes.as_slice().try_into().ok().map(Self)
    }

    /// The bytes themselves. Each call is a place where they could leak.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyEncryptionKey(…)")
    }
}

impl Setting for KeyEncryptionKey {
    const FORM: Form = Form::Text;

    fn parse(text: &str) -> Result<Self, String> {
        Self::from_base64(text)
            .ok_or_else(|| "expected 32 bytes in base64, as `openssl rand -base64 32` makes them".to_owned())
    }

    fn show(&self) -> String {
        "…".to_owned()
    }
}
