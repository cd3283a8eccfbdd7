//! Answers where no endpoint is reached: a page for browsers, a problem (RFC 9457) for everybody else.

use std::sync::Arc;

use openapi::Problem;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{IntoResponse, Request, Response};
use poem_openapi::error::ParseParamError;

use super::oauth::OAuthError;
use super::page;
use crate::http::extract::visit::page_context;
use crate::http::pages::{self, Brand, ErrorPage, Language, PageContext, Preferences};
use crate::http::site::Site;
use crate::service::Failure;
use crate::telemetry::RequestId;

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
        return page::failure(failure, &context(request));
    }
    match failure {
        Failure::Unavailable | Failure::Busy => {
            let text = "The service can't answer right now; try again in a moment.";
            let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, text);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Failure::Internal => problem(StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side."),
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
            return problem(status, &text);
        }
        let text = match status {
            StatusCode::NOT_FOUND => "There is nothing at this address.",
            StatusCode::METHOD_NOT_ALLOWED => "This address doesn't take this method.",
            status if status.is_client_error() => "The request can't be read.",
            _ => "Something went wrong on our side.",
        };
        return problem(status, text);
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
    if wants_page(request) { ErrorPage::new(failure).render(&context(request)) } else { problem(status, text) }
}

/// A problem with the reference of this request, ready to be sent.
pub fn problem(status: StatusCode, text: &str) -> Response {
    described(status, text).into_response()
}

/// A problem with the reference of this request.
pub fn described(status: StatusCode, text: &str) -> Problem {
    let problem = Problem::new(status).detail(text);
    match RequestId::current() {
        Some(id) => problem.reference(id.to_string()),
        None => problem,
    }
}

/// Whether a browser asks for something to look at.
pub fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// What a page about this request needs to know, also where no tenant was found.
pub fn context(request: &Request) -> PageContext {
    if let Some(site) = request.data::<Arc<Site>>() {
        return page_context(request, site);
    }
    let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    PageContext {
        base: String::new(),
        brand: Arc::new(Brand::new("Signet")),
        language: Language::negotiate(&Preferences { accepted, ..Preferences::default() }),
        reference: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    }
}
