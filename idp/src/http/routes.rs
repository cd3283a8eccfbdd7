//! Every address, in one place.
//!
//! What programs call is an OpenAPI service, so that its document is made from the code that answers; what people see
//! are plain routes. All of it exists once: the gate in [`tenant_gate`](super::tenant_gate) has found the tenant before.

use poem::endpoint::make_sync;
use poem::error::MethodNotAllowedError;
use poem::http::{HeaderValue, header};
use poem::web::Path;
use poem::{Endpoint, EndpointExt, IntoEndpoint, IntoResponse, Request, Response, Route, get, handler, post};

use super::cross_origin::CrossOrigin;
use super::error::fallback;
use super::extract::visit::{Call, Visit};
use super::hot::Hot;
use super::oidc::{authorize, check_session, consent, login, logout, select_account, signup, step};
use super::openapi_service::{openapi_document, service};
use super::page_context;
use super::pages::{Message, MessagePage, Person, assets};
use super::rate_limit::RateLimited;
use super::site::Tenants;
use super::tenant_gate::TenantGate;
use super::{account, health, reference};
use super::{matched_route, methods};
use crate::http::error::page;
use crate::route::Audience;
use crate::service::authorize::AuthorizeError;
use crate::service::ctx::Ctx;

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
        let route = matched_route::ensure(&mut request);
        if let Some(answer) = methods::preflight(route, &request) {
            return Ok(answer);
        }
        // Made before the request is given away, and only where a browser asks: others get a problem.
        let page = page_context::wants_page(&request).then(|| page_context::of(&request));
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
