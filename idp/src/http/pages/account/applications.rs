//! Which applications may use the account, and whether to take that back.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::Frame;
use crate::domain::Timestamp;
use crate::http::pages::consent::ScopeLine;
use crate::http::pages::moment::Moment;
use crate::http::pages::{ClientDisplay, PageContext, RequestedScope, headers::Answer, layout::Chrome, texts::Texts};

/// A client that may use the account.
#[derive(Clone, Debug)]
pub struct ApplicationView {
    /// Its `client_id`.
    pub id: String,
    /// How it is shown.
    pub client: ClientDisplay,
    /// Whether it is switched off.
    pub is_disabled: bool,
    /// Whether it has to ask the person.
    pub asks: bool,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// The applications that have access.
#[derive(Clone, Debug)]
pub struct ApplicationsPage {
    /// What is around it.
    pub frame: Frame,
    /// The applications of this page.
    pub applications: Vec<ApplicationView>,
    /// Whether there are some before these.
    pub is_continued: bool,
    /// The last of these, if there are more after it.
    pub next: Option<String>,
}

/// Asks whether to take back what a client was allowed. Posts `csrf`, `client` to
/// `{base}/account/applications/withdraw`.
#[derive(Clone, Debug)]
pub struct WithdrawPage {
    /// What is around it.
    pub frame: Frame,
    /// The application.
    pub application: ApplicationView,
}

/// An application, in the reader's language.
struct Row<'a> {
    client: &'a ClientDisplay,
    is_disabled: bool,
    scopes: Vec<ScopeLine>,
    since: Moment,
    withdraw: String,
    withdraw_label: String,
}

impl ApplicationView {
    fn row<'a>(&'a self, context: &PageContext) -> Row<'a> {
        let t = Texts(context.language);
        let line =
            |name: &String| RequestedScope { name: name.clone(), description: None, is_new: false }.line(t, false);
        Row {
            client: &self.client,
            is_disabled: self.is_disabled,
            scopes: self.scopes.iter().map(line).collect(),
            since: Moment::ago(t, self.since, self.now),
            withdraw: context.address("/account/applications/withdraw", &[("client", &self.id)]),
            withdraw_label: t.with("account-withdraw-from", "client", self.client.name.as_str()),
        }
    }
}

#[derive(Template)]
#[template(path = "account_applications.html")]
struct ListView<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    page: &'a ApplicationsPage,
    rows: Vec<Row<'a>>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "account_withdraw.html")]
struct WithdrawView<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
    page: &'a WithdrawPage,
    client: &'a ClientDisplay,
    scopes: Vec<ScopeLine>,
}

impl ApplicationsPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let view = ListView {
            chrome: Chrome::of_request(context),
            t: Texts(context.language),
            frame: &self.frame,
            page: self,
            rows: self.applications.iter().map(|application| application.row(context)).collect(),
            next: self.next.as_ref().map(|after| context.address("/account/applications", &[("after", after)])),
        };
        Answer::new(StatusCode::OK).render(&view, context)
    }
}

impl WithdrawPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let Row { client, scopes, .. } = self.application.row(context);
        let view = WithdrawView {
            chrome: Chrome::of_request(context),
            t: Texts(context.language),
            frame: &self.frame,
            page: self,
            client,
            scopes,
        };
        Answer::new(StatusCode::OK).render(&view, context)
    }
}
