//! HS256 with a client's secret, and the confusions that it must not open.

use keys::{
    Algorithm, ClientAlgorithm, HmacKey, HmacKeyTooShort, HmacPurpose, Purpose, VerifyError, verify_hmac, verify_jws,
};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::support::{decode, encode, forge, header_with, pem, verification_keys};

const SECRET: &[u8] = b"secret-0123456789abcdef0123456789abcdef";
const OTHER: &[u8] = b"secret-ffffffffffffffffffffffffffffffff";

fn key(secret: &[u8]) -> HmacKey {
    HmacKey::new(Zeroizing::new(secret.to_vec())).unwrap()
}

/// Signs anything with HMAC and any hash.
fn sign(secret: &[u8], hash: MessageDigest, header: &Value) -> String {
    let message = format!("{}.{}", encode(header.to_string()), encode(r#"{"sub":"robot"}"#));
    let pkey = PKey::hmac(secret).unwrap();
    let signature = openssl::sign::Signer::new(hash, &pkey).unwrap().sign_oneshot_to_vec(message.as_bytes()).unwrap();
    message + "." + &encode(signature)
}

fn hs256(secret: &[u8], header: &Value) -> String {
    sign(secret, MessageDigest::sha256(), header)
}

fn verify(token: &str) -> Result<keys::VerifiedJws, VerifyError> {
    verify_hmac(token, &[&key(SECRET)], HmacPurpose::ClientAssertion)
}

/// RFC 7515 appendix A.1.
#[test]
fn the_signature_of_rfc_7515_a_1_is_good() {
    let secret = decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    let token = concat!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.",
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.",
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    );
    let verified = verify_hmac(token, &[&key(&secret)], HmacPurpose::ClientAssertion).unwrap();
    assert_eq!(verified.algorithm(), ClientAlgorithm::Hs256);
    assert_eq!(verified.claims_object().unwrap()["iss"], "joe");
}

#[test]
fn each_of_a_clients_secrets_is_good_and_no_other() {
    let token = hs256(SECRET, &json!({ "alg": "HS256" }));
    verify(&token).unwrap();
    let (right, wrong) = (key(SECRET), key(OTHER));
    verify_hmac(&token, &[&wrong, &right], HmacPurpose::ClientAssertion).unwrap();
    verify_hmac(&token, &[&right, &wrong], HmacPurpose::RequestObject).unwrap();
    let refused = |keys: &[&HmacKey]| verify_hmac(&token, keys, HmacPurpose::ClientAssertion).unwrap_err();
    assert_eq!(refused(&[&wrong]), VerifyError::Signature);
    assert_eq!(refused(&[]), VerifyError::NoSecret);
}

#[test]
fn another_algorithm_or_type_is_refused() {
    for (alg, hash) in [("HS384", MessageDigest::sha384()), ("HS512", MessageDigest::sha512())] {
        let token = sign(SECRET, hash, &json!({ "alg": alg }));
        assert_eq!(verify(&token).unwrap_err(), VerifyError::Algorithm(alg.to_owned()));
    }
    for alg in ["none", "None", "hs256", "RS256", "ES256", "EdDSA", ""] {
        let token = hs256(SECRET, &json!({ "alg": alg }));
        assert_eq!(verify(&token).unwrap_err(), VerifyError::Algorithm(alg.to_owned()));
    }
    for typ in ["at+jwt", "logout+jwt", "oauth-authz-req+jwt"] {
        let token = hs256(SECRET, &json!({ "alg": "HS256", "typ": typ }));
        assert!(matches!(verify(&token).unwrap_err(), VerifyError::Type { .. }), "{typ}");
    }
    let token = hs256(SECRET, &json!({ "alg": "HS256", "typ": "oauth-authz-req+jwt", "kid": "whatever" }));
    verify_hmac(&token, &[&key(SECRET)], HmacPurpose::RequestObject).unwrap();
    let token = hs256(SECRET, &json!({ "alg": "HS256", "crit": ["exp"] }));
    assert!(matches!(verify(&token).unwrap_err(), VerifyError::Header(_)));
}

#[test]
fn a_signature_that_was_touched_is_refused() {
    let token = hs256(SECRET, &json!({ "alg": "HS256" }));
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let mut bytes = decode(signature);
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert_eq!(verify(&format!("{signed}.{}", encode(&bytes))).unwrap_err(), VerifyError::Signature);
        bytes[at] ^= 1;
    }
    for length in 0..bytes.len() {
        let cut = format!("{signed}.{}", encode(&bytes[..length]));
        assert_eq!(verify(&cut).unwrap_err(), VerifyError::Signature, "{length} bytes");
    }
    let longer = format!("{signed}.{}", encode([bytes, vec![0]].concat()));
    assert_eq!(verify(&longer).unwrap_err(), VerifyError::Signature);
}

/// RFC 8725 §2.1: neither way can the one be taken for the other.
#[test]
fn a_public_key_is_no_secret_and_a_secret_no_public_key() {
    let public = PKey::private_key_from_pem(pem("rsa2048")).unwrap().public_key_to_pem().unwrap();
    let confused = hs256(&public, &json!({ "alg": "HS256" }));
    for purpose in [Purpose::ClientAssertion, Purpose::RequestObject] {
        let refused = verify_jws(&confused, verification_keys(), purpose).unwrap_err();
        assert_eq!(refused, VerifyError::Algorithm("HS256".into()));
    }
    let signed = forge(&header_with(&json!({ "typ": "JWT" })), "{}");
    verify_jws(&signed, verification_keys(), Purpose::ClientAssertion).unwrap();
    assert_eq!(verify(&signed).unwrap_err(), VerifyError::Algorithm("RS256".into()));
}

#[test]
fn a_secret_has_256_bits_and_is_never_shown() {
    assert_eq!(HmacKey::new(Zeroizing::new(vec![7; 31])).unwrap_err(), HmacKeyTooShort);
    let key = HmacKey::new(Zeroizing::new(vec![b'a'; 32])).unwrap();
    assert_eq!(format!("{key:?}"), "HmacKey(…)");
}

#[test]
fn the_names_of_what_a_client_may_sign_with() {
    let names = ClientAlgorithm::ALL.map(ClientAlgorithm::name);
    assert_eq!(names, ["RS256", "PS256", "ES256", "ES384", "EdDSA", "HS256"]);
    for algorithm in ClientAlgorithm::ALL {
        assert_eq!(algorithm.name().parse(), Ok(algorithm));
    }
    assert_eq!(Algorithm::ALL.map(ClientAlgorithm::from), ClientAlgorithm::ALL[..5]);
    for name in ["none", "HS384", "HS512", "RS512", "hs256", ""] {
        assert!(name.parse::<ClientAlgorithm>().is_err(), "{name}");
    }
}
