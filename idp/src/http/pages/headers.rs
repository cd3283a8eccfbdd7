//! The headers of every hosted page, and the way from a template to a response.

use askama::Template;
use poem::{
    Response,
    http::{HeaderValue, StatusCode, header},
};

use super::{PageContext, client::ReturnTarget};

/// What of a response depends on the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    /// Status of the response.
    pub(super) status: StatusCode,
    /// Where a form on the page ends up after our own redirects; browsers hold `form-action` against each of them.
    pub(super) returns_to: Option<&'a ReturnTarget>,
    /// Whose pages are shown in frames.
    pub(super) frames: &'a [ReturnTarget],
    /// `Retry-After`, in seconds.
    pub(super) retry_after: Option<u32>,
}

/// A page that isn't part of a sign-in, rendered elsewhere: with all headers of a hosted page.
pub(in crate::http) fn plain(template: &impl Template, context: &PageContext) -> Response {
    Answer::new(StatusCode::OK).render(template, context)
}

impl Answer<'_> {
    /// A page with this status, whose forms, if any, stay on this host.
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, returns_to: None, frames: &[], retry_after: None }
    }

    /// Renders a template into a response with all headers of a hosted page.
    pub(super) fn render(self, template: &impl Template, context: &PageContext) -> Response {
        let Ok(html) = template.render() else {
            // Writing to a `String` doesn't fail, and nothing in a template does either.
            return Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR).finish();
        };
        let mut response = Response::builder()
            .status(self.status)
            .content_type("text/html; charset=utf-8")
            .header(header::CONTENT_LANGUAGE, context.language.code())
            .header(header::CONTENT_SECURITY_POLICY, policy(self.returns_to, self.frames))
            .header(header::CACHE_CONTROL, "no-store")
            .header(header::REFERRER_POLICY, "no-referrer")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .header(header::X_FRAME_OPTIONS, "DENY")
            .header("cross-origin-opener-policy", "same-origin")
            .header("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
            .body(html);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The content security policy (CSP Level 3): nothing from elsewhere but pictures, nothing inline, no frames but those
/// that the page has.
fn policy(returns_to: Option<&ReturnTarget>, frames: &[ReturnTarget]) -> String {
    let mut policy = String::from(
        "default-src 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'; form-action 'self'",
    );
    if let Some(target) = returns_to {
        policy.push(' ');
        policy.push_str(target.source());
    }
    if !frames.is_empty() {
        policy.push_str("; frame-src");
        for target in frames {
            policy.push(' ');
            policy.push_str(target.source());
        }
    }
    policy.push_str("; frame-ancestors 'none'; base-uri 'none'");
    policy
}
