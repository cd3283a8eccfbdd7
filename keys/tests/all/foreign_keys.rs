//! JWKs of clients and upstreams: what is taken up, and what is refused with which words.

use keys::{Algorithm, ForeignJwks, JwkError, JwksError, MAX_JWKS_BYTES, VerificationKey};
use serde_json::{Value, json};

use crate::support::{encode, jwk, pkey};

fn registration(keys: &Value) -> Result<ForeignJwks, JwksError> {
    ForeignJwks::from_registration(json!({ "keys": keys }).to_string().as_bytes())
}

/// The public JWK of a test key with members changed; `null` removes one.
fn changed(algorithm: Algorithm, changes: &Value) -> Value {
    let mut jwk = jwk(algorithm);
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            jwk.remove(name);
        } else {
            jwk.insert(name.clone(), value.clone());
        }
    }
    jwk.into()
}

fn algorithms(key: &VerificationKey) -> Vec<Algorithm> {
    key.algorithms().collect()
}

#[test]
fn every_supported_key_is_taken_up() {
    let keys: Vec<Value> = Algorithm::ALL.map(|algorithm| jwk(algorithm).into()).into();
    let jwks = registration(&keys.into()).unwrap();
    assert_eq!(jwks.keys().len(), 5);
    for (key, algorithm) in jwks.keys().iter().zip(Algorithm::ALL) {
        assert_eq!(algorithms(key), [algorithm]);
        assert_eq!(key.kid(), Some(jwk(algorithm)["kid"].as_str().unwrap()));
    }
}

#[test]
fn a_key_without_alg_serves_all_that_its_type_can_do() {
    let jwks = registration(&json!([
        changed(Algorithm::Rs256, &json!({"alg": null, "kid": null, "use": null})),
        changed(Algorithm::Es384, &json!({"alg": null})),
    ]))
    .unwrap();
    assert_eq!(algorithms(&jwks.keys()[0]), [Algorithm::Rs256, Algorithm::Ps256]);
    assert_eq!(jwks.keys()[0].kid(), None);
    assert_eq!(algorithms(&jwks.keys()[1]), [Algorithm::Es384]);
}

#[test]
fn keys_for_encryption_are_left_out() {
    let jwks = registration(&json!([
        changed(Algorithm::Rs256, &json!({"use": "enc", "alg": "RSA-OAEP-256"})),
        {"kty": "OKP", "crv": "X25519", "use": "enc", "x": "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08"},
        changed(Algorithm::Es256, &json!({"use": null, "key_ops": ["deriveBits"]})),
        changed(Algorithm::Es256, &json!({"key_ops": ["verify"]})),
    ]))
    .unwrap();
    assert_eq!(jwks.keys().len(), 1);
}

/// Registered beside a good key, the key at fault refuses both; fetched, it is skipped.
fn is_refused(key: &Value, says: &str) {
    let good: Value = jwk(Algorithm::Es384).into();
    let set = json!([good, key]);
    let error = registration(&set).unwrap_err();
    assert_eq!(error.to_string(), format!("key 1 of the JWKS: {says}"));

    let fetched = ForeignJwks::from_fetched(json!({ "keys": set }).to_string().as_bytes()).unwrap();
    assert_eq!(fetched.keys().len(), 1, "fetched, the good key remains: {key}");
    assert_eq!(fetched.skipped()[0].1.to_string(), says);
}

#[test]
fn rsa_keys_at_fault_are_refused_with_a_reason() {
    let rsa_1024 = encode(pkey("rsa1024").rsa().unwrap().n().to_vec());
    let rsa_huge = encode([0xff_u8; 1025]);
    let even = {
        let mut n = pkey("rsa2048").rsa().unwrap().n().to_vec();
        *n.last_mut().unwrap() &= 0xfe;
        encode(n)
    };
    let numbers = "the RSA modulus and exponent must be odd, and the exponent 3 or more in at most 8 bytes";
    for (key, says) in [
        (
            changed(Algorithm::Rs256, &json!({"d": "AAAA"})),
            "the JWK has the private member \"d\": only public keys may be registered; this key is no longer secret",
        ),
        (
            changed(Algorithm::Rs256, &json!({"use": "enc", "p": "AAAA"})),
            "the JWK has the private member \"p\": only public keys may be registered; this key is no longer secret",
        ),
        (changed(Algorithm::Rs256, &json!({"n": null})), "the JWK lacks the member \"n\""),
        (changed(Algorithm::Rs256, &json!({"e": null})), "the JWK lacks the member \"e\""),
        (changed(Algorithm::Rs256, &json!({"n": "AQAB="})), "the JWK's member \"n\" isn't base64url without padding"),
        (changed(Algorithm::Rs256, &json!({"n": "+/8A"})), "the JWK's member \"n\" isn't base64url without padding"),
        (
            changed(Algorithm::Rs256, &json!({"n": rsa_1024})),
            "the RSA modulus has 1024 bits; it must have 2048 to 8192",
        ),
        (
            changed(Algorithm::Rs256, &json!({"n": rsa_huge})),
            "the RSA modulus has 8200 bits; it must have 2048 to 8192",
        ),
        (changed(Algorithm::Rs256, &json!({"n": ""})), "the RSA modulus has 0 bits; it must have 2048 to 8192"),
        (changed(Algorithm::Rs256, &json!({"n": even})), numbers),
        (changed(Algorithm::Rs256, &json!({"e": "AQ"})), numbers),
        (changed(Algorithm::Rs256, &json!({"e": "Ag"})), numbers),
        (changed(Algorithm::Rs256, &json!({"e": ""})), numbers),
        (changed(Algorithm::Rs256, &json!({"e": encode([1; 9])})), numbers),
        (
            changed(Algorithm::Rs256, &json!({"alg": "RS512"})),
            "the JWK's algorithm \"RS512\" isn't supported; use RS256, PS256, ES256, ES384 or EdDSA",
        ),
        (
            changed(Algorithm::Rs256, &json!({"alg": "ES256"})),
            "the JWK's algorithm ES256 doesn't go with its key type or curve",
        ),
    ] {
        is_refused(&key, says);
    }
}

#[test]
fn other_keys_at_fault_are_refused_with_a_reason() {
    let other_y = jwk(Algorithm::Es256)["x"].clone();
    for (key, says) in [
        (json!(1), "the JWK's JSON is malformed"),
        (json!({}), "the JWK lacks the member \"kty\""),
        (json!({"kty": 1}), "the JWK's JSON is malformed"),
        (
            json!({"kty": "oct", "k": "AAAA"}),
            "the JWK has the private member \"k\": only public keys may be registered; this key is no longer secret",
        ),
        (json!({"kty": "oct"}), "the JWK's key type \"oct\" isn't supported; use RSA, EC or OKP"),
        (json!({"kty": "AKP", "pub": "AAAA"}), "the JWK's key type \"AKP\" isn't supported; use RSA, EC or OKP"),
        (changed(Algorithm::Rs256, &json!({"kid": ""})), "the JWK's kid must have 1 to 256 characters"),
        (changed(Algorithm::Rs256, &json!({"kid": "k".repeat(257)})), "the JWK's kid must have 1 to 256 characters"),
        (changed(Algorithm::Rs256, &json!({"kid": 1})), "the JWK's JSON is malformed"),
        (changed(Algorithm::Rs256, &json!({"key_ops": "verify"})), "the JWK's JSON is malformed"),
        (
            changed(Algorithm::Es256, &json!({"crv": "secp256k1"})),
            "the JWK's curve \"secp256k1\" isn't supported; use P-256, P-384 or Ed25519",
        ),
        (changed(Algorithm::Es256, &json!({"crv": "P-384"})), "the JWK's member \"x\" must have 48 bytes, not 32"),
        (
            changed(Algorithm::Es256, &json!({"x": encode([1; 31])})),
            "the JWK's member \"x\" must have 32 bytes, not 31",
        ),
        (
            changed(Algorithm::Es256, &json!({"y": other_y})),
            "the JWK isn't a valid key: its point isn't on the curve, or its numbers make no key",
        ),
        (
            changed(Algorithm::Es256, &json!({"x": encode([0; 32]), "y": encode([0; 32])})),
            "the JWK isn't a valid key: its point isn't on the curve, or its numbers make no key",
        ),
        (
            changed(Algorithm::EdDsa, &json!({"crv": "Ed448"})),
            "the JWK's curve \"Ed448\" isn't supported; use P-256, P-384 or Ed25519",
        ),
        (
            changed(Algorithm::EdDsa, &json!({"x": encode([1; 33])})),
            "the JWK's member \"x\" must have 32 bytes, not 33",
        ),
    ] {
        is_refused(&key, says);
    }
}

#[test]
fn a_leading_zero_of_the_modulus_is_forgiven() {
    let mut n = pkey("rsa2048").rsa().unwrap().n().to_vec();
    n.insert(0, 0);
    registration(&json!([changed(Algorithm::Rs256, &json!({"n": encode(n), "kid": "with zero"}))])).unwrap();
}

#[test]
fn documents_that_are_no_jwks() {
    let many = json!({"keys": vec![json!({}); 101]}).to_string();
    let long = format!("{}{}", json!({"keys": []}), " ".repeat(MAX_JWKS_BYTES));
    for (document, error) in [
        ("", JwksError::Malformed),
        ("[]", JwksError::Malformed),
        ("{}", JwksError::Malformed),
        (r#"{"keys":{}}"#, JwksError::Malformed),
        (r#"{"keys":[]} x"#, JwksError::Malformed),
        (&many, JwksError::TooManyKeys),
        (&long, JwksError::TooLong),
    ] {
        assert_eq!(ForeignJwks::from_fetched(document.as_bytes()).unwrap_err(), error);
    }
    assert!(registration(&json!([])).unwrap().keys().is_empty());
}

#[test]
fn a_long_foreign_value_is_cut_in_the_message() {
    let error = registration(&json!([{"kty": "x".repeat(1000)}])).unwrap_err();
    let JwksError::Key { index: 0, error: JwkError::UnsupportedKeyType(shown) } = error else {
        panic!("{error}");
    };
    assert_eq!(shown.len(), 32);
}
