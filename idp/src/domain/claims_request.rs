//! The `claims` parameter (OpenID Connect Core §5.5): claims that are asked for one by one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

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
    #[error("claims must be a JSON object (OpenID Connect Core §5.5), encoded as UTF-8")]
    NotAnObject,
    /// A member isn't what it should be.
    #[error("claims.{0} must be an object of claim names, each with null or an object")]
    Place(&'static str),
    /// A claim's request isn't what it should be.
    #[error("claims: essential must be true or false, and values a list")]
    Claim,
    /// More than anybody needs.
    #[error("claims must name at most 100 claims of at most 256 characters in each place")]
    TooMany,
}

impl ClaimsRequest {
    /// The most claims in a place.
    const MOST: usize = 100;
    /// The longest name of a claim.
    const LONGEST_NAME: usize = 256;

    /// Reads the parameter's JSON. Members that aren't understood are ignored (§5.5).
    pub fn parse(json: &str) -> Result<Self, ClaimsRequestError> {
        let value: Value = serde_json::from_str(json).map_err(|_| ClaimsRequestError::NotAnObject)?;
        Self::from_value(&value)
    }

    /// The one person that the client wants a token for (§5.5.1: `sub` with a `value`).
    pub fn subject(&self) -> Option<&str> {
        let wanted = [&self.id_token, &self.userinfo].into_iter().find_map(|place| place.get("sub"))?;
        wanted.values.first()?.as_str()
    }

    /// Reads the parameter as a request object has it: JSON already.
    pub fn from_value(value: &Value) -> Result<Self, ClaimsRequestError> {
        let members = value.as_object().ok_or(ClaimsRequestError::NotAnObject)?;
        Ok(Self { userinfo: place(members, "userinfo")?, id_token: place(members, "id_token")? })
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
    claims.iter().map(|(claim, request)| Ok((claim.clone(), one(name, request)?))).collect()
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
        (None, Some(Value::Array(values))) => values.clone(),
        (None, None) => Vec::new(),
        (None, Some(_)) => return Err(ClaimsRequestError::Claim),
    };
    Ok(ClaimRequest { essential, values })
}
