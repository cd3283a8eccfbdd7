//! Answers where no endpoint is reached: a page for browsers, a problem (RFC 9457) for everybody else.

use poem::http::{HeaderValue, StatusCode, header};
use poem::{Request, Response};
use poem_openapi::error::ParseParamError;

use super::oauth::OAuthError;
use super::{page, problem};
use crate::http::page_context::{self, wants_page};
use crate::http::pages::{self, ErrorPage, PageContext};
use crate::service::Failure;

/// Nothing is at this address.
pub fn not_found(request: &Request) -> Response {
    answer(request, StatusCode::NOT_FOUND, pages::Failure::NotFound, "There is nothing at this address.")
}

/// The address has no tenant.
pub fn unknown_tenant(request: &Request) -> Response {
    answer(request, StatusCode::NOT_FOUND, pages::Failure::TenantUnknown, "There is no such tenant.")
}

/// Something of ours failed before an endpoint was reached.
pub fn failure(request: &Request, failure: Failure) -> Response {
    if wants_page(request) {
        return page::failure(failure, &page_context::of(request));
    }
    match failure {
        Failure::Unavailable | Failure::Busy => {
            let text = "The service can't answer right now; try again in a moment.";
            let mut response = problem::response(StatusCode::SERVICE_UNAVAILABLE, text);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Failure::Internal => problem::response(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side."),
    }
}

/// Turns an error that the framework made into an answer of ours. Its text is for the log.
pub fn framework(error: poem::Error, page: Option<&PageContext>) -> Response {
    // An extractor of ours said what was wrong in full.
    if error.is_from_response() || error.is::<OAuthError>() {
        return error.into_response();
    }
    let status = error.status();
    if status.is_server_error() {
        tracing::error!(error = %error, "a request failed");
    }
    let Some(page) = page else {
        if let Some(parameter) = error.downcast_ref::<ParseParamError>() {
            let text = format!("The parameter {} can't be that: see /docs for what it may be.", parameter.name);
            return problem::response(status, &text);
        }
        let text = match status {
            StatusCode::NOT_FOUND => "There is nothing at this address.",
            StatusCode::METHOD_NOT_ALLOWED => "This address doesn't take this method.",
            status if status.is_client_error() => "The request can't be read.",
            _ => "Something went wrong on our side.",
        };
        return problem::response(status, text);
    };
    let failure = match status {
        StatusCode::NOT_FOUND => pages::Failure::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => pages::Failure::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => pages::Failure::TooLarge,
        status if status.is_client_error() => pages::Failure::InvalidRequest,
        _ => pages::Failure::Internal,
    };
    ErrorPage::new(failure).render(page)
}

fn answer(request: &Request, status: StatusCode, failure: pages::Failure, text: &str) -> Response {
    if wants_page(request) {
        ErrorPage::new(failure).render(&page_context::of(request))
    } else {
        problem::response(status, text)
    }
}
