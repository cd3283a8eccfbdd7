//! The `claims` parameter (OpenID Connect Core §5.5): claims that are asked for one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::claims;
use super::scope::{Scope, ScopeSet};
use super::strict_json::{self, StrictJsonError};

/// What is asked of each of the two places. Claims that nobody knows are kept: they are left out where claims are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// Claims for the userinfo endpoint.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: BTreeMap<String, ClaimRequest>,
    /// Claims for the ID token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: BTreeMap<String, ClaimRequest>,
}

/// How one claim is asked for (§5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// Whether the client can't do well without it.
    #[serde(default)]
    pub essential: bool,
    /// The values that are wanted, the preferred first; empty if any will do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Value>,
}

impl ClaimRequest {
    /// Whether this value is one of those wanted.
    pub fn accepts(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(value)
    }
}

/// A `claims` parameter that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClaimsRequestError {
    /// Not JSON, or nested too deep.
    #[error("claims must be a JSON object (OpenID Connect Core section 5.5), encoded as UTF-8")]
    NotAnObject,
    /// A member isn't what it should be.
    #[error("claims.{0} must be an object of claim names, each with null or an object")]
    Place(&'static str),
    /// A claim's request isn't what it should be.
    #[error("claims: essential must be true or false, and values a list")]
    Claim,
    /// More than anybody needs.
    #[error("claims must name at most 100 claims of at most 256 characters in each place, and 100 values of each")]
    TooMany,
    /// A member twice: which of the two is meant?
    #[error("claims must not have a member twice")]
    Twice,
    /// A `sub` that nobody can have.
    #[error("claims must ask for a sub by a value, or by values, that are texts and don't contradict one another")]
    Subject,
    /// A NUL character or a number beyond 64 bits: no claim has one, and PostgreSQL doesn't give it back.
    #[error("claims must not have a NUL character or a number beyond 64 bits")]
    Odd,
}

impl ClaimsRequest {
    /// The most claims in a place, and the most values of a claim: those of `sub` are compared with one another.
    const MOST: usize = 100;
    /// The longest name of a claim.
    const LONGEST_NAME: usize = 256;

    /// Reads the parameter's JSON. Members that aren't understood are ignored (§5.5).
    pub fn parse(json: &str) -> Result<Self, ClaimsRequestError> {
        let value = strict_json::parse(json.as_bytes()).map_err(|error| match error {
            StrictJsonError::Syntax { .. } => ClaimsRequestError::NotAnObject,
            StrictJsonError::Twice { .. } => ClaimsRequestError::Twice,
        })?;
        Self::from_value(&value)
    }

    /// The people that the client wants a token for, the preferred first (§5.5.1: `sub` with a `value` or `values`):
    /// those that are acceptable in both places. `None` if anybody will do.
    pub fn subjects(&self) -> Option<Vec<&str>> {
        let mut places = [&self.id_token, &self.userinfo]
            .into_iter()
            .filter_map(|place| place.get("sub"))
            .filter(|sub| !sub.values.is_empty());
        let first = places.next()?;
        let others: Vec<&ClaimRequest> = places.collect();
        let acceptable = first.values.iter().filter(|value| others.iter().all(|other| other.accepts(value)));
        // What isn't a text is refused when it is read.
        Some(acceptable.filter_map(Value::as_str).collect())
    }

    /// Reads the parameter as a request object has it: JSON already.
    pub fn from_value(value: &Value) -> Result<Self, ClaimsRequestError> {
        let members = value.as_object().ok_or(ClaimsRequestError::NotAnObject)?;
        if is_odd(value) {
            return Err(ClaimsRequestError::Odd);
        }
        let request = Self { userinfo: place(members, "userinfo")?, id_token: place(members, "id_token")? };
        if request.subjects().is_some_and(|subjects| subjects.is_empty()) {
            return Err(ClaimsRequestError::Subject);
        }
        Ok(request)
    }

    /// The scopes that carry the claims which are asked for: what a person is asked before they are given.
    pub fn scopes(&self) -> ScopeSet {
        let claims = self.userinfo.keys().chain(self.id_token.keys());
        claims.filter_map(|claim| claims::scope_of(claim)?.parse::<Scope>().ok()).collect()
    }
}

/// Everything that a person is asked for: the scopes of a request, and those that carry the claims which it asks for by
/// name, as far as its client may have them.
pub fn to_consent(scope: &ScopeSet, claims: Option<&ClaimsRequest>, allowed: &ScopeSet) -> ScopeSet {
    claims.map_or_else(|| scope.clone(), |claims| scope.union(&claims.scopes().intersection(allowed)))
}

/// Whether something stands in it that isn't kept as it is. What was parsed is not nested deeper than the parser goes.
fn is_odd(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Number(number) => number.as_f64().is_none_or(|number| number.abs() > 2_f64.powi(64)),
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(is_odd),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || is_odd(value)),
    }
}

fn place(
    members: &Map<String, Value>,
    name: &'static str,
) -> Result<BTreeMap<String, ClaimRequest>, ClaimsRequestError> {
    let claims = match members.get(name) {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(claims)) => claims,
        Some(_) => return Err(ClaimsRequestError::Place(name)),
    };
    if claims.len() > ClaimsRequest::MOST || claims.keys().any(|claim| claim.len() > ClaimsRequest::LONGEST_NAME) {
        return Err(ClaimsRequestError::TooMany);
    }
    if claims.get("sub").is_some_and(|sub| !is_about_somebody(sub)) {
        return Err(ClaimsRequestError::Subject);
    }
    claims.iter().map(|(claim, request)| Ok((claim.clone(), one(name, request)?))).collect()
}

/// Whether this request for `sub` can be met by anybody. It decides whom a token is about, so that nothing in it may be
/// passed over as it may with claims that are merely given.
fn is_about_somebody(sub: &Value) -> bool {
    let is_one_of = |values: &[Value], value: &Value| value.is_string() && values.contains(value);
    match (sub.get("value"), sub.get("values")) {
        (Some(value), None) => value.is_string(),
        (value, Some(Value::Array(values))) => {
            let texts = !values.is_empty() && values.iter().all(Value::is_string);
            texts && value.is_none_or(|value| is_one_of(values, value))
        }
        // Anybody; or values that are no list, which is looked at for every claim.
        (None, None) | (_, Some(_)) => true,
    }
}

fn one(name: &'static str, request: &Value) -> Result<ClaimRequest, ClaimsRequestError> {
    let members = match request {
        Value::Null => return Ok(ClaimRequest::default()),
        Value::Object(members) => members,
        _ => return Err(ClaimsRequestError::Place(name)),
    };
    let essential = match members.get("essential") {
        None => false,
        Some(Value::Bool(essential)) => *essential,
        Some(_) => return Err(ClaimsRequestError::Claim),
    };
    let values = match (members.get("value"), members.get("values")) {
        (Some(value), _) => vec![value.clone()],
        (None, Some(Value::Array(values))) if values.len() > ClaimsRequest::MOST => {
            return Err(ClaimsRequestError::TooMany);
        }
        (None, Some(Value::Array(values))) => values.clone(),
        (None, None) => Vec::new(),
        (None, Some(_)) => return Err(ClaimsRequestError::Claim),
    };
    Ok(ClaimRequest { essential, values })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for_is_read_and_the_rest_is_ignored() {
        let text = r#"{"userinfo":{"a":null,"b":{"essential":true,"x":1}},"id_token":{"c":{"value":1,"values":[2]},
            "d":{"values":["x",null]}},"more":{"e":null}}"#;
        let request = ClaimsRequest::parse(text).unwrap();
        let any = ClaimRequest::default();
        let essential = ClaimRequest { essential: true, ..any.clone() };
        assert_eq!(request.userinfo, [("a".to_owned(), any), ("b".to_owned(), essential)].into());
        assert_eq!(request.id_token["c"].values, [json!(1)]);
        assert!(request.id_token["d"].accepts(&json!("x")) && !request.id_token["d"].accepts(&json!("y")));
    }

    #[test]
    fn claims_are_carried_by_scopes() {
        let request =
            ClaimsRequest::parse(r#"{"userinfo":{"email":null,"zip":null},"id_token":{"name":null,"sub":null}}"#);
        let request = request.unwrap();
        assert_eq!(request.scopes().to_string(), "email profile");
        let set = |text: &str| text.parse::<ScopeSet>().unwrap();
        let asked = to_consent(&set("openid"), Some(&request), &set("openid email phone"));
        assert_eq!(asked.to_string(), "email openid");
        assert_eq!(to_consent(&set("openid"), None, &set("openid email")).to_string(), "openid");
    }

    #[test]
    fn the_subjects_are_those_acceptable_in_both_places() {
        for (text, expected) in [
            ("{}", Some(None)),
            (r#"{"id_token":{"sub":null},"userinfo":{"sub":{"essential":true}}}"#, Some(None)),
            (r#"{"id_token":{"sub":{"value":"a"}}}"#, Some(Some(vec!["a"]))),
            (r#"{"userinfo":{"sub":{"value":"a"}}}"#, Some(Some(vec!["a"]))),
            (r#"{"id_token":{"sub":null},"userinfo":{"sub":{"value":"a"}}}"#, Some(Some(vec!["a"]))),
            (r#"{"id_token":{"sub":{"values":["b","a"]}}}"#, Some(Some(vec!["b", "a"]))),
            (r#"{"id_token":{"sub":{"values":["b","a"],"value":"a"}}}"#, Some(Some(vec!["a"]))),
            (
                r#"{"id_token":{"sub":{"values":["c","b","a"]}},"userinfo":{"sub":{"values":["a","x","c"]}}}"#,
                Some(Some(vec!["c", "a"])),
            ),
            (r#"{"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}"#, None),
            (r#"{"id_token":{"sub":{"values":["a"],"value":"b"}}}"#, None),
            (r#"{"id_token":{"sub":{"value":5}}}"#, None),
            (r#"{"userinfo":{"sub":{"value":null}}}"#, None),
            (r#"{"userinfo":{"sub":{"values":[]}}}"#, None),
            (r#"{"userinfo":{"sub":{"values":["a",5]}}}"#, None),
            (r#"{"userinfo":{"sub":{"value":["a"]}}}"#, None),
        ] {
            let read = ClaimsRequest::parse(text);
            let subjects = read.as_ref().map(ClaimsRequest::subjects).map_err(Clone::clone);
            assert_eq!(subjects, expected.ok_or(ClaimsRequestError::Subject), "{text}");
        }
    }

    #[test]
    fn members_that_stand_twice_are_refused() {
        for text in [
            r#"{"userinfo":{},"userinfo":{}}"#,
            r#"{"userinfo":{"email":null,"email":null}}"#,
            r#"{"id_token":{"sub":{"value":"a","value":"b"}}}"#,
            r#"{"more":{"x":1,"x":1}}"#,
        ] {
            assert_eq!(ClaimsRequest::parse(text), Err(ClaimsRequestError::Twice), "{text}");
        }
    }

    /// JSON of a shape that comes near to a claims request.
    fn near() -> impl Strategy<Value = Value> {
        let name =
            prop::sample::select(vec!["userinfo", "id_token", "email", "essential", "value", "values", "", "\0"]);
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,4}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                    Value::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn nothing_makes_the_parser_stumble(text in ".{0,200}") {
            let _read = ClaimsRequest::parse(&text);
        }

        /// What was read is kept as it is: in the database, and in a claims parameter made from it.
        #[test]
        fn what_was_read_is_read_again_the_same(value in near()) {
            let text = value.to_string();
            prop_assert_eq!(ClaimsRequest::parse(&text), ClaimsRequest::from_value(&value));
            if let Ok(request) = ClaimsRequest::from_value(&value) {
                let stored = serde_json::to_value(&request).unwrap();
                prop_assert!(!stored.to_string().contains("u0000"));
                prop_assert_eq!(&serde_json::from_value::<ClaimsRequest>(stored.clone()).unwrap(), &request);
                prop_assert_eq!(ClaimsRequest::from_value(&stored).unwrap(), request);
            }
        }

        /// A place that isn't an object of objects and nulls is refused, and so is nothing else.
        #[test]
        fn places_are_objects_of_objects(value in near()) {
            let good = |place: &Value| match place {
                Value::Null => true,
                Value::Object(claims) => claims.values().all(|claim| match claim {
                    Value::Null => true,
                    Value::Object(members) => {
                        members.get("essential").is_none_or(Value::is_boolean)
                            && (members.contains_key("value") || members.get("values").is_none_or(Value::is_array))
                    }
                    _ => false,
                }),
                _ => false,
            };
            let expected = value.as_object().is_some_and(|members| {
                ["userinfo", "id_token"].iter().all(|name| members.get(*name).is_none_or(good))
            });
            prop_assert_eq!(ClaimsRequest::from_value(&value).is_ok(), expected && !is_odd(&value));
        }
    }
}
