//! `/account/password`: a new password, for whoever has signed in a moment ago.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::Secret;
use crate::domain::account::AccountPage;
use crate::domain::parameters::Parameters;
use crate::domain::password::PasswordError;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::oidc::step;
use crate::http::pages::account::{Notice, PasswordField, PasswordPage, PasswordProblem};
use crate::service::Failure;
use crate::service::account::{self, PasswordChange, PasswordChangeError};

/// `GET /account/password`
#[handler]
pub(super) async fn show(visit: Visit, request: &Request) -> Response {
    match Console::open(visit, request, AccountPage::Password).await {
        Ok(console) if console.is_fresh() => page(&console, None),
        Ok(console) => console.sign_in_again().await,
        Err(response) => response,
    }
}

fn page(console: &Console, problem: Option<PasswordProblem>) -> Response {
    let page = PasswordPage { frame: console.frame(), problem };
    console.answer(page.render(&console.page))
}

/// `POST /account/password`
#[handler]
pub(super) async fn save(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (console, parameters) = match Console::posted(visit, request, AccountPage::Password, body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    if !console.is_fresh() {
        return console.sign_in_again().await;
    }
    let change = match typed(&parameters) {
        Ok(change) => change,
        Err(problem) => return page(&console, Some(problem)),
    };
    let who = (console.me(), &console.accounts);
    match account::change_password(&console.ctx, console.tenant(), &console.caller, who, change).await {
        Ok(accounts) => {
            let response = console.done(AccountPage::Password, Some(Notice::PasswordChanged));
            step::with_cookie(response, &cookies::set_sessions(&console.site.cookies, &accounts))
        }
        Err(PasswordChangeError::SignIn) => console.sign_in_again().await,
        Err(PasswordChangeError::WrongPassword) => page(&console, Some(PasswordProblem::Wrong)),
        Err(PasswordChangeError::TooManyAttempts { until }) => {
            let minutes = step::minutes(console.ctx.now(), until);
            page(&console, Some(PasswordProblem::TooManyAttempts { minutes }))
        }
        Err(PasswordChangeError::Rejected(error)) => page(&console, Some(rejected(error))),
        Err(PasswordChangeError::Failure(Failure::Busy)) => page(&console, Some(PasswordProblem::Busy { seconds: 2 })),
        Err(PasswordChangeError::Failure(failure)) => console.failure(failure),
    }
}

fn rejected(error: PasswordError) -> PasswordProblem {
    match error {
        PasswordError::TooShort => PasswordProblem::TooShort,
        PasswordError::TooLong => PasswordProblem::TooLong,
        PasswordError::Guessable => PasswordProblem::Guessable,
    }
}

/// The three passwords, the second and third of which are the same.
fn typed(parameters: &Parameters) -> Result<PasswordChange, PasswordProblem> {
    let fields = [PasswordField::Current, PasswordField::New, PasswordField::Again];
    let [current, new, again] = fields.map(|field| parameters.optional(field.name()).ok().flatten());
    match (current, new, again) {
        (Some(_), Some(new), Some(again)) if new != again => Err(PasswordProblem::Different),
        (Some(current), Some(new), Some(_)) => {
            Ok(PasswordChange { current: Secret::new(current), new: Secret::new(new) })
        }
        _ => {
            let missing = fields.into_iter().zip([current, new, again]).filter(|(_, text)| text.is_none());
            Err(PasswordProblem::Missing(missing.map(|(field, _)| field).collect()))
        }
    }
}
