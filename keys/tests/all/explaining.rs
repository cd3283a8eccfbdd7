//! `explain` shows what a token says and everything that speaks against it, whatever it is given.

use keys::{Algorithm, ClaimRules, ExplainContext, Explanation, Purpose, TokenType, VerificationKey, explain};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{NOW, encode, forge, header_with, signer, verification_keys};

fn against<'a>(keys: Option<&'a [VerificationKey]>, rules: ClaimRules<'a>) -> ExplainContext<'a> {
    ExplainContext { purpose: None, keys, rules }
}

fn says(explanation: &Explanation) -> Vec<String> {
    explanation.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_valid_token_is_shown_and_nothing_speaks_against_it() {
    for (token_type, purpose) in [
        (TokenType::AccessToken, Purpose::AccessToken),
        (TokenType::IdToken, Purpose::IdToken),
        (TokenType::LogoutToken, Purpose::LogoutToken),
        (TokenType::Introspection, Purpose::Introspection),
    ] {
        let token = signer(Algorithm::Es256).sign_jwt(token_type, &json!({"sub": "a", "exp": NOW + 1})).unwrap();
        let explanation = explain(&format!(" {token}\n"), &against(Some(verification_keys()), ClaimRules::at(NOW)));
        assert!(explanation.is_valid(), "{:?}", explanation.problems);
        assert_eq!(explanation.purpose, purpose);
        assert_eq!(explanation.header.unwrap()["typ"], token_type.typ());
        assert_eq!(explanation.claims.unwrap()["sub"], "a");
    }
}

#[test]
fn everything_that_is_wrong_is_listed() {
    let token = forge(
        &header_with(&json!({"kid": "lost"})),
        &json!({"iss": "https://b.example", "aud": "b", "exp": NOW - 5}).to_string(),
    );
    let rules = ClaimRules::at(NOW).issuer("https://a.example").audience(&["a"]);
    let explanation = explain(&token, &against(Some(verification_keys()), rules));
    assert_eq!(explanation.signature_valid, Some(false));
    assert!(!explanation.is_valid());
    assert_eq!(
        says(&explanation),
        [
            "no known key has the kid \"lost\"",
            "the token was issued by \"https://b.example\", not by \"https://a.example\"",
            "the token isn't meant for \"a\": its aud doesn't name it",
            "the token expired 5 seconds ago (exp 1767225595)",
        ]
    );
}

#[test]
fn without_keys_the_rest_is_explained_and_the_token_isn_t_called_valid() {
    let token = signer(Algorithm::EdDsa).sign_jwt(TokenType::AccessToken, &json!({"exp": NOW + 1})).unwrap();
    let explanation = explain(&token, &against(None, ClaimRules::at(NOW)));
    assert_eq!(explanation.signature_valid, None);
    assert!(explanation.problems.is_empty(), "{:?}", explanation.problems);
    assert!(!explanation.is_valid());
}

#[test]
fn what_is_no_signed_token_is_named() {
    let none = format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(json!({"exp": NOW + 1}).to_string()));
    let cases = [
        ("opaque".to_owned(), vec!["the token isn't a JWS in compact form: three parts with dots between them"]),
        ("a.b.c.d.e".to_owned(), vec!["the token is encrypted (a JWE), which isn't supported here"]),
        (none, vec!["the algorithm \"none\" isn't accepted here"]),
        ("!.e30.AA".to_owned(), vec!["the header isn't base64url without padding", "the claim \"exp\" is missing"]),
        (
            "e30.!.AA".to_owned(),
            vec![
                "the header isn't a JSON object with an \"alg\" and with no member twice",
                "the payload isn't base64url without padding",
            ],
        ),
        (forge(&header_with(&json!({})), "text"), vec!["the payload isn't a JSON object with the claims of its kind"]),
        (
            forge(&header_with(&json!({})), "{}").replace(".e30.", ".e30=."),
            vec!["the signature isn't valid", "the payload isn't base64url without padding"],
        ),
    ];
    for (token, problems) in cases {
        let explanation = explain(&token, &against(Some(verification_keys()), ClaimRules::at(NOW)));
        assert_eq!(says(&explanation), problems, "{token}");
        assert!(!explanation.is_valid());
    }
}

#[test]
fn a_given_purpose_is_held_against_the_type() {
    let token = signer(Algorithm::Rs256).sign_jwt(TokenType::IdToken, &json!({"exp": NOW + 1})).unwrap();
    let context = ExplainContext {
        purpose: Some(Purpose::AccessToken),
        keys: Some(verification_keys()),
        rules: ClaimRules::at(NOW),
    };
    assert_eq!(says(&explain(&token, &context)), ["the token's typ is \"jwt\"; it must be \"at+jwt\""]);
}

proptest! {
    #[test]
    fn any_text_is_explained_without_panic(text in "(.{0,50}|[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30}\\.[A-Za-z0-9_-]{0,30})") {
        prop_assert!(!explain(&text, &against(Some(verification_keys()), ClaimRules::at(NOW))).is_valid());
    }
}
