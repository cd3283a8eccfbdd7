//! `/logout`, the `end_session_endpoint` (OpenID Connect RP-Initiated Logout 1.0), and what follows: the question, the
//! frames of the clients, the last page.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::parameters::Parameters;
use crate::domain::{Secret, SessionId};
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{
    self, AccountChoice, ErrorPage, FrontchannelLogoutPage, LogoutPage, Message, MessagePage, ReturnTarget,
};
use crate::service::clients;
use crate::service::end_session::{self, EndSession, EndSessionError, LogoutFrame, Whom};
use crate::service::sessions::Accounts;

/// What the form says where all accounts are meant.
const ALL: &str = "all";

/// `GET /logout`: the question, or the way on where nobody is signed in.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let Some(parameters) = step::query(request) else {
        return ErrorPage::new(pages::Failure::InvalidRequest)
            .detail("the address is wrongly encoded")
            .render(&visit.page);
    };
    let visit = visit.in_languages(parameters.optional("ui_locales").ok().flatten(), request);
    let asked = ask(&visit, request, &parameters).await;
    visit.remember_language(asked.unwrap_or_else(|error| refuse(&error, &visit)))
}

/// `POST /logout`: a form on any site may send it, and so it says nothing of the browser. The page that it leads to does.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let parameters = match body.0 {
        Ok(parameters) => parameters,
        Err(error) => return step::form_failure(error).render(&visit.page),
    };
    let visit = visit.in_languages(parameters.optional("ui_locales").ok().flatten(), request);
    match end_session::parse(&visit.ctx, visit.tenant(), &visit.caller, &parameters).await {
        Ok(request) => step::see_other(&format!("{}/logout?{}", visit.page.base, request.query())),
        Err(error) => refuse(&error, &visit),
    }
}

async fn ask(visit: &Visit, request: &Request, parameters: &Parameters) -> Result<Response, EndSessionError> {
    let end = end_session::check(&visit.ctx, visit.tenant(), &visit.caller, parameters).await?;
    let accounts = step::accounts(visit, request).await?;
    let (chosen, suggested) = match end_session::whom(&visit.ctx, visit.tenant(), &end, &accounts).await? {
        Whom::Nobody => return Ok(leave(visit, &end)),
        Whom::One(session) => (Some(session.id), None),
        Whom::Several(suggested) => (None, suggested),
    };
    let mut choices = Vec::new();
    for session in accounts.sessions().filter(|session| chosen.is_none_or(|chosen| chosen == session.id)) {
        let person = step::person(visit, session).await?;
        choices.push(AccountChoice { id: session.id.to_string(), person });
    }
    let (browser, cookie) = step::browser(visit, request);
    let secret = browser.first().ok_or(EndSessionError::FormRejected)?;
    let page = LogoutPage {
        client: end.client.as_ref().map(|client| step::display(client)),
        returns_to: returns_to(&end),
        parameters: end.request.pairs(),
        csrf: secret.logout_token(&end.request).expose().to_owned(),
        accounts: choices,
        suggested: suggested.map(|id| id.to_string()),
    };
    let response = page.render(&visit.page);
    Ok(match cookie {
        Some(cookie) => step::with_cookie(response, &cookie),
        None => response,
    })
}

/// `POST /logout/confirm`: the answer to the question.
#[handler]
pub(crate) async fn confirm(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let parameters = match body.0 {
        Ok(parameters) => parameters,
        Err(error) => return step::form_failure(error).render(&visit.page),
    };
    let visit = visit.in_languages(parameters.optional("ui_locales").ok().flatten(), request);
    answer(&visit, request, &parameters).await.unwrap_or_else(|error| refuse(&error, &visit))
}

async fn answer(visit: &Visit, request: &Request, parameters: &Parameters) -> Result<Response, EndSessionError> {
    let end = end_session::check(&visit.ctx, visit.tenant(), &visit.caller, parameters).await?;
    let accounts = step::accounts(visit, request).await?;
    match answered(visit, request, parameters, &end, &accounts) {
        Some(Answer::Stay) => stay(visit, &end, &accounts).await,
        Some(Answer::Leave(chosen)) => sign_out(visit, &end, accounts, &chosen).await,
        None => Err(end_session::reject_form(&visit.ctx, visit.tenant(), &visit.caller, &end, &accounts).await),
    }
}

/// What somebody answers to the question.
enum Answer {
    /// To stay signed in.
    Stay,
    /// To end these sessions: those that were asked about and are still there. What has ended in the meantime needn't be
    /// ended.
    Leave(Vec<SessionId>),
}

/// The answer that a form gives; `None` if it isn't one that we showed on this browser.
fn answered(
    visit: &Visit,
    request: &Request,
    parameters: &Parameters,
    end: &EndSession,
    accounts: &Accounts,
) -> Option<Answer> {
    let token = parameters.required("csrf").map(Secret::new).ok()?;
    if !cookies::browser(request, &visit.site).asked_to_log_out(&end.request, &token) {
        return None;
    }
    match parameters.optional("decision") {
        Ok(Some("yes")) => {}
        Ok(Some("no")) => return Some(Answer::Stay),
        _ => return None,
    }
    Some(Answer::Leave(match parameters.optional("account") {
        Ok(Some(ALL)) => accounts.sessions().map(|session| session.id).collect(),
        Ok(Some(id)) => id.parse().ok().filter(|id| accounts.of_session(*id).is_some()).into_iter().collect(),
        _ => return None,
    }))
}

async fn sign_out(
    visit: &Visit,
    end: &EndSession,
    accounts: Accounts,
    chosen: &[SessionId],
) -> Result<Response, EndSessionError> {
    let frames = end_session::end(&visit.ctx, visit.tenant(), &visit.caller, chosen.iter().copied()).await?;
    let response = farewell(visit, &frames, &destination(visit, end));
    let left = chosen.iter().fold(accounts, |left, id| left.without(*id));
    let cookie = cookies::set_sessions(&visit.site.cookies, &left);
    Ok(step::with_cookie(response, &cookie))
}

/// `GET /logout/done`: the last page, with a way back to the client that asked.
#[handler]
pub(crate) async fn done(visit: Visit, request: &Request) -> Response {
    let parameters = step::query(request).unwrap_or_default();
    let id = parameters.optional("client_id").ok().flatten().and_then(|id| id.parse().ok());
    let mut message = MessagePage::new(Message::SignedOut);
    if let Some(id) = id {
        match clients::active(&visit.ctx, visit.tenant_id(), &id).await {
            Ok(client) => message = message.client(step::display(&client)),
            Err(clients::ClientLookupError::Unknown) => {}
            Err(clients::ClientLookupError::Failure(failure)) => return page::failure(failure, &visit.page),
        }
    }
    visit.remember_language(message.render(&visit.page))
}

/// Where the client wants its user to be, or the last page.
fn destination(visit: &Visit, end: &EndSession) -> String {
    end.location().unwrap_or_else(|| last_page(visit, end))
}

fn leave(visit: &Visit, end: &EndSession) -> Response {
    step::see_other(&destination(visit, end))
}

/// Shows the clients that want to hear of a logout in the browser, and then the way on; without any the way on itself.
pub(crate) fn farewell(visit: &Visit, frames: &[LogoutFrame], next: &str) -> Response {
    if frames.is_empty() {
        return step::see_other(next);
    }
    FrontchannelLogoutPage { frames, next }.render(&visit.page)
}

fn last_page(visit: &Visit, end: &EndSession) -> String {
    let base = &visit.page.base;
    match &end.client {
        Some(client) => {
            let id: String = form_urlencoded::byte_serialize(client.id.as_str().as_bytes()).collect();
            format!("{base}/logout/done?client_id={id}")
        }
        None => format!("{base}/logout/done"),
    }
}

/// The person said no: a page that says who is signed in, with a way back to the client.
async fn stay(visit: &Visit, end: &EndSession, accounts: &Accounts) -> Result<Response, EndSessionError> {
    let Some(session) = accounts.sessions().next() else { return Ok(leave(visit, end)) };
    let person = step::person(visit, session).await?;
    let message = MessagePage::new(Message::SignedIn(person));
    Ok(match &end.client {
        Some(client) => message.client(step::display(client)),
        None => message,
    }
    .still()
    .render(&visit.page))
}

fn returns_to(end: &EndSession) -> Option<ReturnTarget> {
    end.return_to().and_then(|uri| ReturnTarget::from_redirect_uri(uri.as_str()))
}

/// The page that says why there is no logout; it names the parameter at fault.
fn refuse(error: &EndSessionError, visit: &Visit) -> Response {
    let failure = match error {
        EndSessionError::Parameter(_) => pages::Failure::InvalidRequest,
        EndSessionError::HintMissing => pages::Failure::IdTokenHintMissing,
        EndSessionError::Hint(_) => pages::Failure::IdTokenHintInvalid,
        EndSessionError::UnknownClient => pages::Failure::UnknownClient,
        EndSessionError::RedirectUri => pages::Failure::PostLogoutRedirectUriMismatch,
        EndSessionError::FormRejected => pages::Failure::FormRejected,
        EndSessionError::Failure(failure) => return page::failure(*failure, &visit.page),
    };
    ErrorPage::new(failure).detail(error.to_string()).render(&visit.page)
}
