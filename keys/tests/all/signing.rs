//! What we sign verifies, and nothing that was changed does.

use keys::{Algorithm, KeyRing, Purpose, RingKey, TokenType, VerifyError, verify_jws};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{decode, private_key, signer, verification_keys};

/// The purpose that a kind of token is verified for.
const fn purpose(token_type: TokenType) -> Purpose {
    match token_type {
        TokenType::AccessToken => Purpose::AccessToken,
        TokenType::IdToken => Purpose::IdToken,
        TokenType::LogoutToken => Purpose::LogoutToken,
        TokenType::Introspection => Purpose::Introspection,
    }
}

const TOKEN_TYPES: [TokenType; 4] =
    [TokenType::AccessToken, TokenType::IdToken, TokenType::LogoutToken, TokenType::Introspection];

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn every_algorithm_signs_and_verifies_any_claims(
        claims in proptest::collection::btree_map(".{0,12}", json_value(), 0..6),
    ) {
        for algorithm in Algorithm::ALL {
            for token_type in TOKEN_TYPES {
                let token = signer(algorithm).sign_jwt(token_type, &claims).unwrap();
                let verified = verify_jws(&token, verification_keys(), purpose(token_type)).unwrap();
                prop_assert_eq!(verified.algorithm(), algorithm.into());
                prop_assert_eq!(verified.header().kid.as_deref(), Some(signer(algorithm).kid().as_str()));
                let read: std::collections::BTreeMap<String, Value> = verified.claims().unwrap();
                prop_assert_eq!(&read, &claims);
            }
        }
    }

    #[test]
    fn no_character_of_a_token_may_change(place: prop::sample::Index, other in "[A-Za-z0-9_.=+/ -]") {
        for algorithm in Algorithm::ALL {
            let token = signer(algorithm).sign_jwt(TokenType::AccessToken, &json!({"sub": "someone"})).unwrap();
            let place = place.index(token.len());
            let mut tampered = token.clone();
            tampered.replace_range(place..=place, &other);
            prop_assume!(tampered != token);
            prop_assert!(
                verify_jws(&tampered, verification_keys(), Purpose::AccessToken).is_err(),
                "{} changed at {}", algorithm, place
            );
        }
    }

    #[test]
    fn any_text_is_refused_without_panic(text in ".{0,200}") {
        prop_assert!(verify_jws(&text, verification_keys(), Purpose::IdToken).is_err());
    }

    #[test]
    fn any_header_and_signature_is_refused_without_panic(
        header in ".{0,60}",
        signature in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        use crate::support::encode;
        let token = format!("{}.e30.{}", encode(header), encode(&signature));
        prop_assert!(verify_jws(&token, verification_keys(), Purpose::IdToken).is_err());
        for algorithm in Algorithm::ALL {
            let header = json!({"alg": algorithm, "kid": signer(algorithm).kid()}).to_string();
            let token = format!("{}.e30.{}", encode(header), encode(&signature));
            let error = verify_jws(&token, verification_keys(), Purpose::IdToken).unwrap_err();
            prop_assert_eq!(error, VerifyError::Signature);
        }
    }
}

#[test]
fn the_header_is_what_the_specifications_ask_for() {
    for (token_type, typ) in
        [(TokenType::AccessToken, "at+jwt"), (TokenType::IdToken, "JWT"), (TokenType::LogoutToken, "logout+jwt")]
    {
        for algorithm in Algorithm::ALL {
            let token = signer(algorithm).sign_jwt(token_type, &json!({})).unwrap();
            let header: Value = serde_json::from_slice(&decode(token.split('.').next().unwrap())).unwrap();
            assert_eq!(
                header,
                json!({"alg": algorithm.name(), "typ": typ, "kid": private_key(algorithm).kid().as_str()})
            );
        }
    }
}

#[test]
fn a_kind_of_token_passes_for_no_other() {
    for token_type in TOKEN_TYPES {
        let token = signer(Algorithm::Rs256).sign_jwt(token_type, &json!({})).unwrap();
        for other in TOKEN_TYPES {
            let accepted = verify_jws(&token, verification_keys(), purpose(other)).is_ok();
            assert_eq!(accepted, other == token_type, "{token_type:?} as {other:?}");
        }
    }
}

#[test]
fn an_all_zero_ecdsa_signature_is_refused() {
    for (algorithm, length) in [(Algorithm::Es256, 64), (Algorithm::Es384, 96)] {
        let token = signer(algorithm).sign_jwt(TokenType::IdToken, &json!({})).unwrap();
        let (signed, _) = token.rsplit_once('.').unwrap();
        let zeros = format!("{signed}.{}", crate::support::encode(vec![0; length]));
        assert_eq!(verify_jws(&zeros, verification_keys(), Purpose::IdToken).unwrap_err(), VerifyError::Signature);
    }
}

#[test]
fn signers_are_shared_by_threads() {
    let ring = KeyRing::build([RingKey::Active(private_key(Algorithm::Es256))]).unwrap();
    let ring = &ring;
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for number in 0..50 {
                    let claims = json!({"thread": thread, "number": number});
                    let signer = ring.signer(Algorithm::Es256).unwrap();
                    let token = signer.sign_jwt(TokenType::AccessToken, &claims).unwrap();
                    let verified = ring.verify(&token, Purpose::AccessToken).unwrap();
                    assert_eq!(Value::Object(verified.claims_object().unwrap()), claims);
                }
            });
        }
    });
}

#[test]
fn claims_that_aren_t_json_are_an_error() {
    let claims = std::collections::BTreeMap::from([((1, 2), 3)]);
    signer(Algorithm::EdDsa).sign_jwt(TokenType::IdToken, &claims).unwrap_err();
}
