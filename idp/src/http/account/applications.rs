//! `/account/applications`: which clients may use the account, and taking it back.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::ClientId;
use crate::domain::account::AccountPage;
use crate::domain::client::{ClientStatus, ConsentPolicy};
use crate::domain::parameters::Parameters;
use crate::domain::scope::Scope;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::oidc::step;
use crate::http::pages::account::{ApplicationView, ApplicationsPage, Notice, WithdrawPage};
use crate::service::account::{self, Application};
use crate::service::audit::Actor;
use crate::service::authorize;
use crate::service::consents::{self, WithdrawError};

/// How many applications a page shows.
const PAGE: usize = 25;

/// `GET /account/applications`, with `after` those after that client.
#[handler]
pub(super) async fn list(visit: Visit, request: &Request) -> Response {
    let console = match Console::open(visit, request, AccountPage::Applications).await {
        Ok(console) => console,
        Err(response) => return response,
    };
    // What can't be a client's id has nothing after it: the list begins at its beginning.
    let after = step::query(request).and_then(|query| client_id(&query, "after"));
    let (tenant, user) = (console.tenant_id(), console.user().id);
    let found = account::applications(&console.ctx, tenant, user, after.as_ref(), PAGE as u64 + 1).await;
    match found {
        Ok(mut applications) => {
            let more = applications.len() > PAGE;
            applications.truncate(PAGE);
            let next = applications.last().filter(|_| more).map(|last| last.client.id.to_string());
            let page = ApplicationsPage {
                frame: console.frame(),
                applications: applications.iter().map(|application| view(&console, application)).collect(),
                is_continued: after.is_some(),
                next,
            };
            console.answer(page.render(&console.page))
        }
        Err(failure) => console.failure(failure),
    }
}

fn view(console: &Console, application: &Application) -> ApplicationView {
    let Application { standing, client } = application;
    let scopes: Vec<&str> = standing.scope.iter().map(Scope::as_str).collect();
    ApplicationView {
        id: client.id.to_string(),
        client: step::display(client),
        is_disabled: client.status == ClientStatus::Disabled,
        scopes: authorize::in_usual_order(scopes).into_iter().map(str::to_owned).collect(),
        asks: client.metadata.consent == ConsentPolicy::Ask,
        since: standing.since,
        now: console.ctx.now(),
    }
}

fn client_id(parameters: &Parameters, name: &'static str) -> Option<ClientId> {
    parameters.required(name).ok().and_then(|text| text.parse().ok())
}

/// `GET /account/applications/withdraw?client=…`: what will be lost, and whether that is wanted.
#[handler]
pub(super) async fn ask(visit: Visit, request: &Request) -> Response {
    let console = match Console::open(visit, request, AccountPage::Applications).await {
        Ok(console) => console,
        Err(response) => return response,
    };
    let Some(client) = step::query(request).and_then(|query| client_id(&query, "client")) else {
        return console.not_found();
    };
    match account::application(&console.ctx, console.tenant_id(), console.user().id, &client).await {
        Ok(Some(application)) => {
            let page = WithdrawPage { frame: console.frame(), application: view(&console, &application) };
            console.answer(page.render(&console.page))
        }
        Ok(None) => console.not_found(),
        Err(failure) => console.failure(failure),
    }
}

/// `POST /account/applications/withdraw`: takes it back.
#[handler]
pub(super) async fn withdraw(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (console, parameters) = match Console::posted(visit, request, AccountPage::Applications, body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let Some(client) = client_id(&parameters, "client") else { return console.not_found() };
    let actor = Actor::themselves(&console.caller);
    match consents::withdraw(&console.ctx, console.tenant_id(), console.user().id, &client, actor).await {
        Ok(()) => console.done(AccountPage::Applications, Some(Notice::Withdrawn)),
        Err(WithdrawError::Unknown(..)) => console.not_found(),
        Err(WithdrawError::Failure(failure)) => console.failure(failure),
    }
}
