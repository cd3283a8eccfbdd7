//! The account chooser: who of those signed in on this browser goes on to the client.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{
    ClientDisplay, PageContext, Person,
    headers::{Answer, Forms},
    layout::{Chrome, page_of_flow},
    texts::Texts,
};

/// The page that asks which account. Posts `flow`, `csrf`, `account` to `{base}/select-account`; to cancel, `flow`,
/// `csrf`, `action=cancel`. Another account signs in at `{base}/login?flow=…&switch=1`.
#[derive(Clone, Debug)]
pub struct SelectAccountPage {
    /// The client that asks.
    pub client: ClientDisplay,
    /// Id of the flow.
    pub flow: String,
    /// Token that proves that the form is ours.
    pub csrf: String,
    /// Who is signed in, the one used last first.
    pub accounts: Vec<AccountChoice>,
}

/// An account to choose.
#[derive(Clone, Debug)]
pub struct AccountChoice {
    /// What the form sends.
    pub id: String,
    /// Whose it is.
    pub person: Person,
}

#[derive(Template)]
#[template(path = "select_account.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a SelectAccountPage,
    client: &'a ClientDisplay,
    another_account: String,
}

impl SelectAccountPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let view = View {
            chrome: Chrome::of_flow(context, &self.flow),
            t: Texts(context.language),
            page: self,
            client: &self.client,
            another_account: page_of_flow(context, "login", &self.flow, &[("switch", "1")]),
        };
        Answer { forms: Forms::ToTheClient, ..Answer::new(StatusCode::OK) }.render(&view, context)
    }
}
