//! Several accounts in one browser: the console shows one and lets the person turn to another, or sign in with one more.

use poem::{Request, Response, handler};

use super::entry::Console;
use crate::domain::account::AccountPage;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::oidc::step;
use crate::http::pages::{Message, MessagePage};
use crate::service::authorize::Next;

/// `POST /account/switch`: the console is about another account of this browser from now on.
#[handler]
pub(super) async fn switch(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (console, parameters) = match Console::posted(visit, request, AccountPage::Overview, body).await {
        Ok(posted) => posted,
        Err(response) => return response,
    };
    let id = parameters.required("account").ok().and_then(|text| text.parse().ok());
    let Some(session) = id.and_then(|id| console.accounts.of_session(id)) else { return console.not_found() };
    let accounts = console.accounts.with_latest(session.id);
    let response = console.done(AccountPage::Overview, None);
    step::with_cookie(response, &cookies::set_sessions(&console.site.cookies, &accounts))
}

/// `POST /account/sign-out`: the person has no session on this browser from now on.
#[handler]
pub(super) async fn sign_out(visit: Visit, request: &Request, body: PostedBody) -> Response {
    match Console::posted(visit, request, AccountPage::Overview, body).await {
        Ok((console, _)) => console.sign_out().await,
        Err(response) => response,
    }
}

/// `GET /account/signed-out`: says that it is done. To whoever is signed in by now it isn't said.
#[handler]
pub(super) async fn signed_out(visit: Visit, request: &Request) -> Response {
    match step::accounts(&visit, request).await {
        Ok(accounts) if accounts.is_empty() => {
            visit.remember_language(MessagePage::new(Message::SignedOut).render(&visit.page))
        }
        Ok(_) => step::redirect(&visit, &Next::Account(AccountPage::Overview)),
        Err(error) => page::authorize(&error, &visit.page),
    }
}

/// `POST /account/add`: somebody signs in beside those who are.
#[handler]
pub(super) async fn add(visit: Visit, request: &Request, body: PostedBody) -> Response {
    match Console::posted(visit, request, AccountPage::Overview, body).await {
        Ok((console, _)) => console.another_account().await,
        Err(response) => response,
    }
}
