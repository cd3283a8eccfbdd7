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
    /// Where the page's forms lead.
    pub(super) forms: Forms,
    /// Whose pages are shown in frames.
    pub(super) frames: &'a [ReturnTarget],
    /// `Retry-After`, in seconds.
    pub(super) retry_after: Option<u32>,
}

/// Where the forms of a page lead, over all redirects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forms {
    /// To pages of this host. The policy says so.
    Here,
    /// Perhaps to the client, and to wherever it goes from there. The policy says nothing of forms, because browsers hold
    /// `form-action` against each redirect after a form and not only against the first (CSP Level 3 §6.4.1; Chromium
    /// does): the client's own redirects, to hosts that nobody registered, would leave the reader on our page without a
    /// word, the code already spent. Decided against `*`, which leaves out the schemes of apps, and against a page
    /// between, which clients don't expect where they are answered with 303. What the directive guards against, a form
    /// that somebody else wrote into the page, can't come about: templates escape all that is shown.
    ToTheClient,
}

/// A page that isn't part of a sign-in, rendered elsewhere: with all headers of a hosted page.
pub(in crate::http) fn plain(template: &impl Template, context: &PageContext) -> Response {
    Answer::new(StatusCode::OK).render(template, context)
}

impl Answer<'_> {
    /// A page with this status, whose forms, if any, stay on this host.
    pub(super) fn new(status: StatusCode) -> Self {
        Self { status, forms: Forms::Here, frames: &[], retry_after: None }
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
            .header(header::CONTENT_SECURITY_POLICY, policy(self.forms, self.frames))
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
fn policy(forms: Forms, frames: &[ReturnTarget]) -> String {
    let mut policy =
        String::from("default-src 'none'; style-src 'self'; img-src 'self' https: data:; script-src 'self'");
    match forms {
        Forms::Here => policy.push_str("; form-action 'self'"),
        Forms::ToTheClient => {}
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
