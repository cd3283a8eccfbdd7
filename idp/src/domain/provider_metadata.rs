//! Provider metadata (OpenID Connect Discovery §3, RFC 8414 §2). What it names works; what it doesn't name is refused.

use keys::{Algorithm, ClientAlgorithm, Purpose};
use serde::Serialize;

use super::acr::Acr;
use super::authorization_request::Prompt;
use super::authorization_response::ResponseMode;
use super::claims;
use super::client::{ClientAuthMethod, GrantType, SubjectType};
use super::scope::OFFLINE_ACCESS;
use super::tenant::{Issuer, Tenant};

/// The metadata document of one issuer.
#[expect(clippy::struct_excessive_bools, reason = "the specification has that many")]
#[derive(Clone, Debug, Serialize)]
pub struct ProviderMetadata {
    issuer: Issuer,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: String,
    introspection_endpoint: String,
    revocation_endpoint: String,
    jwks_uri: String,
    end_session_endpoint: String,
    check_session_iframe: String,
    scopes_supported: [&'static str; 6],
    response_types_supported: [&'static str; 1],
    response_modes_supported: [&'static str; 2],
    grant_types_supported: Vec<&'static str>,
    acr_values_supported: Vec<&'static str>,
    subject_types_supported: Vec<&'static str>,
    id_token_signing_alg_values_supported: Vec<&'static str>,
    userinfo_signing_alg_values_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: Vec<&'static str>,
    token_endpoint_auth_signing_alg_values_supported: [&'static str; 6],
    introspection_endpoint_auth_methods_supported: Vec<&'static str>,
    introspection_endpoint_auth_signing_alg_values_supported: [&'static str; 6],
    introspection_signing_alg_values_supported: [&'static str; 1],
    revocation_endpoint_auth_methods_supported: Vec<&'static str>,
    revocation_endpoint_auth_signing_alg_values_supported: [&'static str; 6],
    code_challenge_methods_supported: [&'static str; 1],
    prompt_values_supported: &'static [&'static str],
    claims_supported: Vec<&'static str>,
    claim_types_supported: [&'static str; 1],
    ui_locales_supported: Vec<&'static str>,
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    request_uri_parameter_supported: bool,
    require_request_uri_registration: bool,
    request_object_signing_alg_values_supported: [&'static str; 6],
    authorization_response_iss_parameter_supported: bool,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
}

/// The scopes that are known by name.
pub const SCOPES: [&str; 6] = ["openid", "profile", "email", "address", "phone", OFFLINE_ACCESS];

impl ProviderMetadata {
    /// The document of this tenant; `ui_locales` are the languages that the pages have.
    pub fn new(tenant: &Tenant, ui_locales: Vec<&'static str>) -> Self {
        let issuer = &tenant.issuer;
        let confidential = ClientAuthMethod::ALL.iter().filter(|method| **method != ClientAuthMethod::None);
        Self {
            issuer: issuer.clone(),
            authorization_endpoint: format!("{issuer}/authorize"),
            token_endpoint: format!("{issuer}/token"),
            userinfo_endpoint: format!("{issuer}/userinfo"),
            introspection_endpoint: format!("{issuer}/introspect"),
            revocation_endpoint: format!("{issuer}/revoke"),
            jwks_uri: format!("{issuer}/jwks"),
            end_session_endpoint: format!("{issuer}/logout"),
            check_session_iframe: format!("{issuer}/check-session"),
            scopes_supported: SCOPES,
            response_types_supported: ["code"],
            response_modes_supported: ResponseMode::ALL,
            grant_types_supported: GrantType::ALL.iter().map(|grant| grant.as_str()).collect(),
            acr_values_supported: Acr::SUPPORTED.to_vec(),
            subject_types_supported: SubjectType::ALL.iter().map(|subject| subject.as_str()).collect(),
            id_token_signing_alg_values_supported: Purpose::IdToken.algorithms().iter().map(|alg| alg.name()).collect(),
            userinfo_signing_alg_values_supported: Algorithm::ALL.iter().map(|alg| alg.name()).collect(),
            token_endpoint_auth_methods_supported: ClientAuthMethod::ALL.iter().map(|method| method.as_str()).collect(),
            token_endpoint_auth_signing_alg_values_supported: ClientAlgorithm::ALL.map(ClientAlgorithm::name),
            introspection_endpoint_auth_methods_supported: confidential.map(|method| method.as_str()).collect(),
            introspection_endpoint_auth_signing_alg_values_supported: ClientAlgorithm::ALL.map(ClientAlgorithm::name),
            introspection_signing_alg_values_supported: [Algorithm::Rs256.name()],
            revocation_endpoint_auth_methods_supported: ClientAuthMethod::ALL.iter().map(|m| m.as_str()).collect(),
            revocation_endpoint_auth_signing_alg_values_supported: ClientAlgorithm::ALL.map(ClientAlgorithm::name),
            code_challenge_methods_supported: ["S256"],
            prompt_values_supported: Prompt::supported(tenant.settings.sign_up),
            claims_supported: claims::supported(),
            claim_types_supported: ["normal"],
            ui_locales_supported: ui_locales,
            claims_parameter_supported: true,
            request_parameter_supported: true,
            request_uri_parameter_supported: true,
            require_request_uri_registration: true,
            request_object_signing_alg_values_supported: ClientAlgorithm::ALL.map(ClientAlgorithm::name),
            authorization_response_iss_parameter_supported: true,
            frontchannel_logout_supported: true,
            frontchannel_logout_session_supported: true,
            backchannel_logout_supported: true,
            backchannel_logout_session_supported: true,
        }
    }
}
