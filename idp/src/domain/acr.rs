//! Authentication context classes (OpenID Connect Core §2, `acr`): how sure we are of who somebody is.

use serde_json::Value;

use super::claims_request::ClaimsRequest;
use super::session::AuthenticationMethod;

/// A class of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Acr {
    /// One factor, such as a password.
    OneFactor,
}

impl Acr {
    /// Those that there are, the weakest first, as discovery lists them.
    pub const SUPPORTED: [&'static str; 1] = [Self::OneFactor.as_str()];

    /// Its name in `acr` and `acr_values`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneFactor => "urn:signet:acr:1fa",
        }
    }

    /// The class that these methods reach together.
    pub fn of(methods: &[AuthenticationMethod]) -> Self {
        match methods {
            [] | [AuthenticationMethod::Pwd, ..] => Self::OneFactor,
        }
    }

    /// Whether the `acr` that a request makes essential can be reached by anybody (§5.5.1.1). `acr_values`, and an `acr`
    /// that isn't essential, are wishes.
    pub fn can_meet(claims: &ClaimsRequest) -> bool {
        let Some(acr) = claims.id_token.get("acr").filter(|acr| acr.essential) else { return true };
        Self::SUPPORTED.iter().any(|known| acr.accepts(&Value::from(*known)))
    }
}
