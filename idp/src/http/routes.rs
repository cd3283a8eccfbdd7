//! Every address, in one place.
//!
//! What programs call is an OpenAPI service, so that its document is made from the code that answers; what people see
//! are plain routes. All of it exists once: the gate in [`site`](super::site) has found the tenant before.

use poem::endpoint::make_sync;
use poem::error::MethodNotAllowedError;
use poem::http::{HeaderValue, header};
use poem::web::Path;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route, get, handler, post};
use poem_openapi::{OpenApi, OpenApiService, Tags};

use super::cross_origin::CrossOrigin;
use super::error::fallback;
use super::error::oauth::OAuthError;
use super::extract::described::Described;
use super::extract::oauth_form::{OAuthForm, OptionalForm};
use super::extract::visit::{Call, Visit};
use super::hot::Hot;
use super::oidc::discovery::DocumentAnswers;
use super::oidc::introspect::{IntrospectionAnswers, TokenQuery};
use super::oidc::revoke::RevocationAnswers;
use super::oidc::token::{TokenAnswers, TokenRequest};
use super::oidc::userinfo::{PostedUserinfoAnswers, UserinfoAnswers, UserinfoRequest};
use super::oidc::{
    authorize, check_session, consent, discovery, introspect, jwks, login, logout, revoke, select_account, signup,
    step, token, userinfo,
};
use super::pages::{Message, MessagePage, Person, assets};
use super::rate_limit::{self, RateLimited};
use super::ready::Ready;
use super::site::{TenantGate, Tenants};
use super::{account, admin, first_party, health, reference};
use super::{matched_route, methods};
use crate::http::error::page;
use crate::route::Audience;
use crate::service::authorize::AuthorizeError;
use crate::service::ctx::Ctx;

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
struct Api;

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

/// All that programs call.
type Apis = (
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

fn service() -> OpenApiService<Apis, ()> {
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

/// All of it.
pub fn routes(ctx: Ctx) -> Hot<impl Endpoint<Output = Response>> {
    let document = openapi_document().unwrap_or_default();
    let document = make_sync(move |_| Response::builder().content_type("application/json").body(document.clone()));
    let shared = Route::new()
        .at("/health", get(health::ready))
        .at("/health/live", get(health::live))
        .at("/health/ready", get(health::ready))
        // For the default tenant without a look at the tenant, which the database may not be there for.
        .at("/v1/auth/health", get(health::ready))
        .at("/assets/:file", get(asset))
        .at("/openapi.json", get(document));
    let tenant = Fork { first_for: Audience::Page, first: account::add_to(pages()), second: service().into_endpoint() };
    let tenants = Tenants::default();
    let gate =
        TenantGate::new(ctx.clone(), tenants.clone(), RateLimited::new(ctx.clone(), CrossOrigin(Answering(tenant))));
    let rest = Answering(Fork { first_for: Audience::Shared, first: shared, second: gate }.data(ctx.clone()));
    Hot { ctx, tenants, rest }
}

/// The pages of a tenant except the account console.
fn pages() -> Route {
    Route::new()
        .at("/", get(landing))
        .at("/authorize", get(authorize::get).post(authorize::post))
        .at("/login", get(login::get).post(login::post))
        .at("/signup", get(signup::get).post(signup::post))
        .at("/select-account", get(select_account::get).post(select_account::post))
        .at("/consent", get(consent::get).post(consent::post))
        .at("/logout", get(logout::get).post(logout::post))
        .at("/logout/confirm", post(logout::confirm))
        .at("/logout/done", get(logout::done))
        .at("/check-session", get(check_session::get))
        .at("/docs", get(reference::page))
        .at("/brand.:rest", get(brand))
}

/// Two sets of addresses. Decided against nesting one route in the other: a nested root hides the outer one's, and
/// costs each request a second search.
struct Fork<A, B> {
    first_for: Audience,
    first: A,
    second: B,
}

impl<A: Endpoint, B: Endpoint> Endpoint for Fork<A, B> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        if matched_route::of(&request).audience == self.first_for {
            self.first.call(request).await.map(IntoResponse::into_response)
        } else {
            self.second.call(request).await.map(IntoResponse::into_response)
        }
    }
}

/// Where somebody lands who just types the address in: who is signed in, or what this is.
#[handler]
async fn landing(visit: Visit, request: &Request) -> Response {
    let message = match signed_in(&visit, request).await {
        Ok(Some(person)) => Message::SignedIn(person),
        Ok(None) => Message::Landing,
        Err(error) => return page::authorize(&error, &visit.page),
    };
    visit.remember_language(MessagePage::new(message).render(&visit.page))
}

async fn signed_in(visit: &Visit, request: &Request) -> Result<Option<Person>, AuthorizeError> {
    match step::accounts(visit, request).await?.sessions().next() {
        Some(session) => step::person(visit, session).await.map(Some),
        None => Ok(None),
    }
}

/// Stylesheet, script and icon of the pages.
#[handler]
fn asset(Path(file): Path<String>, request: &Request) -> Response {
    assets::serve(&file, if_none_match(request))
}

/// The tenant's colours.
#[handler]
fn brand(call: Call, request: &Request) -> Response {
    let file = request.uri().path().trim_start_matches('/');
    let Call { site, .. } = call;
    site.brand.serve(file, if_none_match(request))
}

fn if_none_match(request: &Request) -> Option<&str> {
    request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok())
}

/// Turns what the framework refuses (no such address, no such method, a panic's 500) into answers of ours, and keeps
/// browsers from guessing at what an answer is.
struct Answering<E>(E);

impl<E: Endpoint> Endpoint for Answering<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let route = matched_route::record(&mut request);
        if let Some(answer) = methods::preflight(route, &request) {
            return Ok(answer);
        }
        // Made before the request is given away, and only where a browser asks: others get a problem.
        let page = fallback::wants_page(&request).then(|| fallback::context(&request));
        let answered = if methods::refuses(route, request.method()) {
            Err(MethodNotAllowedError.into())
        } else {
            self.0.call(request).await
        };
        let response = match answered {
            Ok(output) => output.into_response(),
            Err(error) => fallback::framework(error, page.as_ref()),
        };
        let mut response = methods::complete(route, response);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        Ok(response)
    }
}
