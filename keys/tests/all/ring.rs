//! The key ring: who signs, what is published, what verifies.

use keys::{
    Algorithm, ForeignJwks, KeyRing, KeyState, PrivateKey, Purpose, RingError, RingKey, TokenType, VerifyError,
};
use serde_json::{Value, json};

use crate::support::{der, private_key};

fn document(ring: &KeyRing) -> Value {
    serde_json::from_slice(ring.jwks()).unwrap()
}

fn rsa(name: &str) -> PrivateKey {
    PrivateKey::from_pkcs8(Algorithm::Rs256, &der(name)).unwrap()
}

#[test]
fn the_active_keys_sign_and_all_are_published_active_ones_first() {
    let (retiring, active, staged) = (rsa("rsa3072"), rsa("rsa2048"), rsa("rsa4096"));
    let curve = private_key(Algorithm::Es256);
    let expected: Vec<Value> =
        [&active, &curve, &retiring, &staged].map(|key| serde_json::to_value(key.public_jwk()).unwrap()).into();
    let kid = active.kid().clone();
    let ring = KeyRing::build([
        RingKey::Published(retiring.public_jwk().clone()),
        RingKey::Active(curve),
        RingKey::Active(active),
        RingKey::Published(staged.public_jwk().clone()),
    ])
    .unwrap();

    assert_eq!(document(&ring), json!({ "keys": expected }));
    assert_eq!(ring.algorithms().collect::<Vec<_>>(), [Algorithm::Rs256, Algorithm::Es256]);
    assert_eq!(ring.signer(Algorithm::Rs256).unwrap().kid(), &kid);
    assert!(ring.signer(Algorithm::EdDsa).is_none());
    assert_eq!(ring.verification_keys().len(), 4);
}

#[test]
fn tokens_of_the_previous_and_the_next_key_verify_and_those_of_a_retired_one_don_t() {
    let token =
        |key: &PrivateKey| keys::Signer::new(key).unwrap().sign_jwt(TokenType::AccessToken, &json!({})).unwrap();
    let (retired, retiring, active, staged) =
        (rsa("rsa3072"), rsa("rsa4096"), rsa("rsa2048"), private_key(Algorithm::Es384));
    let tokens = [&retiring, &active, &staged].map(token);
    let old = token(&retired);
    let retired_kid = retired.kid().to_string();

    let rows = [
        (KeyState::Retired, retired),
        (KeyState::Retiring, retiring),
        (KeyState::Active, active),
        (KeyState::Staged, staged),
    ];
    let ring_keys = rows.into_iter().filter_map(|(state, key)| {
        let public = key.public_jwk().clone();
        RingKey::of_state(state, public, |_| {
            assert_eq!(state, KeyState::Active, "the private half of a {state} key stays sealed");
            Ok::<_, std::convert::Infallible>(key)
        })
        .unwrap()
    });
    let ring = KeyRing::build(ring_keys).unwrap();
    for token in tokens {
        ring.verify(&token, Purpose::AccessToken).unwrap();
    }
    assert_eq!(ring.verify(&old, Purpose::AccessToken).unwrap_err(), VerifyError::UnknownKid(retired_kid));
}

#[test]
fn the_etag_is_strong_quoted_and_changes_with_the_document_only() {
    let build = |keys: &[&str]| {
        KeyRing::build(keys.iter().map(|name| RingKey::Published(rsa(name).public_jwk().clone()))).unwrap()
    };
    let one = build(&["rsa2048"]);
    assert!(one.etag().starts_with('"') && one.etag().ends_with('"') && one.etag().len() == 45);
    assert_eq!(one.etag(), build(&["rsa2048"]).etag());
    assert_ne!(one.etag(), build(&["rsa2048", "rsa3072"]).etag());
    assert_ne!(one.etag(), build(&[]).etag());
}

#[test]
fn sets_that_make_no_ring() {
    let error = KeyRing::build([RingKey::Active(rsa("rsa2048")), RingKey::Active(rsa("rsa3072"))]).unwrap_err();
    assert!(matches!(error, RingError::TwoActive(Algorithm::Rs256)), "{error}");
    let twice = RingKey::Published(rsa("rsa2048").public_jwk().clone());
    let error = KeyRing::build([RingKey::Active(rsa("rsa2048")), twice]).unwrap_err();
    assert!(matches!(error, RingError::Twice(kid) if kid == *rsa("rsa2048").kid()));
}

/// What we publish is what a strict reader takes up.
#[test]
fn our_own_jwks_reads_as_a_foreign_one() {
    let ring = KeyRing::build(Algorithm::ALL.map(|algorithm| RingKey::Active(private_key(algorithm)))).unwrap();
    let read = ForeignJwks::from_registration(ring.jwks()).unwrap();
    assert_eq!(read.keys().len(), 5);
    for algorithm in Algorithm::ALL {
        let token = ring.signer(algorithm).unwrap().sign_jwt(TokenType::AccessToken, &json!({})).unwrap();
        keys::verify_jws(&token, read.keys(), Purpose::AccessToken).unwrap();
    }
}

#[test]
fn debug_output_is_short_and_holds_no_key() {
    let ring = KeyRing::build([RingKey::Active(rsa("rsa2048"))]).unwrap();
    let shown = format!("{ring:?}");
    assert!(shown.contains(rsa("rsa2048").kid().as_str()));
    assert!(shown.len() < 500, "{shown}");
}
