//! What a token may not be: each line of these tables is an attack or a mistake seen in the wild.

use keys::{
    Algorithm, HeaderError, MAX_TOKEN_BYTES, Purpose, TokenType, VerificationKey, VerificationPolicy, VerifyError,
    verify_jws,
};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use serde::Deserialize;
use serde_json::json;

use crate::support::{encode, forge, header_with, pkey, private_key, sign_message, signer, verification_keys};

fn verify(token: &str) -> Result<keys::VerifiedJws, VerifyError> {
    verify_jws(token, verification_keys(), Purpose::AccessToken)
}

fn refusal(token: &str) -> VerifyError {
    verify(token).unwrap_err()
}

#[test]
fn a_plain_forgery_of_the_table_would_verify() {
    verify(&forge(&header_with(&json!({})), r#"{"sub":"someone"}"#)).unwrap();
}

#[test]
fn headers_that_are_refused() {
    for (changes, error) in [
        (json!({"alg": "none"}), VerifyError::Algorithm("none".into())),
        (json!({"alg": "None"}), VerifyError::Algorithm("None".into())),
        (json!({"alg": "rs256"}), VerifyError::Algorithm("rs256".into())),
        (json!({"alg": "HS256"}), VerifyError::Algorithm("HS256".into())),
        (json!({"alg": "RS512"}), VerifyError::Algorithm("RS512".into())),
        (json!({"alg": ""}), VerifyError::Algorithm(String::new())),
        (json!({"alg": null}), VerifyError::Header(HeaderError::Malformed)),
        (json!({"alg": ["RS256"]}), VerifyError::Header(HeaderError::Malformed)),
        (json!({"crit": ["exp"]}), VerifyError::Header(HeaderError::Critical)),
        (json!({"crit": []}), VerifyError::Header(HeaderError::Critical)),
        (json!({"b64": false}), VerifyError::Header(HeaderError::UnencodedPayload)),
        (json!({"kid": "other"}), VerifyError::UnknownKid("other".into())),
        (json!({"kid": 1}), VerifyError::Header(HeaderError::Malformed)),
        (json!({"kid": "k".repeat(257)}), VerifyError::Header(HeaderError::Malformed)),
        (json!({"x": "x".repeat(2048)}), VerifyError::Header(HeaderError::TooLong)),
        (json!({"typ": null}), VerifyError::Type { expected: "at+jwt", found: None }),
        (json!({"typ": "JWT"}), VerifyError::Type { expected: "at+jwt", found: Some("jwt".into()) }),
        (json!({"typ": "text/at+jwt"}), VerifyError::Type { expected: "at+jwt", found: Some("text/at+jwt".into()) }),
    ] {
        let token = forge(&header_with(&changes), "{}");
        assert_eq!(refusal(&token), error, "{changes}");
    }
}

#[test]
fn headers_that_make_no_difference() {
    for changes in [
        json!({"typ": "application/at+jwt"}),
        json!({"typ": "AT+JWT"}),
        json!({"jku": "https://attacker.example/jwks"}),
        json!({"x5u": "https://attacker.example/x5u"}),
        json!({"jwk": {"kty": "oct", "k": "AAAA"}}),
        json!({"x5c": ["AAAA"]}),
        json!({"cty": "JWT"}),
        json!({"unknown": {"deep": [1, 2, 3]}}),
    ] {
        verify(&forge(&header_with(&changes), "{}")).unwrap();
    }
}

#[test]
fn a_header_with_a_member_twice_is_refused() {
    for twice in [r#""alg":"RS256""#, r#""x":1,"x":1"#, r#""kid":"a""#, r#""\u0061lg":"RS256""#] {
        let header = header_with(&json!({})).replacen('{', &format!("{{{twice},"), 1);
        assert_eq!(refusal(&forge(&header, "{}")), VerifyError::Header(HeaderError::Malformed), "{header}");
    }
}

#[test]
fn a_header_of_too_many_members_is_refused() {
    let mut changes = serde_json::Map::new();
    for number in 0..40 {
        changes.insert(format!("x{number}"), json!(1));
    }
    let token = forge(&header_with(&changes.into()), "{}");
    assert_eq!(refusal(&token), VerifyError::Header(HeaderError::Malformed));
}

/// A key given by the token itself is never used, even when the token's signature fits it.
#[test]
fn a_key_within_the_token_isn_t_used() {
    let attacker = private_key(Algorithm::Ps256);
    let header = json!({"alg": "RS256", "typ": "at+jwt", "jwk": attacker.public_jwk()}).to_string();
    let message = format!("{}.{}", encode(header), encode("{}"));
    let key = pkey("rsa3072");
    let signature = openssl::sign::Signer::new(MessageDigest::sha256(), &key)
        .unwrap()
        .sign_oneshot_to_vec(message.as_bytes())
        .unwrap();
    let token = format!("{message}.{}", encode(signature));
    let ours = [VerificationKey::try_from(private_key(Algorithm::Rs256).public_jwk()).unwrap()];
    let error = verify_jws(&token, &ours, Purpose::AccessToken).unwrap_err();
    assert_eq!(error, VerifyError::Signature);
}

/// The public key used as an HMAC secret: the classic confusion of HS256 and RS256.
#[test]
fn an_hmac_with_the_public_key_as_its_secret_is_refused() {
    let public_pem = pkey("rsa2048").public_key_to_pem().unwrap();
    let message = format!("{}.{}", encode(header_with(&json!({"alg": "HS256"}))), encode("{}"));
    let secret = PKey::hmac(&public_pem).unwrap();
    let mac = openssl::sign::Signer::new(MessageDigest::sha256(), &secret)
        .unwrap()
        .sign_oneshot_to_vec(message.as_bytes())
        .unwrap();
    assert_eq!(refusal(&format!("{message}.{}", encode(&mac))), VerifyError::Algorithm("HS256".into()));
    let as_rs256 =
        message.replacen(&encode(header_with(&json!({"alg": "HS256"}))), &encode(header_with(&json!({}))), 1);
    assert_eq!(refusal(&format!("{as_rs256}.{}", encode(&mac))), VerifyError::Signature);
}

/// A key is published for one algorithm: RS256's key doesn't verify PS256.
#[test]
fn a_key_verifies_only_its_own_algorithm() {
    let kid = private_key(Algorithm::Rs256).kid().clone();
    for alg in ["PS256", "ES256", "ES384", "EdDSA"] {
        let token = forge(&header_with(&json!({"alg": alg, "kid": kid})), "{}");
        assert_eq!(refusal(&token), VerifyError::NoKey(alg.parse().unwrap()));
    }
}

#[test]
fn shapes_that_are_refused() {
    let good = forge(&header_with(&json!({})), "{}");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    for (token, error) in [
        (String::new(), VerifyError::NotCompact),
        (header.to_owned(), VerifyError::NotCompact),
        (signed.to_owned(), VerifyError::NotCompact),
        (format!("{good}.{payload}"), VerifyError::NotCompact),
        (format!("{good}.a.b"), VerifyError::Encrypted),
        (format!("{good}="), VerifyError::SignatureEncoding),
        (format!("{good}\n"), VerifyError::SignatureEncoding),
        (format!(" {good}"), VerifyError::Header(HeaderError::NotBase64url)),
        (format!("{header}==.{payload}.{signature}"), VerifyError::Header(HeaderError::NotBase64url)),
        (format!("{signed}."), VerifyError::Signature),
        (format!("{header}..{signature}"), VerifyError::Signature),
        (format!(".{payload}.{signature}"), VerifyError::Header(HeaderError::Malformed)),
        (format!("e30.{payload}.{signature}"), VerifyError::Header(HeaderError::Malformed)),
        (format!("W10.{payload}.{signature}"), VerifyError::Header(HeaderError::Malformed)),
        ("a".repeat(MAX_TOKEN_BYTES + 1), VerifyError::TooLong),
        (sign_message(format!("{header}.e3=")), VerifyError::Payload),
        (sign_message(format!("{header}.e31")), VerifyError::Payload),
    ] {
        assert_eq!(refusal(&token), error, "{}", &token[..token.len().min(80)]);
    }
}

/// Two spellings of one signature would make a token list by its text useless: unused bits must be zero.
#[test]
fn a_signature_has_one_spelling_only() {
    let good = forge(&header_with(&json!({})), "{}");
    let last = good.chars().last().unwrap();
    // 256 bytes end in a character with four unused bits.
    let other = char::from(u8::try_from(last).unwrap() + 1);
    let respelled = format!("{}{other}", &good[..good.len() - 1]);
    assert_eq!(refusal(&respelled), VerifyError::SignatureEncoding);
}

#[test]
fn every_purpose_accepts_its_types_only() {
    let cases = [
        (Purpose::AccessToken, ["at+jwt"].as_slice(), false),
        (Purpose::IdToken, &["jwt"], true),
        (Purpose::ClientAssertion, &["jwt", "client-authentication+jwt"], true),
        (Purpose::RequestObject, &["oauth-authz-req+jwt", "jwt"], true),
        (Purpose::LogoutToken, &["logout+jwt"], false),
        (Purpose::Introspection, &["token-introspection+jwt"], false),
    ];
    let every_type = [
        "at+jwt",
        "jwt",
        "client-authentication+jwt",
        "oauth-authz-req+jwt",
        "logout+jwt",
        "token-introspection+jwt",
        "dpop+jwt",
    ];
    for (purpose, accepted, untyped) in cases {
        for typ in every_type {
            let token = forge(&header_with(&json!({"typ": typ})), "{}");
            let verified = verify_jws(&token, verification_keys(), purpose);
            assert_eq!(verified.is_ok(), accepted.contains(&typ), "{typ} as {purpose:?}");
        }
        let token = forge(&header_with(&json!({"typ": null})), "{}");
        assert_eq!(verify_jws(&token, verification_keys(), purpose).is_ok(), untyped, "no typ as {purpose:?}");
    }
}

#[test]
fn a_registered_algorithm_is_the_only_one() {
    let policy = VerificationPolicy::new(Purpose::IdToken).only(Algorithm::Ps256);
    let ps256 = signer(Algorithm::Ps256).sign_jwt(TokenType::IdToken, &json!({})).unwrap();
    verify_jws(&ps256, verification_keys(), policy).unwrap();
    let rs256 = signer(Algorithm::Rs256).sign_jwt(TokenType::IdToken, &json!({})).unwrap();
    let error = verify_jws(&rs256, verification_keys(), policy).unwrap_err();
    assert_eq!(error.to_string(), "the algorithm \"RS256\" isn't accepted here");
}

/// How `kid` chooses among a client's keys.
#[test]
fn the_kid_selects_and_its_absence_is_accepted_only_where_one_key_fits() {
    let key = |kid: Option<&str>, algorithm| {
        VerificationKey::new(kid, None, private_key(algorithm).public_jwk().key()).unwrap()
    };
    // The 2,048-bit key signed; the 3,072-bit key is the other RSA key.
    let right = |kid| key(kid, Algorithm::Rs256);
    let wrong = |kid| key(kid, Algorithm::Ps256);
    let curve = |kid| key(kid, Algorithm::Es256);
    let outcome = |kid: Option<&str>, keys: &[VerificationKey]| {
        let token = forge(&header_with(&json!({"kid": kid})), "{}");
        verify_jws(&token, keys, Purpose::AccessToken).err()
    };

    assert_eq!(outcome(Some("a"), &[wrong(Some("b")), right(Some("a"))]), None);
    assert_eq!(outcome(Some("b"), &[wrong(Some("b")), right(Some("a"))]), Some(VerifyError::Signature));
    assert_eq!(outcome(Some("c"), &[wrong(Some("b")), right(Some("a"))]), Some(VerifyError::UnknownKid("c".into())));
    assert_eq!(outcome(Some("a"), &[curve(Some("a"))]), Some(VerifyError::NoKey(Algorithm::Rs256)));
    assert_eq!(outcome(Some("a"), &[curve(Some("a")), right(Some("a"))]), None, "the algorithm tells them apart");
    assert_eq!(outcome(None, &[right(Some("a")), curve(Some("b"))]), None);
    assert_eq!(outcome(None, &[right(Some("a")), wrong(Some("b"))]), Some(VerifyError::AmbiguousKey(Algorithm::Rs256)));
    assert_eq!(outcome(None, &[curve(None)]), Some(VerifyError::NoKey(Algorithm::Rs256)));
    assert_eq!(outcome(Some("a"), &[right(None), wrong(Some("b"))]), None, "a key without a name may serve");
    assert_eq!(outcome(Some("b"), &[right(None), wrong(Some("b"))]), Some(VerifyError::Signature));
    assert_eq!(outcome(Some("a"), &[]), Some(VerifyError::UnknownKid("a".into())));
}

#[test]
fn claims_that_don_t_fit_their_type_are_an_error() {
    #[derive(Debug, Deserialize)]
    struct Claims {
        sub: String,
    }
    for payload in ["[]", "sub", r#"{"sub":1}"#, r#"{"sub":"a","sub":"b"}"#, "{\"sub\":\"\u{0}\"}"] {
        let verified = verify(&forge(&header_with(&json!({})), payload)).unwrap();
        assert_eq!(verified.claims::<Claims>().unwrap_err(), VerifyError::Claims, "{payload}");
    }
    let verified = verify(&forge(&header_with(&json!({})), r#"{"sub":"a","more":1}"#)).unwrap();
    assert_eq!(verified.claims::<Claims>().unwrap().sub, "a");
}
