//! Getting in: from a request to the person whose account it is about.
//!
//! A page shows the account that was used last. A form carries a token of the browser and of the session that it was
//! shown to, and is about that one's account, whatever another tab has chosen in the meantime.

use std::ops::Deref;

use poem::{Request, Response};

use super::notice;
use crate::domain::account::AccountPage;
use crate::domain::parameters::Parameters;
use crate::domain::session::Session;
use crate::domain::user::User;
use crate::domain::{Secret, SessionId};
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::oidc::{logout, step};
use crate::http::pages::account::{Frame, Notice};
use crate::http::pages::{self, AccountChoice, ErrorPage, Person};
use crate::service::Failure;
use crate::service::account::{self, Member};
use crate::service::authorize::{self, AuthorizeError, Entry};
use crate::service::browser::BrowserSecret;
use crate::service::end_session;
use crate::service::sessions::Accounts;

/// Where somebody is told that they have signed out.
pub(super) const SIGNED_OUT: &str = "/account/signed-out";

/// The console, as somebody has opened it who is signed in.
#[derive(Debug)]
pub(super) struct Console {
    visit: Visit,
    here: AccountPage,
    /// The accounts of the browser, the one that it is about first.
    pub(super) accounts: Accounts,
    me: Member,
    others: Vec<Member>,
    browser: BrowserSecret,
    notice: Option<Notice>,
    cookies: Vec<String>,
}

impl Deref for Console {
    type Target = Visit;

    fn deref(&self) -> &Visit {
        &self.visit
    }
}

/// The browser's side of a request: what is known before it is known whose account it is about.
struct Arrival {
    visit: Visit,
    here: AccountPage,
    accounts: Accounts,
    members: Vec<Member>,
    browser: BrowserSecret,
    cookies: Vec<String>,
}

impl Arrival {
    async fn of(visit: Visit, request: &Request, here: AccountPage) -> Result<Self, Response> {
        let (browser, cookie) = step::browser(&visit, request);
        let found = async {
            let accounts = step::accounts(&visit, request).await?;
            let members = account::members(&visit.ctx, visit.tenant_id(), &accounts).await?;
            let browser = browser.first().cloned().ok_or(AuthorizeError::OtherBrowser)?;
            Ok((accounts, members, browser))
        };
        match found.await {
            Ok((accounts, members, browser)) => {
                Ok(Self { visit, here, accounts, members, browser, cookies: cookie.into_iter().collect() })
            }
            Err(error) => Err(page::authorize(&error, &visit.page)),
        }
    }

    /// Refuses a form that isn't from a page of any of these accounts. It is in the audit log of the one used last.
    async fn refuse(&self) -> Response {
        let Self { visit, members, .. } = self;
        let user = members.first().map(|member| member.user.id);
        let noted = account::note_rejected_form(&visit.ctx, visit.tenant_id(), &visit.caller, user).await;
        let error = noted.map_or_else(AuthorizeError::from, |()| AuthorizeError::FormRejected);
        page::authorize(&error, &visit.page)
    }

    /// The console about the account of that session, or of the one used last; to the sign-in page without one.
    async fn about(mut self, session: Option<SessionId>) -> Result<Console, Response> {
        let at = |id| self.members.iter().position(|member| member.session.id == id);
        let at = session.and_then(at).unwrap_or(0);
        if at >= self.members.len() {
            return Err(sign_in(&self.visit, self.here, Entry::SignIn, &self.browser, &self.cookies).await);
        }
        let me = self.members.remove(at);
        if at > 0 {
            self.accounts = self.accounts.with_latest(me.session.id);
            self.cookies.push(cookies::set_sessions(&self.visit.site.cookies, &self.accounts));
        }
        let Self { visit, here, accounts, members: others, browser, cookies } = self;
        Ok(Console { visit, here, accounts, me, others, browser, notice: None, cookies })
    }
}

/// The way to the sign-in page, and from there to a page of the console.
async fn sign_in(
    visit: &Visit,
    page: AccountPage,
    entry: Entry,
    browser: &BrowserSecret,
    cookies: &[String],
) -> Response {
    let flow = authorize::enter(&visit.ctx, visit.tenant(), page, entry, browser).await;
    let next = step::answer(visit, flow.map(authorize::Next::SignIn));
    cookies.iter().fold(visit.remember_language(next), |response, cookie| step::with_cookie(response, cookie))
}

impl Console {
    /// A page that somebody opens.
    pub(super) async fn open(visit: Visit, request: &Request, here: AccountPage) -> Result<Self, Response> {
        let arrival = Arrival::of(visit, request, here).await?;
        let notice = notice::read(request, &arrival.visit.site);
        let mut console = arrival.about(None).await?;
        if notice.is_some() {
            console.cookies.push(notice::clear(&console.site.cookies));
        }
        Ok(Self { notice, ..console })
    }

    /// A form that was sent from a page, and what was filled in. Who is signed out by now signs in and comes to the
    /// page; nothing is changed then.
    pub(super) async fn posted(
        visit: Visit,
        request: &Request,
        here: AccountPage,
        body: PostedBody,
    ) -> Result<(Self, Parameters), Response> {
        let parameters = body.0.map_err(|error| step::form_failure(error).render(&visit.page))?;
        let browser = cookies::browser(request, &visit.site);
        if browser.first().is_none() {
            return Err(page::authorize(&AuthorizeError::OtherBrowser, &visit.page));
        }
        let arrival = Arrival::of(visit, request, here).await?;
        if arrival.members.is_empty() {
            return arrival.about(None).await.map(|console| (console, parameters));
        }
        let sessions = arrival.members.iter().map(|member| member.session.id);
        let csrf = parameters.required("csrf").map(Secret::new).ok();
        match csrf.and_then(|csrf| browser.whose_account(sessions, &csrf)) {
            Some(session) => Ok((arrival.about(Some(session)).await?, parameters)),
            None => Err(arrival.refuse().await),
        }
    }

    /// Whose account it is.
    pub(super) fn user(&self) -> &User {
        &self.me.user
    }

    /// Their session on this browser.
    pub(super) fn session(&self) -> &Session {
        &self.me.session
    }

    /// Whose account it is, and their session on this browser.
    pub(super) fn me(&self) -> &Member {
        &self.me
    }

    /// Whether the person has signed in recently enough for what an account hangs on.
    pub(super) fn is_fresh(&self) -> bool {
        account::is_fresh(&self.me.session, self.ctx.now())
    }

    /// The way to this page by way of the sign-in page, where the person proves again who they are.
    pub(super) async fn sign_in_again(&self) -> Response {
        sign_in(&self.visit, self.here, Entry::Again(self.me.session.id), &self.browser, &self.cookies).await
    }

    /// Ends the person's session on this browser, which shows the clients that want to hear of it there. Who else is
    /// signed in here stays.
    pub(super) async fn sign_out(&self) -> Response {
        let this = self.me.session.id;
        // Whether it ended now or a moment ago makes no difference.
        let frames = match end_session::end(&self.ctx, self.tenant(), &self.caller, [this]).await {
            Ok(frames) => frames,
            Err(failure) => return self.failure(failure),
        };
        let accounts = self.accounts.without(this);
        let next = if accounts.is_empty() { SIGNED_OUT } else { AccountPage::Overview.path() };
        let response = logout::farewell(&self.visit, &frames, &format!("{}{next}", self.page.base));
        step::with_cookie(self.answer(response), &cookies::set_sessions(&self.site.cookies, &accounts))
    }

    /// What is around a page of the console.
    pub(super) fn frame(&self) -> Frame {
        let person = |user: &User| Person { name: user.profile.name.clone(), login: user.login() };
        let choice =
            |member: &Member| AccountChoice { id: member.session.id.to_string(), person: person(&member.user) };
        Frame {
            page: self.here,
            person: person(&self.me.user),
            others: self.others.iter().map(choice).collect(),
            csrf: self.browser.account_token(self.me.session.id).expose().to_owned(),
            notice: self.notice,
        }
    }

    /// A page, with the cookies that it brings.
    pub(super) fn answer(&self, response: Response) -> Response {
        let response = self.visit.remember_language(response);
        self.cookies.iter().fold(response, |response, cookie| step::with_cookie(response, cookie))
    }

    /// The way to a page of the console after something was done.
    pub(super) fn done(&self, page: AccountPage, notice: Option<Notice>) -> Response {
        let response = step::see_other(&format!("{}{}", self.page.base, page.path()));
        let response = self.answer(response);
        match notice {
            Some(notice) => step::with_cookie(response, &notice::set(&self.site.cookies, notice)),
            None => response,
        }
    }

    /// The page for something of ours that failed.
    pub(super) fn failure(&self, failure: Failure) -> Response {
        page::failure(failure, &self.page)
    }

    /// There is no such thing, or none of this person's.
    pub(super) fn not_found(&self) -> Response {
        ErrorPage::new(pages::Failure::NotFound).render(&self.page)
    }

    /// The form can't be one of ours.
    pub(super) fn form_rejected(&self) -> Response {
        page::authorize(&AuthorizeError::FormRejected, &self.page)
    }

    /// The way to the page of the console by way of the sign-in page, where another account is signed in.
    pub(super) async fn another_account(&self) -> Response {
        let flow = authorize::enter(&self.ctx, self.tenant(), self.here, Entry::SignIn, &self.browser).await;
        match flow {
            Ok(flow) => step::see_other(&format!("{}/login?flow={flow}&switch=1", self.page.base)),
            Err(error) => page::authorize(&error, &self.page),
        }
    }
}
