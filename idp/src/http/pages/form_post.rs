//! The page that posts an answer to the client (OAuth 2.0 Form Post Response Mode): by itself with a script, by a button
//! without.

use askama::Template;
use poem::{Response, http::StatusCode};

use super::{
    PageContext, ReturnTarget,
    headers::{Answer, Forms},
    layout::Chrome,
    texts::Texts,
};

/// The form that carries an answer to the client.
#[derive(Clone, Copy, Debug)]
pub struct FormPostPage<'a> {
    /// The redirect URI, with its own query.
    pub action: &'a str,
    /// What the client is told, by name.
    pub parameters: &'a [(&'static str, &'a str)],
    /// Where that is.
    pub returns_to: &'a ReturnTarget,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct View<'a> {
    chrome: Chrome<'a>,
    t: Texts,
    page: FormPostPage<'a>,
}

impl FormPostPage<'_> {
    /// The page as a response, always 200.
    pub fn render(&self, context: &PageContext) -> Response {
        let view = View { chrome: Chrome::still(context), t: Texts(context.language), page: *self };
        Answer { forms: Forms::ToTheClient, ..Answer::new(StatusCode::OK) }.render(&view, context)
    }
}
