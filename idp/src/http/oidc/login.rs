//! `/login`: the sign-in page.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::user::LoginName;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, Person, SignInPage};
use crate::service::Failure;
use crate::service::authorize::{self, AuthorizeError, Next, OpenFlow};
use crate::service::browser::{Browser, Form};
use crate::service::sign_in::{self, Place, SignInAttempt, SignInError};

/// `GET /login?flow=…`: the form, or what comes next if nobody needs to sign in. With `switch`, the form all the same.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &Browser) -> Result<Response, AuthorizeError> {
    let (open, parameters) = step::flow(visit, request, browser).await?;
    let accounts = step::accounts(visit, request).await?;
    let mut expected = None;
    if parameters.optional("switch").is_ok_and(|switch| switch.is_none()) {
        match authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, &accounts).await? {
            Next::SignIn(_) => {}
            next => return Ok(step::redirect(visit, &next)),
        }
        if let Some(session) = authorize::expected(&visit.ctx, visit.tenant_id(), &open, &accounts).await? {
            expected = Some(step::person(visit, session).await?);
        }
    }
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let hint = open.flow.request.login_hint.clone();
    let login = expected.as_ref().map(|person| person.login.clone()).or(hint).unwrap_or_default();
    Ok(form(&visit, &open, Typed { login, expected, error: None }))
}

/// What is in the form, and what is around it.
struct Typed {
    /// E-mail address or user name.
    login: String,
    /// Who is asked to prove again who they are.
    expected: Option<Person>,
    /// What was wrong with it.
    error: Option<pages::SignInError>,
}

/// The form, with what was typed (never the password) and what was wrong with it.
fn form(visit: &Visit, open: &OpenFlow, typed: Typed) -> Response {
    let page = SignInPage {
        client: step::client_display(open),
        flow: open.flow.id.to_string(),
        csrf: open.csrf_token(Form::SignIn).expose().to_owned(),
        email: typed.login,
        offers_sign_up: typed.expected.is_none() && visit.tenant().settings.sign_up == SignUpPolicy::Open,
        expected: typed.expected,
        error: typed.error,
    };
    page.render(&visit.page)
}

/// `POST /login`: somebody signs in, or goes back to the client.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let filled_in = step::filled_in(visit, request, body, Form::SignIn, "the user cancelled the sign-in");
    let (visit, open, parameters) = match filled_in.await {
        Ok(filled_in) => filled_in,
        Err(response) => return response,
    };
    let done = submit(&visit, request, &open, &parameters).await;
    done.unwrap_or_else(|error| page::authorize(&error, &visit.page))
}

async fn submit(
    visit: &Visit,
    request: &Request,
    open: &OpenFlow,
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
            let login = email.unwrap_or_default().to_owned();
            return Ok(form(visit, open, Typed { login, expected: None, error: Some(error) }));
        }
    };
    let accounts = step::accounts(visit, request).await?;
    let attempt = SignInAttempt {
        login: LoginName::new(email),
        password: Secret::new(password),
        client_id: open.client.id.clone(),
        place: Place::Page { flow: open.flow.id, accounts },
    };
    match sign_in::sign_in(&visit.ctx, visit.tenant(), &visit.caller, attempt).await {
        Ok(signed_in) => {
            let (open, accounts) = (open.after(&signed_in.session), &signed_in.accounts);
            let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, accounts).await;
            let cookie = cookies::set_sessions(&visit.site.cookies, accounts);
            Ok(step::with_cookie(step::answer(visit, next), &cookie))
        }
        Err(error) => {
            let shown = match error {
                SignInError::BadCredentials => pages::SignInError::BadCredentials,
                SignInError::TooManyAttempts { until } => {
                    pages::SignInError::TooManyAttempts { minutes: step::minutes(visit.ctx.now(), until) }
                }
                SignInError::Failure(Failure::Busy) => pages::SignInError::Busy { seconds: 2 },
                SignInError::Failure(failure) => return Err(failure.into()),
            };
            Ok(form(visit, open, Typed { login: email.to_owned(), expected: None, error: Some(shown) }))
        }
    }
}
