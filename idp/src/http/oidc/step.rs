//! A step in the browser: what the service decided becomes a redirect.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};

use crate::domain::audit::AuditKind;
use crate::domain::authorization_request::UntrustedRequest;
use crate::domain::authorization_response::{AuthorizationResponse, ResponseMode};
use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::domain::session::Session;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::{FlowId, Secret, Timestamp};
use crate::http::error::form::FormError;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, ClientDisplay, ErrorPage, FormPostPage, Link, LogoUrl, Person, ReturnTarget};
use crate::service::audit;
use crate::service::authorize::{self, AuthorizeError, Next, OpenFlow};
use crate::service::browser::{Browser, BrowserSecret, Form};
use crate::service::sessions::{self, Accounts};

/// The way to what comes next. Redirects are 303: what was posted must not be posted on (RFC 9700 §4.12).
pub fn redirect(visit: &Visit, next: &Next) -> Response {
    let base = &visit.page.base;
    match next {
        Next::SignIn(flow) => see_other(&format!("{base}/login?flow={flow}")),
        Next::SignUp(flow) => see_other(&format!("{base}/signup?flow={flow}")),
        Next::SelectAccount(flow) => see_other(&format!("{base}/select-account?flow={flow}")),
        Next::Consent(flow) => see_other(&format!("{base}/consent?flow={flow}")),
        Next::Return(response) => match response.to.mode {
            ResponseMode::Query => see_other(&response.location(&visit.tenant().issuer)),
            ResponseMode::FormPost => form_post(visit, response),
        },
        Next::Account(page) => see_other(&format!("{base}{}", page.path())),
        Next::Home => see_other(&format!("{base}/")),
    }
}

/// The page that posts an answer to the client (OAuth 2.0 Form Post Response Mode §2).
fn form_post(visit: &Visit, response: &AuthorizationResponse) -> Response {
    match ReturnTarget::from_redirect_uri(response.to.redirect_uri.as_str()) {
        Some(returns_to) => FormPostPage {
            action: response.to.redirect_uri.as_str(),
            parameters: &response.parameters(&visit.tenant().issuer),
            returns_to: &returns_to,
        }
        .render(&visit.page),
        None => page::authorize(&UntrustedRequest::RedirectUriMismatch.into(), &visit.page),
    }
}

/// 303 to an address of ours or of a client, neither stored nor told to where it leads.
pub fn see_other(location: &str) -> Response {
    let mut response = Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
        .header(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"))
        .finish();
    // Every part of the address was checked or encoded; a failure would be a defect, and nothing is sent on then.
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    } else {
        response.set_status(StatusCode::INTERNAL_SERVER_ERROR);
    }
    response
}

/// The redirect, or the page that says why there is none.
pub fn answer(visit: &Visit, result: Result<Next, AuthorizeError>) -> Response {
    match result {
        Ok(next) => redirect(visit, &next),
        Err(error) => page::authorize(&error, &visit.page),
    }
}

/// A page that was opened, or the one that says why it can't be; with the cookie of a browser that is new here, and the
/// language that was chosen on it.
pub fn page(visit: &Visit, shown: Result<Response, AuthorizeError>, cookie: Option<String>) -> Response {
    let response = shown.unwrap_or_else(|error| page::authorize(&error, &visit.page));
    let response = visit.remember_language(response);
    match cookie {
        Some(cookie) => with_cookie(response, &cookie),
        None => response,
    }
}

/// Adds a cookie to an answer.
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The accounts that the browser's cookie opens with this tenant.
pub async fn accounts(visit: &Visit, request: &Request) -> Result<Accounts, AuthorizeError> {
    let secrets = cookies::sessions(request, &visit.site);
    Ok(sessions::opened_by(&visit.ctx, visit.tenant_id(), secrets).await?)
}

/// The browser, and the cookie to set if it had none of its own.
pub fn browser(visit: &Visit, request: &Request) -> (Browser, Option<String>) {
    let browser = cookies::browser(request, &visit.site);
    if browser.first().is_some() {
        return (browser, None);
    }
    let secret = BrowserSecret(visit.ctx.random.secret());
    let cookie = cookies::set_browser(&visit.site.cookies, &secret);
    (secret.into(), Some(cookie))
}

/// The open flow that the address of a page names, and the rest of the address.
pub async fn flow(
    visit: &Visit,
    request: &Request,
    browser: &Browser,
) -> Result<(OpenFlow, Parameters), AuthorizeError> {
    let parameters = query(request).ok_or(AuthorizeError::FlowUnknown)?;
    let id = flow_id(&parameters)?;
    Ok((authorize::open_flow(&visit.ctx, visit.tenant_id(), id, browser).await?, parameters))
}

/// How the pages name the person of a session.
pub async fn person(visit: &Visit, session: &Session) -> Result<Person, AuthorizeError> {
    let user = authorize::person(&visit.ctx, visit.tenant_id(), session).await?;
    Ok(Person { name: user.profile.name.clone(), login: user.login() })
}

/// The flow that a page's address names.
pub fn flow_id(parameters: &Parameters) -> Result<FlowId, AuthorizeError> {
    let text = parameters.required("flow").map_err(|_| AuthorizeError::FlowUnknown)?;
    text.parse().map_err(|_| AuthorizeError::FlowUnknown)
}

/// The parameters in the address of a request.
pub fn query(request: &Request) -> Option<Parameters> {
    Parameters::decode(request.uri().query().unwrap_or_default().as_bytes())
}

/// The form of one of our pages, which is one of `forms`: the open flow that it belongs to, and what was filled in.
pub async fn form(
    visit: &Visit,
    request: &Request,
    forms: &[Form],
    body: PostedBody,
) -> Result<(OpenFlow, Form, Parameters), Response> {
    let parameters = body.0.map_err(|error| form_failure(error).render(&visit.page))?;
    let refuse = |error: AuthorizeError| page::authorize(&error, &visit.page);
    let id = flow_id(&parameters).map_err(refuse)?;
    let browser = cookies::browser(request, &visit.site);
    if browser.first().is_none() {
        return Err(refuse(AuthorizeError::OtherBrowser));
    }
    let csrf = parameters.required("csrf").map(Secret::new).map_err(|_| refuse(AuthorizeError::FormRejected))?;
    let (open, form) =
        authorize::posted_flow(&visit.ctx, visit.tenant_id(), id, &browser, forms, &csrf).await.map_err(refuse)?;
    Ok((open, form, parameters))
}

/// The page for a form that can't be read.
pub fn form_failure(error: FormError) -> ErrorPage {
    ErrorPage::new(match error {
        FormError::ContentType => pages::Failure::UnsupportedForm,
        FormError::TooLarge => pages::Failure::TooLarge,
        FormError::Unreadable => pages::Failure::InvalidRequest,
    })
}

/// How the pages show the client of a flow.
pub fn client_display(open: &OpenFlow) -> ClientDisplay {
    ClientDisplay { is_console: open.flow.account_page.is_some(), ..display(&open.client) }
}

/// How the pages show a client.
pub fn display(client: &Client) -> ClientDisplay {
    let metadata = &client.metadata;
    let link = |uri: &Option<String>| uri.as_deref().and_then(Link::parse);
    ClientDisplay {
        name: client.name.clone(),
        logo: metadata.logo_uri.as_deref().and_then(LogoUrl::parse),
        home: link(&metadata.client_uri),
        policy: link(&metadata.policy_uri),
        terms: link(&metadata.tos_uri),
        is_console: false,
    }
}

/// What somebody filled in to say who they are, on the page with that form, in the language that they read it in; or the
/// way back to the client for whoever would rather not, with these words.
pub async fn filled_in(
    visit: Visit,
    request: &Request,
    body: PostedBody,
    form: Form,
    cancelled: &str,
) -> Result<(Visit, OpenFlow, Parameters), Response> {
    let (open, _, parameters) = self::form(&visit, request, &[form], body).await?;
    let visit = visit.in_languages(open.flow.request.ui_locales.as_deref(), request);
    if parameters.optional("action") == Ok(Some("cancel")) {
        let left = cancel(&visit, &open, cancelled).await;
        return Err(left.unwrap_or_else(|error| page::authorize(&error, &visit.page)));
    }
    Ok((visit, open, parameters))
}

/// Ends a flow because the person doesn't want to say who they are.
pub async fn cancel(visit: &Visit, open: &OpenFlow, description: &str) -> Result<Response, AuthorizeError> {
    let event = audit::refusal(&visit.ctx, AuditKind::SignIn, &visit.caller, &open.client.id);
    let event = event.detail(serde_json::json!({ "reason": "cancelled" }));
    let next = authorize::deny(&visit.ctx, visit.tenant_id(), open, description, event).await?;
    Ok(redirect(visit, &next))
}

/// The sign-in form of a flow, whatever else could come next.
pub fn to_sign_in(visit: &Visit, open: &OpenFlow) -> Response {
    see_other(&format!("{}/login?flow={}&switch=1", visit.page.base, open.flow.id))
}

/// Whether somebody may make an account in this flow: where the tenant takes people, unless the request is about somebody
/// who has one.
pub fn takes_new_accounts(visit: &Visit, open: &OpenFlow) -> bool {
    visit.tenant().settings.sign_up == SignUpPolicy::Open && open.flow.request.subjects.is_none()
}

/// Whole minutes until then, at least one.
pub fn minutes(now: Timestamp, until: Timestamp) -> u32 {
    u32::try_from(until.since(now).as_secs().div_ceil(60)).unwrap_or(u32::MAX).max(1)
}
