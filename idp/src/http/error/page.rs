//! Failures of the hosted pages.

use poem::Response;

use crate::domain::authorization_request::UntrustedRequest;
use crate::http::pages::{self, ErrorPage, Message, MessagePage, PageContext};
use crate::service::Failure;
use crate::service::authorize::AuthorizeError;

/// Seconds until it is worth trying again when something of ours isn't there.
const RETRY_SECONDS: u32 = 5;

/// The page that tells a person why an authorization can't go on.
pub fn authorize(error: &AuthorizeError, page: &PageContext) -> Response {
    let failure = match error {
        AuthorizeError::Untrusted(error) => return untrusted(error, page),
        AuthorizeError::FlowFinished => return MessagePage::new(Message::FlowFinished).render(page),
        AuthorizeError::FlowUnknown => pages::Failure::FlowUnknown,
        AuthorizeError::OtherBrowser => pages::Failure::OtherBrowser,
        AuthorizeError::FormRejected => pages::Failure::FormRejected,
        AuthorizeError::Failure(failure) => of(*failure),
    };
    ErrorPage::new(failure).render(page)
}

/// The page for something of ours that failed.
pub fn failure(failure: Failure, page: &PageContext) -> Response {
    ErrorPage::new(of(failure)).render(page)
}

const fn of(failure: Failure) -> pages::Failure {
    match failure {
        Failure::Unavailable => pages::Failure::Unavailable { seconds: RETRY_SECONDS },
        Failure::Busy => pages::Failure::Busy { seconds: RETRY_SECONDS },
        Failure::Internal => pages::Failure::Internal,
    }
}

/// A request that must not be answered by a redirect: the page names the parameter at fault.
fn untrusted(error: &UntrustedRequest, page: &PageContext) -> Response {
    let failure = match error {
        UntrustedRequest::ClientId(_) | UntrustedRequest::UnknownClient => pages::Failure::UnknownClient,
        UntrustedRequest::RequestObject(_) => pages::Failure::InvalidRequest,
        UntrustedRequest::RedirectUriMissing => pages::Failure::RedirectUriMissing,
        UntrustedRequest::RedirectUri(_) | UntrustedRequest::RedirectUriMismatch => pages::Failure::RedirectUriMismatch,
    };
    ErrorPage::new(failure).detail(error.to_string()).render(page)
}
