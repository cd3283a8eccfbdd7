//! The one place that draws random numbers.

use std::fmt::Debug;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::domain::{Secret, Timestamp};

/// A source of random bytes that nobody can guess.
pub trait Random: Debug + Send + Sync {
    /// Fills the buffer.
    ///
    /// # Panics
    /// If the source fails: nothing may go on with numbers that aren't random.
    fn fill(&self, buffer: &mut [u8]);
}

/// OpenSSL's generator.
#[derive(Clone, Copy, Debug)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        #[expect(clippy::expect_used, reason = "without randomness nothing may go on")]
        #[expect(clippy::disallowed_methods, reason = "this is the one place that draws random numbers")]
        openssl::rand::rand_bytes(buffer).expect("the random generator of OpenSSL must work");
    }
}

impl dyn Random + '_ {
    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// 256 random bits as 43 characters of base64url: codes, secrets, cookies.
    pub fn secret(&self) -> Secret {
        Secret::new(URL_SAFE_NO_PAD.encode(self.bytes::<32>()))
    }

    /// A UUID of version 7 (RFC 9562 §5.7): in order of time, with 74 random bits.
    pub fn uuid_v7(&self, now: Timestamp) -> Uuid {
        let millis = u64::try_from(now.millis()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes()).into_uuid()
    }
}
