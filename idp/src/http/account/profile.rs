//! `/account/profile`: the claims that people keep themselves.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::Timestamp;
use crate::domain::account::AccountPage;
use crate::domain::own_claims::{OwnClaim, OwnClaims};
use crate::domain::parameters::Parameters;
use crate::domain::user::User;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::account::{Notice, ProfilePage, ProfileProblem};
use crate::service::account;
use crate::service::users::{self, UserChangeError};

/// `GET /account/profile`
#[handler]
pub(super) async fn show(visit: Visit, request: &Request) -> Response {
    match Console::open(visit, request, AccountPage::Profile).await {
        Ok(console) => {
            let stored = OwnClaims::from(&console.user().profile);
            console.answer(page(&console, console.user(), stored, None))
        }
        Err(response) => response,
    }
}

/// The form, with what was typed and what is wrong with it. What is saved next replaces what `user` is now.
fn page(console: &Console, user: &User, typed: OwnClaims, problem: Option<ProfileProblem>) -> Response {
    ProfilePage {
        frame: console.frame(),
        email: user.email.as_ref().map(ToString::to_string),
        email_verified: user.email_verified,
        username: user.username.as_ref().map(ToString::to_string),
        typed,
        seen: user.updated_at.millis().to_string(),
        problem,
    }
    .render(&console.page)
}

/// `POST /account/profile`
#[handler]
pub(super) async fn save(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (console, parameters) = match Console::posted(visit, request, AccountPage::Profile, body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let Some(typed) = typed(&parameters) else { return console.form_rejected() };
    let wrong = typed.wrong();
    if !wrong.is_empty() {
        // What others changed in the meantime is told of when what was typed can be saved.
        let seen = seen(&parameters).unwrap_or_default();
        let user = User { updated_at: seen, ..console.user().clone() };
        return console.answer(page(&console, &user, typed, Some(ProfileProblem::Wrong(wrong))));
    }
    let seen = seen(&parameters);
    let changed =
        account::change_claims(&console.ctx, console.tenant(), &console.caller, console.user(), seen, &typed).await;
    match changed {
        Ok(_) => console.done(AccountPage::Profile, Some(Notice::ProfileSaved)),
        Err(UserChangeError::Stale) => stale(&console, typed).await,
        Err(UserChangeError::Failure(failure)) => console.failure(failure),
        // Deleted at this moment.
        Err(UserChangeError::Unknown(_)) => console.not_found(),
        // What was typed keeps every rule, and nothing else is changed.
        Err(
            UserChangeError::Nameless
            | UserChangeError::EmailTaken
            | UserChangeError::UsernameTaken
            | UserChangeError::Role
            | UserChangeError::Field(_)
            | UserChangeError::Password(_),
        ) => console.form_rejected(),
    }
}

/// The form once more, because somebody else changed something since it was shown: what was typed, and what is stored
/// now where that is something else.
async fn stale(console: &Console, typed: OwnClaims) -> Response {
    match users::find(&console.ctx, console.tenant(), &console.user().id.to_string()).await {
        Ok(user) => {
            let stored = OwnClaims::from(&user.profile);
            console.answer(page(console, &user, typed, Some(ProfileProblem::Stale(stored))))
        }
        Err(UserChangeError::Failure(failure)) => console.failure(failure),
        Err(_) => console.not_found(),
    }
}

/// What was typed; `None` if a field came twice, which no form of ours sends.
fn typed(parameters: &Parameters) -> Option<OwnClaims> {
    let text = |claim: crate::domain::own_claims::OwnClaim| parameters.optional(claim.name());
    let once = OwnClaim::ALL.iter().all(|claim| text(*claim).is_ok());
    once.then(|| OwnClaims::read(|claim| text(claim).ok().flatten().unwrap_or_default()))
}

/// When the account was last changed as far as the form knows.
fn seen(parameters: &Parameters) -> Option<Timestamp> {
    parameters.required("seen").ok().and_then(|text| text.parse().ok()).map(Timestamp::from_millis)
}
