//! What a client's page has in a frame, to ask whether somebody has signed in or out (OpenID Connect Session Management
//! 1.0 §3.2). Nobody sees it.

use askama::Template;
use poem::{
    Response,
    http::{StatusCode, header},
};

use super::assets::{self, Files};

/// The page, which knows the name of the cookie with the browser's state.
#[derive(Clone, Copy, Debug, Template)]
#[template(path = "check_session.html")]
pub struct CheckSessionPage<'a> {
    /// The cookie's name.
    pub cookie: &'a str,
}

impl CheckSessionPage<'_> {
    /// The page as a response: framed by anyone, the same for everybody, with one script and nothing else.
    pub fn render(&self) -> Response {
        let Ok(html) = Template::render(self) else {
            // As with every page, writing to a `String` doesn't fail.
            return Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish();
        };
        Response::builder()
            .content_type("text/html; charset=utf-8")
            .header(
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; script-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors *",
            )
            .header(header::CACHE_CONTROL, "public, max-age=3600")
            .header(header::REFERRER_POLICY, "no-referrer")
            .header("cross-origin-resource-policy", "cross-origin")
            .body(html)
    }

    #[expect(clippy::unused_self, reason = "templates reach everything through one value")]
    fn files(&self) -> &'static Files {
        assets::files()
    }
}
