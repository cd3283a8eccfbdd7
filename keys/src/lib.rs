//! Signing keys and JOSE for Signet.
//!
//! What lives here: the life of a signing key (generated, sealed, staged, active, retiring, retired), the documents
//! that publish it (JWK, JWKS), and the two things it is for: signing a JWT and verifying one. The crate does no I/O,
//! runs nothing asynchronous and has no clock: time is an argument, in Unix milliseconds for keys (`now_ms`) and in
//! Unix seconds for claims (`now_seconds`). Randomness comes from OpenSSL.
//!
//! Decided against:
//!
//! - **A JWT library's one-call `decode(token, key)`**: which algorithms, which `typ` and which header members count
//!   is policy, and policy is one value per purpose here ([`Purpose`]), not a default of a library.
//! - **Keys as JWKs with private members**: a private key exists as sealed bytes or as a [`PrivateKey`], never as
//!   JSON, so that no serializer can print one.
//! - **One verifying function for public keys and shared secrets**: [`verify_jws`] takes public keys and knows no HMAC,
//!   [`verify_hmac`] takes secrets and knows nothing else, so that the one can't be confused with the other.
//! - **Picking the verification algorithm from the token**: the token's `alg` only selects among the purpose's list.

mod algorithm;
mod claims;
mod encoding;
mod explain;
mod header;
mod hmac;
mod jwk;
mod jwks;
mod lifecycle;
mod private_key;
mod public_key;
mod ring;
mod seal;
mod signer;
mod verify;

pub use algorithm::{Algorithm, KeySpec, RsaSize, UnknownAlgorithm, UnsupportedKeySize};
pub use claims::{Audience, ClaimRules, ClaimsError, RegisteredClaims};
pub use explain::{ExplainContext, Explanation, Problem, explain};
pub use header::{HeaderError, JwsHeader};
pub use hmac::{ClientAlgorithm, HmacKey, HmacKeyTooShort, HmacPurpose, UnknownClientAlgorithm, verify_hmac};
pub use jwk::{InvalidKid, Kid, PublicJwk};
pub use jwks::{ForeignJwks, JwksError, MAX_JWKS_BYTES, MAX_JWKS_KEYS};
pub use lifecycle::{KeyLifecycle, KeyState, LifecycleError, RotationRules, UnknownKeyState};
pub use private_key::{PrivateKey, PrivateKeyError};
pub use public_key::{Curve, JwkError, PublicKey};
pub use ring::{KeyRing, RingError, RingKey};
pub use seal::{KekId, KeyEncryptionKey, SealContext, SealError, SealingKeys};
pub use signer::{SignError, Signer, TokenType};
pub use verify::{MAX_TOKEN_BYTES, Purpose, VerificationKey, VerificationPolicy, VerifiedJws, VerifyError, verify_jws};
