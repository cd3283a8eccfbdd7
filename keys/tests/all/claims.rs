//! The registered claims: what is checked, with which words it is refused.

use keys::{Audience, ClaimRules, ClaimsError, RegisteredClaims};
use serde_json::{Value, json};

use crate::support::NOW;

fn claims(value: &Value) -> RegisteredClaims {
    RegisteredClaims::deserialize_from(value).unwrap()
}

trait DeserializeFrom: Sized {
    fn deserialize_from(value: &Value) -> serde_json::Result<Self>;
}

impl DeserializeFrom for RegisteredClaims {
    fn deserialize_from(value: &Value) -> serde_json::Result<Self> {
        serde_json::from_str(&value.to_string())
    }
}

fn check(rules: ClaimRules<'_>, value: &Value) -> Result<(), ClaimsError> {
    rules.check(&claims(value))
}

#[test]
fn a_sound_token_passes_every_rule() {
    let rules = ClaimRules::at(NOW)
        .leeway(10)
        .issuer("https://signet.example")
        .subject("someone")
        .audience(&["https://api.example", "client"])
        .longest_life(600)
        .id_required();
    let token = json!({
        "iss": "https://signet.example", "sub": "someone", "aud": ["other", "client"],
        "exp": NOW + 600, "nbf": NOW, "iat": NOW, "jti": "1",
    });
    assert_eq!(check(rules, &token), Ok(()));
}

#[test]
fn exp_is_a_limit_that_the_token_doesn_t_reach() {
    for (exp, leeway, passes) in
        [(1, 0, true), (0, 0, false), (-1, 0, false), (0, 5, true), (-4, 5, true), (-5, 5, false), (-6, 5, false)]
    {
        let outcome = check(ClaimRules::at(NOW).leeway(leeway), &json!({"exp": NOW + exp}));
        assert_eq!(outcome.is_ok(), passes, "exp {exp} leeway {leeway}");
    }
    let error = check(ClaimRules::at(NOW), &json!({"exp": NOW - 90})).unwrap_err();
    assert_eq!(error.to_string(), format!("the token expired 90 seconds ago (exp {})", NOW - 90));
}

#[test]
fn nbf_and_iat_may_not_lie_ahead() {
    for name in ["nbf", "iat"] {
        for (ahead, leeway, passes) in [(0, 0, true), (1, 0, false), (5, 5, true), (6, 5, false), (-100, 0, true)] {
            let token = json!({"exp": NOW + 600, name: NOW + ahead});
            let outcome = check(ClaimRules::at(NOW).leeway(leeway), &token);
            assert_eq!(outcome.is_ok(), passes, "{name} {ahead} leeway {leeway}");
        }
    }
}

#[test]
fn rules_that_are_broken() {
    let base = || ClaimRules::at(NOW);
    let exp = NOW + 60;
    let cases = [
        (base(), json!({}), "the claim \"exp\" is missing"),
        (base().issuer("https://a.example"), json!({"exp": exp}), "the claim \"iss\" is missing"),
        (
            base().issuer("https://a.example"),
            json!({"exp": exp, "iss": "https://a.example/"}),
            "the token was issued by \"https://a.example/\", not by \"https://a.example\"",
        ),
        (base().subject("client"), json!({"exp": exp}), "the claim \"sub\" is missing"),
        (
            base().subject("client"),
            json!({"exp": exp, "sub": "Client"}),
            "the token's subject \"Client\" isn't the expected one",
        ),
        (base().audience(&["a", "b"]), json!({"exp": exp}), "the claim \"aud\" is missing"),
        (base().audience(&["a", "b"]), json!({"exp": exp, "aud": []}), "the claim \"aud\" is missing"),
        (
            base().audience(&["a", "b"]),
            json!({"exp": exp, "aud": ["A", "ab"]}),
            "the token isn't meant for \"a\": its aud doesn't name it",
        ),
        (
            base().sole_audience(&["a"]),
            json!({"exp": exp, "aud": ["a", "b"]}),
            "the token's aud must name one audience only",
        ),
        (base().longest_life(59), json!({"exp": exp}), "the token's exp lies more than 59 seconds ahead"),
        (base().id_required(), json!({"exp": exp}), "the claim \"jti\" is missing"),
        (base().id_required(), json!({"exp": exp, "jti": ""}), "the token's jti must have 1 to 256 characters"),
        (
            base().id_required(),
            json!({"exp": exp, "jti": "j".repeat(257)}),
            "the token's jti must have 1 to 256 characters",
        ),
        (
            base(),
            json!({"exp": exp, "iat": NOW + 3600}),
            "the token was issued 3600 seconds in the future (iat 1767229200): the clocks disagree",
        ),
        (base(), json!({"exp": exp, "nbf": NOW + 30}), "the token isn't valid for another 30 seconds (nbf 1767225630)"),
    ];
    for (rules, token, says) in cases {
        assert_eq!(check(rules, &token).unwrap_err().to_string(), says, "{token}");
    }
}

#[test]
fn an_id_token_hint_may_have_expired_but_not_lie_ahead() {
    let rules = ClaimRules::at(NOW).expired_accepted();
    assert_eq!(check(rules, &json!({"exp": NOW - 86_400})), Ok(()));
    assert_eq!(check(rules, &json!({})), Ok(()));
    assert!(check(rules, &json!({"iat": NOW + 1})).is_err());
}

#[test]
fn every_broken_rule_is_listed() {
    let rules = ClaimRules::at(NOW).issuer("https://a.example").audience(&["a"]);
    let token = claims(&json!({"iss": "x", "aud": "y", "exp": 0}));
    assert_eq!(rules.problems(&token).count(), 3);
}

#[test]
fn dates_may_have_fractions_but_must_be_dates() {
    let token = claims(&json!({"exp": 1_767_225_600.9, "iat": 1.767_225_6e9, "nbf": null}));
    assert_eq!((token.exp, token.iat, token.nbf), (Some(NOW), Some(NOW), None));
    for exp in [json!("1767225600"), json!(-1), json!(1e300), json!(253_402_300_800_i64), json!(true), json!([1])] {
        let outcome = RegisteredClaims::deserialize_from(&json!({"exp": exp}));
        assert!(outcome.is_err(), "{exp}");
    }
}

#[test]
fn a_claim_may_not_stand_there_twice() {
    serde_json::from_str::<RegisteredClaims>(r#"{"sub":"a","sub":"b"}"#).unwrap_err();
}

#[test]
fn an_audience_is_one_string_or_several() {
    for (audience, written) in [
        (Audience::from("a".to_owned()), json!("a")),
        (Audience::from(vec!["a".to_owned()]), json!("a")),
        (Audience::from(vec!["a".to_owned(), "b".to_owned()]), json!(["a", "b"])),
    ] {
        assert_eq!(serde_json::to_value(&audience).unwrap(), written);
        assert_eq!(serde_json::from_value::<Audience>(written).unwrap(), audience);
        assert!(audience.contains("a"));
        assert!(!audience.contains("A"));
    }
    serde_json::from_value::<Audience>(json!(1)).unwrap_err();
}
