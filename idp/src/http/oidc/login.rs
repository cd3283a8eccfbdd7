//! `/login`: the sign-in page.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::parameters::Parameters;
use crate::domain::user::LoginName;
use crate::domain::{Secret, Timestamp};
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, SignInPage};
use crate::service::authorize::{self, AuthorizeError, Next, OpenFlow};
use crate::service::browser::{BrowserSecret, Form};
use crate::service::sign_in::{self, SignInAttempt, SignInError};
use crate::service::{Failure, audit};

/// `GET /login?flow=…`: the form, or what comes next if nobody needs to sign in. With `switch`, the form all the same.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &BrowserSecret) -> Result<Response, AuthorizeError> {
    let parameters = step::query(request).ok_or(AuthorizeError::FlowUnknown)?;
    let id = step::flow_id(&parameters)?;
    let open = authorize::open_flow(&visit.ctx, visit.tenant_id(), id, browser).await?;
    let session = step::session(visit, request).await?;
    if parameters.optional("switch").is_ok_and(|switch| switch.is_none()) {
        match authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, session.as_ref()).await? {
            Next::SignIn(_) => {}
            next => return Ok(step::redirect(visit, &next)),
        }
    }
    let hint = open.flow.request.login_hint.clone().unwrap_or_default();
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    form(&visit, &open, browser, hint, None)
}

/// The form, with what was typed (never the password) and what was wrong with it.
fn form(
    visit: &Visit,
    open: &OpenFlow,
    browser: &BrowserSecret,
    email: String,
    error: Option<pages::SignInError>,
) -> Result<Response, AuthorizeError> {
    let page = SignInPage {
        client: step::client_display(open),
        returns_to: step::return_target(open)?,
        flow: open.flow.id.to_string(),
        csrf: browser.csrf_token(open.flow.id, Form::SignIn).expose().to_owned(),
        email,
        error,
    };
    Ok(page.render(&visit.page))
}

/// `POST /login`: somebody signs in, or goes back to the client.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (open, browser, parameters) = match step::form(&visit, request, Form::SignIn, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let visit = visit.in_languages(open.flow.request.ui_locales.as_deref(), request);
    let result = if parameters.optional("action") == Ok(Some("cancel")) {
        authorize::deny(
            &visit.ctx,
            visit.tenant_id(),
            &open,
            "the user cancelled the sign-in",
            Some(cancelled(&visit, &open)),
        )
        .await
        .map(|next| step::redirect(&visit, &next))
    } else {
        submit(&visit, request, &open, &browser, &parameters).await
    };
    result.unwrap_or_else(|error| page::authorize(&error, &visit.page))
}

fn cancelled(visit: &Visit, open: &OpenFlow) -> audit::Event {
    use crate::domain::audit::{AuditKind, Outcome};
    let event = audit::event(&visit.ctx, AuditKind::SignIn, Outcome::Refused).client(&open.client.id);
    event.from(&visit.caller).detail(serde_json::json!({ "reason": "cancelled" }))
}

async fn submit(
    visit: &Visit,
    request: &Request,
    open: &OpenFlow,
    browser: &BrowserSecret,
    parameters: &Parameters,
) -> Result<Response, AuthorizeError> {
    let typed = |name| parameters.optional(name).ok().flatten();
    let email = typed("email").map(str::trim).filter(|text| !text.is_empty());
    let (email, password) = match (email, typed("password")) {
        (Some(email), Some(password)) => (email, password),
        (email, password) => {
            let error = match (email, password) {
                (None, None) => pages::SignInError::MissingBoth,
                (None, _) => pages::SignInError::MissingEmail,
                _ => pages::SignInError::MissingPassword,
            };
            return form(visit, open, browser, email.unwrap_or_default().to_owned(), Some(error));
        }
    };
    let previous = step::session(visit, request).await?;
    let attempt = SignInAttempt {
        login: LoginName::new(email),
        password: Secret::new(password),
        client_id: open.client.id.clone(),
        flow: open.flow.id,
        previous: previous.map(|session| session.id),
    };
    match sign_in::sign_in(&visit.ctx, visit.tenant_id(), &visit.caller, attempt).await {
        Ok(signed_in) => {
            let (open, session) = (open.after(&signed_in.session), Some(&signed_in.session));
            let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, session).await;
            let cookie = cookies::set_session(&visit.site.cookies, &signed_in.secret);
            Ok(step::with_cookie(step::answer(visit, next), &cookie))
        }
        Err(error) => {
            let shown = match error {
                SignInError::BadCredentials => pages::SignInError::BadCredentials,
                SignInError::TooManyAttempts { until } => {
                    pages::SignInError::TooManyAttempts { minutes: minutes(visit.ctx.now(), until) }
                }
                SignInError::Failure(Failure::Busy) => pages::SignInError::Busy { seconds: 2 },
                SignInError::Failure(failure) => return Err(failure.into()),
            };
            form(visit, open, browser, email.to_owned(), Some(shown))
        }
    }
}

/// Whole minutes until then, at least one.
fn minutes(now: Timestamp, until: Timestamp) -> u32 {
    u32::try_from(until.since(now).as_secs().div_ceil(60)).unwrap_or(u32::MAX).max(1)
}
