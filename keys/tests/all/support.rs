//! Test keys, and forged tokens that the crate itself would never make.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::{Algorithm, PrivateKey, Signer, VerificationKey};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use serde_json::{Map, Value, json};

/// 2026-01-01T00:00:00Z in Unix seconds: now, in every test.
pub(crate) const NOW: i64 = 1_767_225_600;

pub(crate) fn pem(name: &str) -> &'static [u8] {
    match name {
        "rsa1024" => include_bytes!("../data/rsa1024.pem"),
        "rsa2048" => include_bytes!("../data/rsa2048.pem"),
        "rsa3072" => include_bytes!("../data/rsa3072.pem"),
        "rsa4096" => include_bytes!("../data/rsa4096.pem"),
        "p256" => include_bytes!("../data/p256.pem"),
        "p384" => include_bytes!("../data/p384.pem"),
        "ed25519" => include_bytes!("../data/ed25519.pem"),
        other => panic!("there is no test key {other}"),
    }
}

pub(crate) fn pkey(name: &str) -> PKey<Private> {
    PKey::private_key_from_pem(pem(name)).unwrap()
}

pub(crate) fn der(name: &str) -> Vec<u8> {
    pkey(name).private_key_to_pkcs8().unwrap()
}

/// The name of the test key for an algorithm.
pub(crate) const fn file(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Rs256 => "rsa2048",
        Algorithm::Ps256 => "rsa3072",
        Algorithm::Es256 => "p256",
        Algorithm::Es384 => "p384",
        Algorithm::EdDsa => "ed25519",
    }
}

pub(crate) fn private_key(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::from_pkcs8(algorithm, &der(file(algorithm))).unwrap()
}

static SIGNERS: LazyLock<Vec<Signer>> =
    LazyLock::new(|| Algorithm::ALL.map(|algorithm| Signer::new(&private_key(algorithm)).unwrap()).into());
static VERIFICATION_KEYS: LazyLock<Vec<VerificationKey>> = LazyLock::new(|| {
    Algorithm::ALL.map(|algorithm| VerificationKey::try_from(private_key(algorithm).public_jwk()).unwrap()).into()
});

pub(crate) fn signer(algorithm: Algorithm) -> &'static Signer {
    SIGNERS.iter().find(|signer| signer.algorithm() == algorithm).unwrap()
}

/// The public halves of all test keys.
pub(crate) fn verification_keys() -> &'static [VerificationKey] {
    &VERIFICATION_KEYS
}

/// The public half of a test key as the members of a JWK.
pub(crate) fn jwk(algorithm: Algorithm) -> Map<String, Value> {
    match serde_json::to_value(private_key(algorithm).public_jwk()).unwrap() {
        Value::Object(members) => members,
        _ => unreachable!("a JWK is an object"),
    }
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

/// A header as our RS256 signer writes it, with these members changed (`null` removes one).
pub(crate) fn header_with(changes: &Value) -> String {
    let mut header = json!({"alg": "RS256", "typ": "at+jwt", "kid": private_key(Algorithm::Rs256).kid()});
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            header.as_object_mut().unwrap().remove(name);
        } else {
            header[name] = value.clone();
        }
    }
    header.to_string()
}

/// A token with any header and payload and a good RS256 signature of the 2,048-bit test key.
pub(crate) fn forge(header: &str, payload: &str) -> String {
    let message = format!("{}.{}", encode(header), encode(payload));
    sign_message(message)
}

/// Adds a good RS256 signature of the 2,048-bit test key.
pub(crate) fn sign_message(message: String) -> String {
    let pkey = pkey("rsa2048");
    let signature = openssl::sign::Signer::new(MessageDigest::sha256(), &pkey)
        .unwrap()
        .sign_oneshot_to_vec(message.as_bytes())
        .unwrap();
    message + "." + &encode(signature)
}
