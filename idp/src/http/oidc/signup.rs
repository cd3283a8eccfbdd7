//! `/signup`: the page on which somebody makes an account, where the tenant lets them.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::parameters::Parameters;
use crate::domain::password::PasswordError;
use crate::domain::sign_up::{EmailFault, Faults, NameFault, PasswordFault, Typed};
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, EmailProblem, EntryProblems, NameProblem, PasswordProblem, SignUpPage};
use crate::service::Failure;
use crate::service::authorize::{self, AuthorizeError, Next, OpenFlow};
use crate::service::browser::{Browser, Form};
use crate::service::sign_in::Place;
use crate::service::sign_up::{self, SignUp, SignUpError};

/// `GET /signup?flow=…`: the form, or what comes next if nobody needs an account. With `switch`, the form all the same.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &Browser) -> Result<Response, AuthorizeError> {
    let (open, parameters) = step::flow(visit, request, browser).await?;
    if !step::takes_new_accounts(visit, &open) {
        return Ok(step::to_sign_in(visit, &open));
    }
    if parameters.optional("switch").is_ok_and(|switch| switch.is_none()) {
        let accounts = step::accounts(visit, request).await?;
        match authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, &accounts).await? {
            Next::SignUp(_) | Next::SignIn(_) => {}
            next => return Ok(step::redirect(visit, &next)),
        }
    }
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let hint = open.flow.request.login_hint.as_deref();
    Ok(form(&visit, &open, Typed { email: hint.filter(|hint| hint.contains('@')), ..Typed::default() }, None))
}

/// The form, with what was typed (never the password) and what was wrong with it.
fn form(visit: &Visit, open: &OpenFlow, typed: Typed<'_>, error: Option<pages::SignUpError>) -> Response {
    let page = SignUpPage {
        client: step::client_display(open),
        flow: open.flow.id.to_string(),
        csrf: open.csrf_token(Form::SignUp).expose().to_owned(),
        email: typed.email.unwrap_or_default().to_owned(),
        name: typed.name.unwrap_or_default().to_owned(),
        error,
    };
    page.render(&visit.page)
}

/// `POST /signup`: somebody makes an account, or goes back to the client.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let filled_in = step::filled_in(visit, request, body, Form::SignUp, "the user cancelled the sign-up");
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
    if !step::takes_new_accounts(visit, open) {
        return Ok(step::to_sign_in(visit, open));
    }
    let field = |name| parameters.optional(name).ok().flatten();
    let typed = Typed { email: field("email"), name: field("name"), password: field("password") };
    let account = match sign_up::read(visit.tenant(), typed) {
        Ok(account) => account,
        Err(faults) => return Ok(form(visit, open, typed, Some(pages::SignUpError::Entries(faults.into())))),
    };
    let accounts = step::accounts(visit, request).await?;
    let place = Place::Page { flow: open.flow.id, accounts };
    let wanted = SignUp { account, client_id: open.client.id.clone(), place };
    let error = match sign_up::sign_up(&visit.ctx, visit.tenant(), &visit.caller, wanted).await {
        Ok(signed_in) => {
            let (open, accounts) = (open.after(&signed_in.session), &signed_in.accounts);
            let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, accounts).await;
            let cookie = cookies::set_sessions(&visit.site.cookies, accounts);
            return Ok(step::with_cookie(step::answer(visit, next), &cookie));
        }
        Err(SignUpError::Closed) => return Ok(step::to_sign_in(visit, open)),
        Err(SignUpError::Taken) => {
            pages::SignUpError::Entries(EntryProblems { email: Some(EmailProblem::Taken), ..EntryProblems::default() })
        }
        Err(SignUpError::Faults(faults)) => pages::SignUpError::Entries(faults.into()),
        Err(SignUpError::TooManyAttempts { until }) => {
            pages::SignUpError::TooManyAttempts { minutes: step::minutes(visit.ctx.now(), until) }
        }
        Err(SignUpError::Failure(Failure::Busy)) => pages::SignUpError::Busy { seconds: 2 },
        Err(SignUpError::Failure(failure)) => return Err(failure.into()),
    };
    Ok(form(visit, open, typed, Some(error)))
}

impl From<Faults> for EntryProblems {
    fn from(faults: Faults) -> Self {
        Self {
            email: faults.email.map(|fault| match fault {
                EmailFault::Missing => EmailProblem::Missing,
                EmailFault::Malformed => EmailProblem::Malformed,
            }),
            name: faults.name.map(|NameFault| NameProblem),
            password: faults.password.map(|fault| match fault {
                PasswordFault::Missing => PasswordProblem::Missing,
                PasswordFault::Refused(PasswordError::TooShort) => PasswordProblem::TooShort,
                PasswordFault::Refused(PasswordError::TooLong) => PasswordProblem::TooLong,
                PasswordFault::Refused(PasswordError::Guessable) => PasswordProblem::Guessable,
            }),
        }
    }
}
