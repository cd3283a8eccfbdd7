//! What a registration may say: the rules between its fields, and the form of its addresses.
//!
//! Pure: whether an address can be fetched, and what a sector document says, is for the service.

use std::collections::BTreeSet;
use std::time::Duration;

use keys::{ClientAlgorithm, ForeignJwks};
use thiserror::Error;
use url::{Position, Url};

use super::{ClientAuthMethod, ClientMetadata, ClientProfile, GrantType, SubjectType};
use crate::domain::redirect_uri::RedirectUri;

/// The most addresses of request objects.
const MAX_REQUEST_URIS: usize = 50;
/// The longest address of a request object, in characters (RFC 9101 §5.2).
const MAX_REQUEST_URI: usize = 512;
/// The longest `default_max_age`, in seconds: a year.
const MAX_DEFAULT_MAX_AGE: u64 = 31_536_000;

/// A registration that can't work. Each names the field at fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientMetadataError {
    /// No grant type.
    #[error("grant_types must name at least one grant type")]
    NoGrant,
    /// The code flow without an address to answer to.
    #[error("redirect_uris must have at least one address for grant type authorization_code")]
    NoRedirectUri,
    /// RFC 6749 §4.4: only confidential clients.
    #[error("grant type client_credentials needs a token_endpoint_auth_method other than none")]
    PublicService,
    /// RFC 9700 §2.4: nobody's password in a client's hands.
    #[error("grant type password needs profile compat")]
    Password,
    /// `private_key_jwt` without a key.
    #[error("token_endpoint_auth_method private_key_jwt needs jwks or jwks_uri")]
    NoKeys,
    /// RFC 7591 §2: one of the two.
    #[error("jwks_uri: must not be given beside jwks; give one of the two")]
    KeysTwice,
    /// A key that can't be used.
    #[error("jwks: {0}")]
    Jwks(String),
    /// Another kind of algorithm than the method's.
    #[error("token_endpoint_auth_signing_alg {0} doesn't go with token_endpoint_auth_method {method}", method = .1.as_str())]
    AssertionAlgorithm(ClientAlgorithm, ClientAuthMethod),
    /// An algorithm that the client has no key for.
    #[error("request_object_signing_alg {0} needs {1}")]
    RequestObjectAlgorithm(ClientAlgorithm, &'static str),
    /// Request objects required from a client that can sign none.
    #[error("require_signed_request_object needs jwks or jwks_uri, or request_object_signing_alg HS256")]
    NoRequestObjectKey,
    /// A life that is too short or too long.
    #[error("access_token_lifetime must be 10 to 86400 seconds")]
    Lifetime,
    /// An address that isn't a web address.
    #[error("{0} is not a web address")]
    Uri(String),
    /// An address that can't be fetched from.
    #[error("{0} must be an https URL with a host and without user name{1}")]
    FetchedUri(&'static str, &'static str),
    /// Too many or too long addresses of request objects.
    #[error("request_uris may have 50 addresses of 512 characters each")]
    RequestUris,
    /// OpenID Connect Core §4.
    #[error("initiate_login_uri must be an https URL")]
    InitiateLoginUri,
    /// OpenID Connect Front-Channel Logout §2: a frame of the client's own.
    #[error("frontchannel_logout_uri must have scheme, host and port of one of redirect_uris")]
    FrontchannelLogoutUri,
    /// OpenID Connect Core §8.1: the sector of several hosts must be said.
    #[error("subject_type pairwise with redirect_uris on several hosts needs sector_identifier_uri")]
    SeveralHosts,
    /// Longer than a year.
    #[error("default_max_age must be at most 31536000 seconds")]
    DefaultMaxAge,
}

use ClientMetadataError as Error;

impl ClientMetadata {
    /// Checks what one field can't know of another, and what its type lets pass.
    pub fn validate(&self) -> Result<(), ClientMetadataError> {
        let method = self.token_endpoint_auth_method;
        if self.grant_types.is_empty() {
            return Err(Error::NoGrant);
        }
        if self.grant_types.contains(&GrantType::AuthorizationCode) && self.redirect_uris.is_empty() {
            return Err(Error::NoRedirectUri);
        }
        if self.grant_types.contains(&GrantType::ClientCredentials) && method == ClientAuthMethod::None {
            return Err(Error::PublicService);
        }
        if self.grant_types.contains(&GrantType::Password) && self.profile != ClientProfile::Compat {
            return Err(Error::Password);
        }
        if self.access_token_lifetime.is_some_and(|seconds| {
            seconds < 10 || Duration::from_secs(u64::from(seconds)) > Self::LONGEST_ACCESS_TOKEN_LIFETIME
        }) {
            return Err(Error::Lifetime);
        }
        self.validate_keys()?;
        self.validate_addresses()?;
        if self.subject_type == SubjectType::Pairwise && self.sector_identifier_uri.is_none() && self.hosts().len() > 1
        {
            return Err(Error::SeveralHosts);
        }
        if self.default_max_age.is_some_and(|seconds| seconds > MAX_DEFAULT_MAX_AGE) {
            return Err(Error::DefaultMaxAge);
        }
        Ok(())
    }

    fn validate_keys(&self) -> Result<(), ClientMetadataError> {
        let method = self.token_endpoint_auth_method;
        let has_keys = self.jwks.is_some() || self.jwks_uri.is_some();
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(Error::KeysTwice);
        }
        if method == ClientAuthMethod::PrivateKeyJwt && !has_keys {
            return Err(Error::NoKeys);
        }
        if let Some(jwks) = &self.jwks {
            let json = serde_json::to_vec(jwks).unwrap_or_default();
            ForeignJwks::from_registration(&json).map_err(|error| Error::Jwks(error.to_string()))?;
        }
        // Without an assertion the algorithm says nothing, and libraries like to send it.
        if let Some(algorithm) = self.token_endpoint_auth_signing_alg
            && method.is_assertion()
            && algorithm.pair().is_some() != (method == ClientAuthMethod::PrivateKeyJwt)
        {
            return Err(Error::AssertionAlgorithm(algorithm, method));
        }
        match self.request_object_signing_alg {
            Some(algorithm @ ClientAlgorithm::Hs256) if !method.uses_secret() => {
                Err(Error::RequestObjectAlgorithm(algorithm, "a token_endpoint_auth_method with a secret"))
            }
            Some(algorithm @ ClientAlgorithm::Pair(_)) if !has_keys => {
                Err(Error::RequestObjectAlgorithm(algorithm, "jwks or jwks_uri"))
            }
            None if self.require_signed_request_object && !has_keys => Err(Error::NoRequestObjectKey),
            _ => Ok(()),
        }
    }

    fn validate_addresses(&self) -> Result<(), ClientMetadataError> {
        for uri in [&self.client_uri, &self.logo_uri, &self.policy_uri, &self.tos_uri].into_iter().flatten() {
            let web = Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
            if !web || uri.len() > RedirectUri::MAX_LENGTH {
                return Err(Error::Uri(uri.chars().take(100).collect()));
            }
        }
        for (name, uri) in [
            ("jwks_uri", &self.jwks_uri),
            ("sector_identifier_uri", &self.sector_identifier_uri),
            ("backchannel_logout_uri", &self.backchannel_logout_uri),
        ] {
            if uri.as_ref().is_some_and(|uri| !can_be_fetched(uri) || uri.contains('#')) {
                return Err(Error::FetchedUri(name, " and fragment"));
            }
        }
        let long = |uri: &String| uri.len() > MAX_REQUEST_URI;
        if self.request_uris.len() > MAX_REQUEST_URIS || self.request_uris.iter().any(long) {
            return Err(Error::RequestUris);
        }
        if !self.request_uris.iter().all(|uri| can_be_fetched(uri)) {
            return Err(Error::FetchedUri("request_uris", ""));
        }
        if let Some(uri) = &self.frontchannel_logout_uri
            && !(uri.host().is_some() && self.redirect_uris.iter().any(|own| own.origin() == uri.origin()))
        {
            return Err(Error::FrontchannelLogoutUri);
        }
        match &self.initiate_login_uri {
            Some(uri) if !can_be_fetched(uri) || !uri.starts_with("https:") => Err(Error::InitiateLoginUri),
            _ => Ok(()),
        }
    }

    /// The hosts that its users are sent back to.
    fn hosts(&self) -> BTreeSet<String> {
        let urls = self.redirect_uris.iter().filter_map(|uri| Url::parse(uri.as_str()).ok());
        urls.map(|url| url[Position::BeforeHost..Position::AfterHost].to_owned()).collect()
    }
}

/// Whether it has the form of an address to fetch from. Plain http has it as well: the operator can allow it for a
/// network.
fn can_be_fetched(uri: &str) -> bool {
    let fetched = |url: Url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
    };
    uri.len() <= RedirectUri::MAX_LENGTH
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
        && Url::parse(uri).is_ok_and(fetched)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::*;

    fn registered(members: &serde_json::Value) -> Result<(), ClientMetadataError> {
        let mut document = json!({
            "redirect_uris": ["https://app.example/cb"], "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "client_secret_basic",
        });
        for (name, value) in members.as_object().unwrap() {
            document[name] = value.clone();
        }
        serde_json::from_value::<ClientMetadata>(document).unwrap().validate()
    }

    fn key() -> serde_json::Value {
        json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] })
    }

    const KEYS: &str = "https://app.example/keys";

    #[test]
    fn registrations_that_work() {
        for members in [
            json!({}),
            json!({ "jwks": key() }),
            json!({ "jwks_uri": KEYS }),
            json!({ "token_endpoint_auth_method": "none", "jwks": key() }),
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": KEYS }),
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key(),
                "token_endpoint_auth_signing_alg": "EdDSA", "request_object_signing_alg": "EdDSA" }),
            json!({ "token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256" }),
            json!({ "token_endpoint_auth_signing_alg": "RS256" }),
            json!({ "request_object_signing_alg": "HS256", "require_signed_request_object": true }),
            json!({ "require_signed_request_object": true, "jwks_uri": KEYS }),
            json!({ "request_uris": ["https://app.example/r#hash", "https://app.example/r?x=y"] }),
            json!({ "initiate_login_uri": "https://app.example/login" }),
            json!({ "post_logout_redirect_uris": ["https://app.example/bye", "com.example.app:/bye"] }),
            json!({ "frontchannel_logout_uri": "https://app.example/end?x=y", "frontchannel_logout_session_required": true }),
            json!({ "backchannel_logout_uri": "https://back.example/end", "backchannel_logout_session_required": true }),
            json!({ "subject_type": "pairwise", "redirect_uris": ["https://a.example/1", "https://a.example:8/2"] }),
            json!({ "subject_type": "pairwise", "redirect_uris": ["https://a.example/1", "https://b.example/2"],
                "sector_identifier_uri": "https://a.example/sector" }),
            json!({ "default_max_age": 0 }),
            json!({ "grant_types": ["password"], "profile": "compat" }),
        ] {
            assert_eq!(registered(&members), Ok(()), "{members}");
        }
    }

    #[test]
    fn registrations_that_do_not_name_the_field_at_fault() {
        let many: Vec<String> = (0..51).map(|number| format!("https://app.example/{number}")).collect();
        for (members, start) in [
            (json!({ "grant_types": [] }), "grant_types"),
            (json!({ "redirect_uris": [] }), "redirect_uris"),
            (json!({ "grant_types": ["password"] }), "grant type password needs profile compat"),
            (json!({ "jwks": key(), "jwks_uri": KEYS }), "jwks_uri: must not be given beside jwks"),
            (json!({ "jwks": { "keys": [{ "kty": "oct", "k": "AAAA" }] } }), "jwks: "),
            (json!({ "token_endpoint_auth_method": "private_key_jwt" }), "token_endpoint_auth_method"),
            (
                json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": key(),
                    "token_endpoint_auth_signing_alg": "HS256" }),
                "token_endpoint_auth_signing_alg HS256",
            ),
            (
                json!({ "token_endpoint_auth_method": "client_secret_jwt", "jwks": key(),
                    "token_endpoint_auth_signing_alg": "EdDSA" }),
                "token_endpoint_auth_signing_alg EdDSA",
            ),
            (json!({ "request_object_signing_alg": "RS256" }), "request_object_signing_alg RS256 needs jwks"),
            (
                json!({ "request_object_signing_alg": "HS256", "token_endpoint_auth_method": "none" }),
                "request_object_signing_alg HS256 needs a",
            ),
            (json!({ "require_signed_request_object": true }), "require_signed_request_object"),
            (json!({ "jwks_uri": "https://app.example/keys#x" }), "jwks_uri"),
            (json!({ "jwks_uri": "https://user@app.example/keys" }), "jwks_uri"),
            (json!({ "jwks_uri": "ftp://app.example/keys" }), "jwks_uri"),
            (json!({ "jwks_uri": "keys" }), "jwks_uri"),
            (json!({ "jwks_uri": "https://app.example/ keys" }), "jwks_uri"),
            (json!({ "jwks_uri": format!("{KEYS}{}", "x".repeat(2000)) }), "jwks_uri"),
            (json!({ "sector_identifier_uri": "data:,[]" }), "sector_identifier_uri"),
            (json!({ "frontchannel_logout_uri": "https://app.example:8443/end" }), "frontchannel_logout_uri"),
            (json!({ "frontchannel_logout_uri": "https://app.example.evil.example/end" }), "frontchannel_logout_uri"),
            (
                json!({ "redirect_uris": ["com.example.app:/cb"], "frontchannel_logout_uri": "com.example.app:/end" }),
                "frontchannel_logout_uri",
            ),
            (json!({ "backchannel_logout_uri": "https://back.example/end#x" }), "backchannel_logout_uri"),
            (json!({ "backchannel_logout_uri": "https://u:p@back.example/end" }), "backchannel_logout_uri"),
            (json!({ "backchannel_logout_uri": "/end" }), "backchannel_logout_uri"),
            (json!({ "request_uris": ["https://app.example/r", "urn:x"] }), "request_uris"),
            (json!({ "request_uris": [format!("https://app.example/{}", "x".repeat(493))] }), "request_uris"),
            (json!({ "request_uris": many }), "request_uris"),
            (json!({ "initiate_login_uri": "http://app.example/login" }), "initiate_login_uri"),
            (json!({ "initiate_login_uri": "app.example" }), "initiate_login_uri"),
            (
                json!({ "subject_type": "pairwise", "redirect_uris": ["https://a.example/1", "https://b.example/2"] }),
                "subject_type pairwise",
            ),
            (json!({ "default_max_age": 31_536_001 }), "default_max_age"),
            (json!({ "access_token_lifetime": 9 }), "access_token_lifetime"),
        ] {
            let error = registered(&members).unwrap_err().to_string();
            assert!(error.starts_with(start), "{members}: {error}");
        }
    }
}
