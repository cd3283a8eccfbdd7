//! What a token says and why it isn't valid: for people who debug (`signet token explain`). Nothing here decides
//! anything; a token is accepted by [`crate::verify_jws`] and [`crate::ClaimRules`] only.

use serde_json::{Map, Value};

use crate::claims::{ClaimRules, ClaimsError, RegisteredClaims};
use crate::verify::{CompactParts, Purpose, VerificationKey, VerificationPolicy, VerifyError, verify_jws};

/// What a token is held against.
#[derive(Debug, Clone, Copy)]
pub struct ExplainContext<'a> {
    /// What the token should be; guessed from its `typ` if absent.
    pub purpose: Option<Purpose>,
    /// Keys to verify with; `None` leaves the signature unchecked.
    pub keys: Option<&'a [VerificationKey]>,
    /// What the claims must say.
    pub rules: ClaimRules<'a>,
}

/// A token taken apart.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The header, as far as it can be decoded.
    pub header: Option<Map<String, Value>>,
    /// The claims, as far as they can be decoded. Not to be trusted unless [`Self::signature_valid`].
    pub claims: Option<Map<String, Value>>,
    /// What it was taken for.
    pub purpose: Purpose,
    /// Whether a key verified it; `None` if no keys were given.
    pub signature_valid: Option<bool>,
    /// Why it isn't valid; empty if nothing speaks against it.
    pub problems: Vec<Problem>,
}

impl Explanation {
    /// Whether the signature is good and nothing else speaks against the token.
    pub fn is_valid(&self) -> bool {
        self.signature_valid == Some(true) && self.problems.is_empty()
    }
}

/// A reason why a token isn't valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Its shape, header, kind, key or signature.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    /// What it says.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
}

/// Decodes a token without trusting it, and lists what speaks against it. Never fails: a text that is no token at all
/// is explained as such.
pub fn explain(token: &str, context: &ExplainContext<'_>) -> Explanation {
    let token = token.trim();
    let parts = match CompactParts::split(token) {
        Ok(parts) => parts,
        Err(error) => return unreadable(context, error),
    };
    let header = parts.header_json().ok().and_then(|json| serde_json::from_slice::<Map<String, Value>>(&json).ok());
    let payload = parts.payload().ok();
    let claims = payload.as_deref().and_then(|json| serde_json::from_slice::<Map<String, Value>>(json).ok());
    let purpose =
        context.purpose.unwrap_or_else(|| guess(parts.header().ok().and_then(|header| header.typ).as_deref()));

    let mut problems = Vec::new();
    // Without keys every check up to the choice of the key is made all the same.
    let checked = verify_jws(token, context.keys.unwrap_or_default(), VerificationPolicy::new(purpose));
    let signature_valid = context.keys.map(|_| checked.is_ok());
    if let Err(error) = checked {
        let only_for_want_of_keys =
            context.keys.is_none() && matches!(error, VerifyError::UnknownKid(_) | VerifyError::NoKey(_));
        if !only_for_want_of_keys {
            problems.push(error.into());
        }
    }
    match payload.map(|json| serde_json::from_slice::<RegisteredClaims>(&json)) {
        Some(Ok(registered)) => {
            problems.extend(context.rules.problems(&registered).map(Problem::Claims));
        }
        Some(Err(_)) => problems.push(VerifyError::Claims.into()),
        None => problems.push(VerifyError::Payload.into()),
    }
    problems.dedup();
    Explanation { header, claims, purpose, signature_valid, problems }
}

fn unreadable(context: &ExplainContext<'_>, error: VerifyError) -> Explanation {
    Explanation {
        header: None,
        claims: None,
        purpose: context.purpose.unwrap_or(Purpose::AccessToken),
        signature_valid: context.keys.map(|_| false),
        problems: vec![error.into()],
    }
}

/// What a token of this `typ` is, most likely.
fn guess(typ: Option<&str>) -> Purpose {
    match typ {
        Some("at+jwt") => Purpose::AccessToken,
        Some("logout+jwt") => Purpose::LogoutToken,
        Some("token-introspection+jwt") => Purpose::Introspection,
        Some("oauth-authz-req+jwt") => Purpose::RequestObject,
        Some("client-authentication+jwt") => Purpose::ClientAssertion,
        _ => Purpose::IdToken,
    }
}
