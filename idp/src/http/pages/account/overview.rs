//! The first page: what there is.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::Frame;
use crate::http::pages::{PageContext, headers::Answer, layout::Chrome, texts::Texts};

/// The page that leads to the others.
#[derive(Clone, Debug)]
pub struct OverviewPage {
    /// What is around it.
    pub frame: Frame,
}

#[derive(Template)]
#[template(path = "account_overview.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    frame: &'a Frame,
}

impl OverviewPage {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let t = Texts(context.language);
        let view = View { chrome: Chrome::of_request(context), t, frame: &self.frame };
        Answer::new(StatusCode::OK).render(&view, context)
    }
}
