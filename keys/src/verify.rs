//! Verifying: one function, one policy per purpose.
//!
//! The order of the checks is the order of trust: size, shape, header, the purpose's algorithms and `typ`, the key,
//! the signature. Only then are the payload's bytes handed out. Claims are the next step ([`crate::ClaimRules`]).

use josekit::jws::JwsVerifier;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::encoding::from_base64url;
use crate::header::{HeaderError, JwsHeader};
use crate::hmac::ClientAlgorithm;
use crate::jwk::PublicJwk;
use crate::public_key::{JwkError, PublicKey, shown};

/// The longest token that is looked at, in bytes.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// What a token is presented as; each purpose has its algorithms and its `typ`, so that no kind of token passes for
/// another (RFC 8725 §3.11, §3.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// An access token at a resource (RFC 9068 §4): `at+jwt` and nothing else.
    AccessToken,
    /// An ID token, also as `id_token_hint`: `JWT` or no `typ`.
    IdToken,
    /// A client's assertion (RFC 7523 §3): `JWT`, `client-authentication+jwt` or no `typ`.
    ClientAssertion,
    /// A request object (RFC 9101 §4): `oauth-authz-req+jwt`, `JWT` or no `typ`.
    RequestObject,
    /// A logout token (OIDC Back-Channel Logout 1.0 §2.6): `logout+jwt` and nothing else.
    LogoutToken,
    /// A signed introspection answer (RFC 9701 §5): `token-introspection+jwt` and nothing else.
    Introspection,
}

impl Purpose {
    /// The algorithms that are accepted.
    pub const fn algorithms(self) -> &'static [Algorithm] {
        match self {
            Self::AccessToken
            | Self::IdToken
            | Self::ClientAssertion
            | Self::RequestObject
            | Self::LogoutToken
            | Self::Introspection => {
                &[Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384, Algorithm::EdDsa]
            }
        }
    }

    /// The `typ` values that are accepted, in lower case; the first is the one to expect.
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::AccessToken => &["at+jwt"],
            Self::IdToken => &["jwt"],
            Self::ClientAssertion => &["jwt", "client-authentication+jwt"],
            Self::RequestObject => &["oauth-authz-req+jwt", "jwt"],
            Self::LogoutToken => &["logout+jwt"],
            Self::Introspection => &["token-introspection+jwt"],
        }
    }

    /// Whether the purpose's specification is older than explicit typing, so that `typ` may be absent.
    pub const fn accepts_no_type(self) -> bool {
        match self {
            Self::IdToken | Self::ClientAssertion | Self::RequestObject => true,
            Self::AccessToken | Self::LogoutToken | Self::Introspection => false,
        }
    }
}

/// A purpose, and optionally the one algorithm that its sender is registered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerificationPolicy {
    purpose: Purpose,
    only: Option<Algorithm>,
}

impl VerificationPolicy {
    /// Every algorithm of the purpose.
    pub const fn new(purpose: Purpose) -> Self {
        Self { purpose, only: None }
    }

    /// Only this algorithm, such as a client's `token_endpoint_auth_signing_alg`; it must also be the purpose's.
    #[must_use]
    pub const fn only(self, algorithm: Algorithm) -> Self {
        Self { purpose: self.purpose, only: Some(algorithm) }
    }

    /// The purpose.
    pub const fn purpose(self) -> Purpose {
        self.purpose
    }

    fn algorithm(self, alg: &str) -> Result<Algorithm, VerifyError> {
        let refused = || VerifyError::Algorithm(shown(alg));
        let algorithm: Algorithm = alg.parse().map_err(|_| refused())?;
        let allowed = self.purpose.algorithms().contains(&algorithm) && self.only.is_none_or(|only| only == algorithm);
        allowed.then_some(algorithm).ok_or_else(refused)
    }

    pub(crate) fn check_type(self, typ: Option<&str>) -> Result<(), VerifyError> {
        let fits = typ.map_or(self.purpose.accepts_no_type(), |typ| self.purpose.types().contains(&typ));
        if fits {
            return Ok(());
        }
        Err(VerifyError::Type { expected: self.purpose.types()[0], found: typ.map(shown) })
    }
}

impl From<Purpose> for VerificationPolicy {
    fn from(purpose: Purpose) -> Self {
        Self::new(purpose)
    }
}

/// Why a token isn't accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the token is longer than 16384 bytes")]
    TooLong,
    /// Not three parts with two dots between them.
    #[error("the token isn't a JWS in compact form: three parts with dots between them")]
    NotCompact,
    /// Five parts: encrypted.
    #[error("the token is encrypted (a JWE), which isn't supported here")]
    Encrypted,
    /// The header is refused.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// The payload isn't base64url.
    #[error("the payload isn't base64url without padding")]
    Payload,
    /// The signature isn't base64url.
    #[error("the signature isn't base64url without padding")]
    SignatureEncoding,
    /// The algorithm isn't on the purpose's list, or isn't the one registered.
    #[error("the algorithm \"{0}\" isn't accepted here")]
    Algorithm(String),
    /// The token is of another kind.
    #[error("the token's typ is {}; it must be \"{expected}\"", .found.as_ref().map_or_else(|| "absent".to_owned(), |typ| format!("\"{typ}\"")))]
    Type {
        /// The value to expect.
        expected: &'static str,
        /// The value found.
        found: Option<String>,
    },
    /// No key has this `kid`: the caller may look whether there are newer keys.
    #[error("no known key has the kid \"{0}\"")]
    UnknownKid(String),
    /// There is no secret that could have signed it.
    #[error("there is no secret that this token could have been signed with")]
    NoSecret,
    /// No key can verify this algorithm.
    #[error("no known key is for the algorithm {0}")]
    NoKey(Algorithm),
    /// No `kid`, and more than one key would fit.
    #[error("the token has no kid, and more than one key is for the algorithm {0}")]
    AmbiguousKey(Algorithm),
    /// The signature doesn't match.
    #[error("the signature isn't valid")]
    Signature,
    /// The payload isn't the JSON that it should be.
    #[error("the payload isn't a JSON object with the claims of its kind")]
    Claims,
}

/// A public key ready to verify: parsed once, for each algorithm that it may be used with.
#[derive(Clone)]
pub struct VerificationKey {
    kid: Option<Box<str>>,
    verifiers: Vec<(Algorithm, Box<dyn JwsVerifier>)>,
}

impl VerificationKey {
    /// A key for one algorithm, or, without one, for all that its type can do.
    ///
    /// # Errors
    /// The algorithm doesn't go with the key, or the `kid` is empty or longer than 256 characters.
    pub fn new(kid: Option<&str>, algorithm: Option<Algorithm>, key: &PublicKey) -> Result<Self, JwkError> {
        if kid.is_some_and(|kid| kid.is_empty() || kid.len() > 256) {
            return Err(JwkError::KidSize);
        }
        if let Some(algorithm) = algorithm
            && !key.algorithms().contains(&algorithm)
        {
            return Err(JwkError::AlgorithmMismatch(algorithm));
        }
        let verifiers = key
            .algorithms()
            .iter()
            .copied()
            .filter(|usable| algorithm.is_none_or(|algorithm| algorithm == *usable))
            .map(|usable| Ok((usable, key.verifier(usable)?)))
            .collect::<Result<_, JwkError>>()?;
        Ok(Self { kid: kid.map(Into::into), verifiers })
    }

    /// The key's name, if it has one.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The algorithms that it verifies.
    pub fn algorithms(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.verifiers.iter().map(|(algorithm, _)| *algorithm)
    }

    fn verifier(&self, algorithm: Algorithm) -> Option<&dyn JwsVerifier> {
        self.verifiers.iter().find(|(usable, _)| *usable == algorithm).map(|(_, verifier)| verifier.as_ref())
    }
}

impl TryFrom<&PublicJwk> for VerificationKey {
    type Error = JwkError;

    fn try_from(jwk: &PublicJwk) -> Result<Self, JwkError> {
        Self::new(Some(jwk.kid().as_str()), Some(jwk.algorithm()), jwk.key())
    }
}

impl std::fmt::Debug for VerificationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerificationKey")
            .field("kid", &self.kid)
            .field("algorithms", &self.algorithms().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// A token whose signature is good. Its claims are still to be checked.
#[derive(Debug, Clone)]
pub struct VerifiedJws {
    header: JwsHeader,
    algorithm: ClientAlgorithm,
    payload: Vec<u8>,
}

impl VerifiedJws {
    pub(crate) fn new(header: JwsHeader, algorithm: ClientAlgorithm, payload: Vec<u8>) -> Self {
        Self { header, algorithm, payload }
    }

    /// The header.
    pub fn header(&self) -> &JwsHeader {
        &self.header
    }

    /// The algorithm of the signature.
    pub fn algorithm(&self) -> ClientAlgorithm {
        self.algorithm
    }

    /// The bytes that were signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The claims as a type; a member that the type knows may not stand there twice.
    ///
    /// # Errors
    /// [`VerifyError::Claims`].
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, VerifyError> {
        serde_json::from_slice(&self.payload).map_err(|_| VerifyError::Claims)
    }

    /// The claims as a JSON object.
    ///
    /// # Errors
    /// [`VerifyError::Claims`].
    pub fn claims_object(&self) -> Result<Map<String, Value>, VerifyError> {
        self.claims()
    }
}

/// Verifies a JWS in compact form (RFC 7515 §5.2) with the key that its `kid` names.
///
/// A token without `kid` is accepted if exactly one key is for its algorithm. A key without `kid` (a client may
/// register one) serves a token whose `kid` no other key has, under the same condition.
///
/// # Errors
/// The first check that fails; see [`VerifyError`].
pub fn verify_jws(
    token: &str,
    keys: &[VerificationKey],
    policy: impl Into<VerificationPolicy>,
) -> Result<VerifiedJws, VerifyError> {
    let policy = policy.into();
    let parts = CompactParts::split(token)?;
    let header = parts.header()?;
    let algorithm = policy.algorithm(&header.alg)?;
    policy.check_type(header.typ.as_deref())?;
    let verifier = select(keys, header.kid.as_deref(), algorithm)?;
    let signature = parts.signature()?;
    verifier.verify(parts.signed(), &signature).map_err(|_| VerifyError::Signature)?;
    Ok(VerifiedJws::new(header, algorithm.into(), parts.payload()?))
}

/// The one key that may verify the token.
fn select<'k>(
    keys: &'k [VerificationKey],
    kid: Option<&str>,
    algorithm: Algorithm,
) -> Result<&'k dyn JwsVerifier, VerifyError> {
    if let Some(kid) = kid
        && keys.iter().any(|key| key.kid() == Some(kid))
    {
        let mut named = keys.iter().filter(|key| key.kid() == Some(kid));
        // Two keys of one name may differ in type (RFC 7517 §4.5); the algorithm tells them apart.
        return named.find_map(|key| key.verifier(algorithm)).ok_or(VerifyError::NoKey(algorithm));
    }
    let mut fitting =
        keys.iter().filter(|key| kid.is_none() || key.kid().is_none()).filter_map(|key| key.verifier(algorithm));
    match (fitting.next(), fitting.next(), kid) {
        (Some(verifier), None, _) => Ok(verifier),
        (Some(_), Some(_), _) => Err(VerifyError::AmbiguousKey(algorithm)),
        (None, _, Some(kid)) => Err(VerifyError::UnknownKid(kid.to_owned())),
        (None, _, None) => Err(VerifyError::NoKey(algorithm)),
    }
}

/// The parts of a compact JWS, still encoded.
pub(crate) struct CompactParts<'t> {
    header: &'t str,
    payload: &'t str,
    signature: &'t str,
    /// Header, dot, payload: what the signature is over.
    signed: &'t str,
}

impl<'t> CompactParts<'t> {
    pub(crate) fn split(token: &'t str) -> Result<Self, VerifyError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(VerifyError::TooLong);
        }
        let shape_error = || match token.bytes().filter(|byte| *byte == b'.').count() {
            4 => VerifyError::Encrypted,
            _ => VerifyError::NotCompact,
        };
        let (signed, signature) = token.rsplit_once('.').ok_or_else(shape_error)?;
        let (header, payload) = signed.split_once('.').ok_or_else(shape_error)?;
        if payload.contains('.') {
            return Err(shape_error());
        }
        Ok(Self { header, payload, signature, signed })
    }

    pub(crate) fn signed(&self) -> &'t [u8] {
        self.signed.as_bytes()
    }

    pub(crate) fn header_json(&self) -> Result<Vec<u8>, HeaderError> {
        from_base64url(self.header).ok_or(HeaderError::NotBase64url)
    }

    pub(crate) fn header(&self) -> Result<JwsHeader, HeaderError> {
        JwsHeader::from_json(&self.header_json()?)
    }

    pub(crate) fn payload(&self) -> Result<Vec<u8>, VerifyError> {
        from_base64url(self.payload).ok_or(VerifyError::Payload)
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, VerifyError> {
        from_base64url(self.signature).ok_or(VerifyError::SignatureEncoding)
    }
}
