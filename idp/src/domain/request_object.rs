//! Request objects (RFC 9101 §4, OpenID Connect Core §6): an authorization request as a JWT that the client signed.
//!
//! What is inside wins over what stands beside it. OpenID Connect Core §6.1 lets the rest of the parameters come from
//! outside, RFC 9101 §6.3 lets none: by default the former holds, as clients of both kinds work with it, and a client
//! that registered `require_signed_request_object` is held to the latter, so that nothing counts that it didn't sign.
//! `client_id` always stands outside (RFC 9101 §5), and `response_type` must not differ (OpenID Connect Core §6.1).

use std::time::Duration;

use keys::{ClaimRules, RegisteredClaims};
use serde_json::{Map, Value};
use thiserror::Error;

use super::parameters::Parameters;
use super::strict_json;
use super::{ClientId, Timestamp};

/// How far a client's clock may be off.
pub const LEEWAY: Duration = Duration::from_secs(30);
/// How long one with a `jti` may live: its `jti` is remembered until it ends.
pub const LONGEST_WITH_ID: Duration = Duration::from_hours(24);

/// Claims of the JWT itself (RFC 7519 §4.1), which are no parameters.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// What is wrong with a request object whose signature is good.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RequestObjectFault {
    /// Not a JSON object, nested too deep, or a claim of the wrong type or twice.
    #[error(
        "its payload must be a JSON object with no member twice and registered claims of their types (RFC 7519, section 4.1)"
    )]
    Payload,
    /// A registered claim that doesn't hold.
    #[error("{0}")]
    Claims(#[from] keys::ClaimsError),
    /// RFC 9101 §10.8: it would pass for a client assertion.
    #[error("its sub must not be the client_id")]
    Subject,
    /// It can't be remembered for ever.
    #[error("with jti it must have exp as well")]
    IdWithoutExpiry,
    /// RFC 9101 §4.
    #[error("it must have neither request nor request_uri inside")]
    Nested,
    /// RFC 9101 §6.3, OpenID Connect Core §6.1.
    #[error("its {0} must be the {0} that is sent beside it")]
    Differs(&'static str),
    /// A member that can't be a parameter. The client isn't told its name, which is anybody's text.
    #[error("each parameter in it must be a string or a number, or an object where the parameter is JSON")]
    Member(String),
}

/// A request object whose signature is good.
#[derive(Clone, Debug)]
pub struct RequestObject {
    registered: RegisteredClaims,
    members: Map<String, Value>,
}

impl RequestObject {
    /// Reads the payload.
    pub fn read(payload: &[u8]) -> Result<Self, RequestObjectFault> {
        let registered = serde_json::from_slice(payload).map_err(|_| RequestObjectFault::Payload)?;
        match strict_json::parse(payload) {
            Ok(Value::Object(members)) => Ok(Self { registered, members }),
            Ok(_) | Err(_) => Err(RequestObjectFault::Payload),
        }
    }

    /// Checks the claims of the JWT itself.
    pub fn check(&self, client: &ClientId, issuer: &str, now: Timestamp) -> Result<(), RequestObjectFault> {
        let claims = &self.registered;
        if claims.sub.as_deref() == Some(client.as_str()) {
            return Err(RequestObjectFault::Subject);
        }
        let issuers = [issuer];
        let mut rules = ClaimRules::at(now.seconds()).leeway(seconds(LEEWAY));
        if claims.iss.is_some() {
            rules = rules.issuer(client.as_str());
        }
        if self.members.contains_key("aud") {
            rules = rules.audience(&issuers);
        }
        if claims.jti.is_some() {
            rules = rules.id_required().longest_life(seconds(LONGEST_WITH_ID));
        }
        // One without an end is taken; one with an end is not taken after it.
        if claims.exp.is_none() {
            rules = rules.expired_accepted();
        }
        rules.check(claims)?;
        if claims.jti.is_some() && claims.exp.is_none() {
            return Err(RequestObjectFault::IdWithoutExpiry);
        }
        Ok(())
    }

    /// Its `jti` and until when that is to be remembered, if it has one.
    pub fn id(&self) -> Option<(&str, Timestamp)> {
        let (jti, exp) = (self.registered.jti.as_deref()?, self.registered.exp?);
        Some((jti, Timestamp::from_seconds(exp) + LEEWAY))
    }

    /// The request that it makes together with what stands beside it.
    pub fn assembled(&self, beside: &Parameters, rest: Beside) -> Result<Parameters, RequestObjectFault> {
        if self.members.contains_key("request") || self.members.contains_key("request_uri") {
            return Err(RequestObjectFault::Nested);
        }
        let mut pairs = Vec::new();
        for (name, value) in self.members.iter().filter(|(name, _)| !REGISTERED.contains(&name.as_str())) {
            pairs.extend(texts(name, value)?.into_iter().map(|text| (name.clone(), text)));
        }
        let inside = Parameters::from_pairs(pairs);
        Self::same("client_id", &inside, beside)?;
        Ok(match rest {
            Beside::Ignored => inside.over(beside, |name| name == "client_id"),
            Beside::Completes => {
                Self::same("response_type", &inside, beside)?;
                inside.over(beside, |name| !matches!(name, "request" | "request_uri"))
            }
        })
    }

    fn same(name: &'static str, inside: &Parameters, beside: &Parameters) -> Result<(), RequestObjectFault> {
        match (inside.all(name).next(), beside.all(name).next()) {
            (Some(inner), Some(outer)) if inner != outer => Err(RequestObjectFault::Differs(name)),
            _ => Ok(()),
        }
    }
}

/// What the parameters beside a request object are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// They complete it (OpenID Connect Core §6.1).
    Completes,
    /// They are ignored, but for `client_id` (RFC 9101 §6.3).
    Ignored,
}

/// The values of a parameter: as many as `resource` has (RFC 8707 §2), one of the others, none of `null`.
fn texts(name: &str, value: &Value) -> Result<Vec<String>, RequestObjectFault> {
    let fault = || RequestObjectFault::Member(name.chars().take(64).collect());
    Ok(match value {
        Value::Null => Vec::new(),
        Value::String(text) if text.contains('\0') => return Err(fault()),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(truth) => vec![truth.to_string()],
        Value::Object(_) => vec![value.to_string()],
        Value::Array(values) if name == "resource" => {
            values.iter().map(|value| value.as_str().map(str::to_owned).ok_or_else(fault)).collect::<Result<_, _>>()?
        }
        Value::Array(_) if name == "authorization_details" => vec![value.to_string()],
        Value::Array(_) => return Err(fault()),
    })
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    fn object(claims: &Value) -> RequestObject {
        RequestObject::read(claims.to_string().as_bytes()).unwrap()
    }

    fn beside() -> Parameters {
        Parameters::decode(b"client_id=app&response_type=code&scope=openid&state=outside&nonce=outside&request=x")
            .unwrap()
    }

    fn value<'p>(parameters: &'p Parameters, name: &'static str) -> Option<&'p str> {
        parameters.optional(name).unwrap()
    }

    #[test]
    fn what_is_inside_wins_and_the_rest_is_completed_or_ignored() {
        let object =
            object(&json!({ "iss": "app", "client_id": "app", "state": "inside", "max_age": 10, "nonce": null,
            "claims": { "userinfo": { "email": null } }, "resource": ["https://a.example", "https://b.example"] }));
        let whole = object.assembled(&beside(), Beside::Completes).unwrap();
        assert_eq!(value(&whole, "state"), Some("inside"));
        assert_eq!(value(&whole, "nonce"), Some("outside"), "null is absent");
        assert_eq!(value(&whole, "max_age"), Some("10"));
        assert_eq!(value(&whole, "scope"), Some("openid"));
        assert_eq!(value(&whole, "claims"), Some(r#"{"userinfo":{"email":null}}"#));
        assert_eq!(whole.all("resource").count(), 2);
        for gone in ["request", "iss", "aud"] {
            assert_eq!(whole.all(gone).count(), 0, "{gone}");
        }
        let whole = object.assembled(&beside(), Beside::Ignored).unwrap();
        assert_eq!(value(&whole, "state"), Some("inside"));
        assert_eq!(value(&whole, "client_id"), Some("app"));
        for gone in ["nonce", "scope", "response_type", "request"] {
            assert_eq!(whole.all(gone).count(), 0, "{gone}");
        }
    }

    #[test]
    fn objects_that_are_refused() {
        for (claims, fault) in [
            (json!({ "request": "x" }), RequestObjectFault::Nested),
            (json!({ "request_uri": "https://x.example" }), RequestObjectFault::Nested),
            (json!({ "client_id": "other" }), RequestObjectFault::Differs("client_id")),
            (json!({ "client_id": 7 }), RequestObjectFault::Differs("client_id")),
            (json!({ "response_type": "token" }), RequestObjectFault::Differs("response_type")),
            (json!({ "prompt": ["login"] }), RequestObjectFault::Member("prompt".to_owned())),
            (json!({ "resource": [1] }), RequestObjectFault::Member("resource".to_owned())),
            (json!({ "state": "a\0b" }), RequestObjectFault::Member("state".to_owned())),
        ] {
            assert_eq!(object(&claims).assembled(&beside(), Beside::Completes).unwrap_err(), fault, "{claims}");
        }
        let deep = format!(r#"{{"claims":{}1{}}}"#, r#"{"a":"#.repeat(1000), "}".repeat(1000));
        for payload in ["", "[]", "null", r#""x""#, r#"{"state":"a","state":"b"}"#, r#"{"exp":"soon"}"#, &deep] {
            assert_eq!(RequestObject::read(payload.as_bytes()).unwrap_err(), RequestObjectFault::Payload);
        }
    }

    #[test]
    fn the_claims_of_the_jwt_count_when_they_are_there() {
        let (client, now) = ("app".parse().unwrap(), 1_000_000);
        let check = |claims: Value| {
            object(&claims).check(&client, "https://id.example", Timestamp::from_seconds(now)).map_err(|_| ())
        };
        for claims in [
            json!({}),
            json!({ "iss": "app", "aud": "https://id.example", "exp": now + 1, "nbf": now, "iat": now }),
            json!({ "aud": ["https://other.example", "https://id.example"], "sub": "somebody" }),
            json!({ "exp": now - 29, "nbf": now + 30, "iat": now + 30 }),
            json!({ "exp": now + 1_000_000_000 }),
            json!({ "jti": "x", "exp": now + 86_430 }),
        ] {
            assert_eq!(check(claims.clone()), Ok(()), "{claims}");
        }
        for claims in [
            json!({ "iss": "other" }),
            json!({ "iss": "" }),
            json!({ "aud": "https://id.example/" }),
            json!({ "aud": [] }),
            json!({ "sub": "app" }),
            json!({ "exp": now - 30 }),
            json!({ "nbf": now + 31 }),
            json!({ "iat": now + 31 }),
            json!({ "jti": "x" }),
            json!({ "jti": "", "exp": now + 1 }),
            json!({ "jti": "x".repeat(257), "exp": now + 1 }),
            json!({ "jti": "x", "exp": now + 86_431 }),
        ] {
            assert_eq!(check(claims.clone()), Err(()), "{claims}");
        }
    }
}
