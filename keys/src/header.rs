//! JWS headers, read strictly: no member twice, `crit` refused, and what could point at a foreign key not looked at.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The longest header that is read, in bytes of JSON.
const MAX_HEADER_BYTES: usize = 2048;
/// The most members that a header may have.
const MAX_MEMBERS: usize = 32;

/// The members of a JWS header that count (RFC 7515 §4.1). `jku`, `x5u`, `jwk`, `x5c` are ignored: a token never says
/// where its own key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwsHeader {
    /// `alg` as it stands there.
    pub alg: String,
    /// `kid`, of at most 256 characters.
    pub kid: Option<String>,
    /// `typ` in lower case and without `application/`.
    pub typ: Option<String>,
    /// `cty` as it stands there.
    pub cty: Option<String>,
}

/// Why a header isn't accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Not base64url without padding.
    #[error("the header isn't base64url without padding")]
    NotBase64url,
    /// Longer than 2,048 bytes.
    #[error("the header is longer than 2048 bytes")]
    TooLong,
    /// Not a JSON object with a string `alg`, a member twice, or a member of the wrong type.
    #[error("the header isn't a JSON object with an \"alg\" and with no member twice")]
    Malformed,
    /// `crit` names extensions, none of which is understood here (RFC 7515 §4.1.11).
    #[error("the header has \"crit\", and no critical extension is supported")]
    Critical,
    /// `b64` changes what is signed (RFC 7797).
    #[error("the header has \"b64\", and unencoded payloads aren't supported")]
    UnencodedPayload,
}

impl JwsHeader {
    /// Reads a header from the decoded bytes.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, HeaderError> {
        if json.len() > MAX_HEADER_BYTES {
            return Err(HeaderError::TooLong);
        }
        let raw: RawHeader = serde_json::from_slice(json).map_err(|_| HeaderError::Malformed)?;
        if raw.critical {
            return Err(HeaderError::Critical);
        }
        if raw.unencoded {
            return Err(HeaderError::UnencodedPayload);
        }
        let alg = raw.alg.ok_or(HeaderError::Malformed)?;
        if raw.kid.as_ref().is_some_and(|kid| kid.len() > 256) {
            return Err(HeaderError::Malformed);
        }
        Ok(Self { alg, kid: raw.kid, typ: raw.typ.as_deref().map(media_type), cty: raw.cty })
    }
}

/// A `typ` in the form in which it is compared: case doesn't count, `application/` may be left out (RFC 7515 §4.1.9).
fn media_type(typ: &str) -> String {
    let lower = typ.to_ascii_lowercase();
    match lower.strip_prefix("application/") {
        Some(rest) if !rest.contains('/') => rest.to_owned(),
        _ => lower,
    }
}

#[derive(Default)]
struct RawHeader {
    alg: Option<String>,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    critical: bool,
    unencoded: bool,
}

impl<'de> Deserialize<'de> for RawHeader {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWS header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let mut header = RawHeader::default();
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if seen.contains(&name) || seen.len() == MAX_MEMBERS {
                return Err(A::Error::custom("a member twice, or too many"));
            }
            match name.as_str() {
                "alg" => header.alg = Some(map.next_value()?),
                "kid" => header.kid = Some(map.next_value()?),
                "typ" => header.typ = Some(map.next_value()?),
                "cty" => header.cty = Some(map.next_value()?),
                _ => {
                    header.critical |= name == "crit";
                    header.unencoded |= name == "b64";
                    map.next_value::<IgnoredAny>()?;
                }
            }
            seen.push(name);
        }
        Ok(header)
    }
}
