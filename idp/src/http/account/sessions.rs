//! `/account/sessions`: the devices on which the person is signed in, and signing out there.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::SessionId;
use crate::domain::account::AccountPage;
use crate::domain::device::Device;
use crate::domain::session::{AuthenticationMethod, Session, SessionOrigin};
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::oidc::step;
use crate::http::pages::account::{DeviceView, EndOthersPage, Notice, SessionsPage};
use crate::service::{Failure, account, sessions};

/// How many devices a page shows.
const PAGE: usize = 50;

/// `GET /account/sessions`, with `after` those after that one.
#[handler]
pub(super) async fn list(visit: Visit, request: &Request) -> Response {
    let console = match Console::open(visit, request, AccountPage::Sessions).await {
        Ok(console) => console,
        Err(response) => return response,
    };
    // What can't be a session's id has nothing after it: the list begins at its beginning.
    let after = step::query(request).and_then(|query| query.required("after").ok()?.parse().ok());
    match devices(&console, after).await {
        Ok((devices, is_cut)) => {
            let next = devices.last().filter(|_| is_cut).map(|last| last.id.clone());
            let page = SessionsPage { frame: console.frame(), devices, is_continued: after.is_some(), next };
            console.answer(page.render(&console.page))
        }
        Err(failure) => console.failure(failure),
    }
}

/// The devices after that one: this one first, then the others, the one that came last first; and whether there are more.
async fn devices(console: &Console, after: Option<SessionId>) -> Result<(Vec<DeviceView>, bool), Failure> {
    let (tenant, this) = (console.tenant_id(), console.session());
    let sessions = sessions::of_person(&console.ctx, tenant, this, after, PAGE as u64 + 1).await?;
    let is_cut = sessions.len() > PAGE;
    Ok((sessions.iter().take(PAGE).map(|session| view(console, session)).collect(), is_cut))
}

fn view(console: &Console, session: &Session) -> DeviceView {
    let device = session.user_agent.as_deref().map(Device::of).unwrap_or_default();
    DeviceView {
        id: session.id.to_string(),
        browser: device.browser,
        system: device.system,
        is_app: session.origin == SessionOrigin::FirstParty,
        address: session.address.clone(),
        methods: session.amr.iter().copied().map(AuthenticationMethod::as_str).collect(),
        started: session.created_at,
        active: session.last_seen_at,
        now: console.ctx.now(),
        is_this: session.id == console.session().id,
    }
}

/// `POST /account/sessions/end`: signs out on one device.
#[handler]
pub(super) async fn end(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (console, parameters) = match Console::posted(visit, request, AccountPage::Sessions, body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let Some(id) = parameters.required("session").ok().and_then(|text| text.parse().ok()) else {
        return console.not_found();
    };
    if id == console.session().id {
        return console.sign_out().await;
    }
    let who = (console.user().id, id);
    match account::sign_out(&console.ctx, console.tenant_id(), &console.caller, who).await {
        Ok(true) => console.done(AccountPage::Sessions, Some(Notice::DeviceSignedOut)),
        Ok(false) => console.not_found(),
        Err(failure) => console.failure(failure),
    }
}

/// `GET /account/sessions/end-others`: which devices will be signed out, and whether that is wanted.
#[handler]
pub(super) async fn ask_others(visit: Visit, request: &Request) -> Response {
    let console = match Console::open(visit, request, AccountPage::Sessions).await {
        Ok(console) => console,
        Err(response) => return response,
    };
    match devices(&console, None).await {
        Ok((devices, is_cut)) => {
            let devices: Vec<DeviceView> = devices.into_iter().filter(|device| !device.is_this).collect();
            if devices.is_empty() {
                return console.done(AccountPage::Sessions, None);
            }
            console.answer(EndOthersPage { frame: console.frame(), devices, is_cut }.render(&console.page))
        }
        Err(failure) => console.failure(failure),
    }
}

/// `POST /account/sessions/end-others`: signs out everywhere but here.
#[handler]
pub(super) async fn end_others(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let console = match Console::posted(visit, request, AccountPage::Sessions, body).await {
        Ok((console, _)) => console,
        Err(response) => return response,
    };
    let (tenant, user, keep) = (console.tenant_id(), console.user().id, console.session().id);
    match account::sign_out_others(&console.ctx, tenant, &console.caller, user, keep).await {
        Ok(_) => console.done(AccountPage::Sessions, Some(Notice::OthersSignedOut)),
        Err(failure) => console.failure(failure),
    }
}
