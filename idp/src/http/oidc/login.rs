//! `/login`: the sign-in page.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::Secret;
use crate::domain::parameters::Parameters;
use crate::domain::user::LoginName;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, Person, SignInPage};
use crate::service::Failure;
use crate::service::authorize::{self, AuthorizeError, Next, OpenFlow};
use crate::service::browser::{Browser, Form};
use crate::service::sessions::Accounts;
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
    let whom = Whom::of(&parameters);
    if whom == Whom::AsDecided {
        match authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, &accounts).await? {
            Next::SignIn(_) => {}
            next => return Ok(step::redirect(visit, &next)),
        }
    }
    let expected = whom.expected(visit, &open, &accounts).await?;
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let hint = open.flow.request.login_hint.clone();
    let login = expected.as_ref().map(|person| person.login.clone()).or(hint).unwrap_or_default();
    Ok(form(&visit, &open, Typed { login, whom, expected, error: None }))
}

/// For whom the form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whom {
    /// For whoever the request and the sessions say.
    AsDecided,
    /// For another account, as somebody chose (`switch`); the form says so again.
    Another,
}

impl Whom {
    fn of(parameters: &Parameters) -> Self {
        match parameters.optional("switch") {
            Ok(None) => Self::AsDecided,
            Ok(Some(_)) | Err(_) => Self::Another,
        }
    }

    /// Who is asked to prove again who they are.
    async fn expected(
        self,
        visit: &Visit,
        open: &OpenFlow,
        accounts: &Accounts,
    ) -> Result<Option<Person>, AuthorizeError> {
        match self {
            Self::Another => Ok(None),
            Self::AsDecided => match authorize::expected(&visit.ctx, visit.tenant_id(), open, accounts).await? {
                Some(session) => step::person(visit, session).await.map(Some),
                None => Ok(None),
            },
        }
    }
}

/// What is in the form, and what is around it.
struct Typed {
    /// E-mail address or user name.
    login: String,
    /// For whom it is.
    whom: Whom,
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
        offers_sign_up: typed.expected.is_none() && step::takes_new_accounts(visit, open),
        wants_another: typed.whom == Whom::Another,
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
    let accounts = step::accounts(visit, request).await?;
    let password = parameters.optional("password").ok().flatten();
    let (email, password) = match (typed_login(parameters), password) {
        (Some(email), Some(password)) => (email, password),
        (email, password) => {
            let error = match (email, password) {
                (None, None) => pages::SignInError::MissingBoth,
                (None, _) => pages::SignInError::MissingEmail,
                _ => pages::SignInError::MissingPassword,
            };
            return once_more(visit, open, parameters, &accounts, error).await;
        }
    };
    let attempt = SignInAttempt {
        login: LoginName::new(email),
        password: Secret::new(password),
        client_id: open.client.id.clone(),
        place: Place::Page { flow: open.flow.id, accounts: accounts.clone() },
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
            once_more(visit, open, parameters, &accounts, shown).await
        }
    }
}

/// The form once more, for the same person as before, with what was wrong.
async fn once_more(
    visit: &Visit,
    open: &OpenFlow,
    parameters: &Parameters,
    accounts: &Accounts,
    error: pages::SignInError,
) -> Result<Response, AuthorizeError> {
    let whom = Whom::of(parameters);
    let expected = whom.expected(visit, open, accounts).await?;
    let login = typed_login(parameters).unwrap_or_default().to_owned();
    Ok(form(visit, open, Typed { login, whom, expected, error: Some(error) }))
}

/// The e-mail address or user name that was typed.
fn typed_login(parameters: &Parameters) -> Option<&str> {
    parameters.optional("email").ok().flatten().map(str::trim).filter(|text| !text.is_empty())
}
