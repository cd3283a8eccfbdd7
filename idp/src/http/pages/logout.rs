//! The question whether to sign out, and the page that signs out at the clients.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{
    AccountChoice, ClientDisplay, PageContext, ReturnTarget,
    headers::{Answer, Forms},
    layout::Chrome,
    texts::Texts,
};
use crate::service::end_session::LogoutFrame;

/// The page that asks whether to sign out. Posts the request's parameters, `csrf`, `account` and `decision` (`yes` or
/// `no`) to `{base}/logout/confirm`.
#[derive(Clone, Debug)]
pub struct LogoutPage<'a> {
    /// The client that asks, if it is known.
    pub client: Option<ClientDisplay>,
    /// Where the reader goes then; `None` for a page of ours.
    pub returns_to: Option<ReturnTarget>,
    /// The request, by name.
    pub parameters: Vec<(&'static str, &'a str)>,
    /// Token that proves that the form is ours.
    pub csrf: String,
    /// Whose session may end: one account, or several to choose from.
    pub accounts: Vec<AccountChoice>,
    /// The one that is chosen at first; all of them if none is.
    pub suggested: Option<String>,
}

#[derive(Template)]
#[template(path = "logout.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: &'a LogoutPage<'a>,
}

impl LogoutPage<'_> {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let view = View { chrome: Chrome::of_request(context), t: Texts(context.language), page: self };
        let forms = if self.returns_to.is_some() { Forms::ToTheClient } else { Forms::Here };
        Answer { forms, ..Answer::new(StatusCode::OK) }.render(&view, context)
    }

    fn only(&self) -> Option<&AccountChoice> {
        self.accounts.first().filter(|_| self.accounts.len() == 1)
    }

    fn is_suggested(&self, account: &AccountChoice) -> bool {
        self.suggested.as_ref() == Some(&account.id)
    }
}

/// The page that shows each client's address in a frame, so that the reader is signed out there, and goes on when all
/// are there, or after a few seconds; without scripts, by a link (OpenID Connect Front-Channel Logout 1.0).
#[derive(Clone, Copy, Debug)]
pub struct FrontchannelLogoutPage<'a> {
    /// What is shown.
    pub frames: &'a [LogoutFrame],
    /// Where the reader goes then.
    pub next: &'a str,
}

#[derive(Template)]
#[template(path = "frontchannel_logout.html")]
struct FrontchannelView<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: FrontchannelLogoutPage<'a>,
}

impl FrontchannelLogoutPage<'_> {
    /// The page as a response, always 200. It can't be asked for again.
    pub fn render(&self, context: &PageContext) -> Response {
        let mut frames: Vec<ReturnTarget> = Vec::new();
        for frame in self.frames {
            if let Some(target) = ReturnTarget::from_redirect_uri(frame.uri.as_str())
                && !frames.contains(&target)
            {
                frames.push(target);
            }
        }
        let view = FrontchannelView { chrome: Chrome::still(context), t: Texts(context.language), page: *self };
        Answer { frames: &frames, ..Answer::new(StatusCode::OK) }.render(&view, context)
    }
}
