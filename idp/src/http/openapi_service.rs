//! The OpenAPI service: everything that programs call, and its document.

use poem::Request;
use poem_openapi::{OpenApi, OpenApiService, Tags};

use super::error::oauth::OAuthError;
use super::extract::described::Described;
use super::extract::oauth_form::{OAuthForm, OptionalForm};
use super::extract::visit::Call;
use super::oidc::discovery::DocumentAnswers;
use super::oidc::introspect::{IntrospectionAnswers, TokenQuery};
use super::oidc::revoke::RevocationAnswers;
use super::oidc::token::{TokenAnswers, TokenRequest};
use super::oidc::userinfo::{PostedUserinfoAnswers, UserinfoAnswers, UserinfoRequest};
use super::oidc::{discovery, introspect, jwks, revoke, token, userinfo};
use super::ready::Ready;
use super::{admin, first_party, rate_limit};

/// How endpoints are grouped in the document.
#[derive(Tags)]
enum Group {
    /// OpenID Connect Discovery, RFC 8414, RFC 7517.
    Metadata,
    /// RFC 6749.
    Tokens,
    /// OpenID Connect Core §5.3.
    Userinfo,
}

/// What programs call.
pub(super) struct Api;

#[OpenApi]
impl Api {
    /// Provider metadata (OpenID Connect Discovery)
    #[oai(path = "/.well-known/openid-configuration", method = "get", tag = "Group::Metadata")]
    async fn openid_configuration(&self, call: Call, request: &Request) -> Described<DocumentAnswers> {
        Described::new(Ok(discovery::document(&call.site).answer(request.headers())))
    }

    /// Authorization server metadata (RFC 8414)
    #[oai(path = "/.well-known/oauth-authorization-server", method = "get", tag = "Group::Metadata")]
    async fn oauth_authorization_server(&self, call: Call, request: &Request) -> Described<DocumentAnswers> {
        Described::new(Ok(discovery::document(&call.site).answer(request.headers())))
    }

    /// Public keys
    #[oai(path = "/jwks", method = "get", tag = "Group::Metadata")]
    async fn jwks(&self, call: Call, request: &Request) -> Described<DocumentAnswers> {
        Described::new(jwks_of(&call, request).await)
    }

    /// Public keys, at the address of old
    #[oai(path = "/.well-known/jwks.json", method = "get", tag = "Group::Metadata")]
    async fn well_known_jwks(&self, call: Call, request: &Request) -> Described<DocumentAnswers> {
        Described::new(jwks_of(&call, request).await)
    }

    /// Tokens for a code, or for the client itself
    #[oai(path = "/token", method = "post", tag = "Group::Tokens")]
    async fn token(&self, call: Call, request: &Request, form: OAuthForm<TokenRequest>) -> Described<TokenAnswers> {
        Described::new(token::answer(&call, request.headers(), &form.parameters).await)
    }

    /// A token for the client itself, at the address of old
    #[oai(path = "/v1/auth/m2m/token", method = "post", tag = "Group::Tokens")]
    async fn m2m_token(&self, call: Call, request: &Request, form: OAuthForm<TokenRequest>) -> Described<TokenAnswers> {
        Described::new(first_party::m2m_token::answer(&call, request.headers(), &form.parameters).await)
    }

    /// What a token is worth now (RFC 7662)
    #[oai(path = "/introspect", method = "post", tag = "Group::Tokens")]
    async fn introspect(
        &self,
        call: Call,
        request: &Request,
        form: OAuthForm<TokenQuery>,
    ) -> Described<IntrospectionAnswers> {
        Described::new(introspect::answer(&call, request.headers(), &form.parameters).await)
    }

    /// Give a token back (RFC 7009)
    #[oai(path = "/revoke", method = "post", tag = "Group::Tokens")]
    async fn revoke(&self, call: Call, request: &Request, form: OAuthForm<TokenQuery>) -> Described<RevocationAnswers> {
        Described::new(revoke::answer(&call, request.headers(), &form.parameters).await)
    }

    /// Claims of the user
    #[oai(path = "/userinfo", method = "get", tag = "Group::Userinfo")]
    async fn userinfo(&self, call: Call, request: &Request) -> Described<UserinfoAnswers> {
        Described::new(
            userinfo::answer(&call.ctx, call.tenant(), || call.caller.clone(), request.headers(), None).await,
        )
    }

    /// Claims of the user, the access token perhaps in the form
    #[oai(path = "/userinfo", method = "post", tag = "Group::Userinfo")]
    async fn userinfo_by_post(
        &self,
        call: Call,
        request: &Request,
        form: OptionalForm<UserinfoRequest>,
    ) -> Described<PostedUserinfoAnswers> {
        Described::new(userinfo::by_post(&call, request.headers(), form).await)
    }
}

async fn jwks_of(call: &Call, request: &Request) -> Result<Ready, OAuthError> {
    Ok(jwks::document(&call.ctx, &call.site).await?.answer(request.headers()))
}

/// The service: all that programs call.
pub(super) fn service() -> OpenApiService<impl OpenApi, ()> {
    let apis = (
        Api,
        admin::Users,
        admin::Clients,
        admin::Keys,
        admin::Consents,
        admin::Audit,
        admin::Events,
        admin::Webhooks,
        admin::Sessions,
        admin::LogoutTokens,
        first_party::FirstParty,
        first_party::Watching,
    );
    OpenApiService::new(apis, "Signet", env!("CARGO_PKG_VERSION"))
        .description("OpenID Connect provider. Addresses are below the issuer's: a tenant's begin with /t/{slug}.")
}

/// The OpenAPI document, as it is checked in.
///
/// # Errors
/// The document isn't JSON, which would be a defect.
pub fn openapi_document() -> Result<String, serde_json::Error> {
    openapi::document::render_with(&service(), rate_limit::describe)
}
