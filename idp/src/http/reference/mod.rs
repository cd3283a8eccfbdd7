//! `/docs`: the reference of the API, made of its OpenAPI document by the server.
//!
//! Decided against embedding a viewer (Scalar, Swagger UI, Redoc): see `docs/decisions/0009-own-reference-page.md`.

mod document;
mod example;
mod json;

use std::sync::LazyLock;

use askama::Template;
use poem::{Response, handler};

use self::document::Reference;
use super::extract::visit::Visit;
use super::openapi_service::openapi_document;
use super::pages::assets::{self, Files};
use super::pages::{self, Language, PageContext};

/// The document never changes while the program runs.
static REFERENCE: LazyLock<Reference> = LazyLock::new(|| {
    let document = openapi_document().unwrap_or_default();
    Reference::new(&serde_json::from_str(&document).unwrap_or_default())
});

#[derive(Template)]
#[template(path = "reference.html")]
struct Page<'a> {
    issuer: &'a str,
    files: &'static Files,
    reference: &'static Reference,
}

/// `GET /docs`: every operation, with lines to paste for the issuer that it is asked at.
#[handler]
pub(crate) fn page(visit: Visit) -> Response {
    let issuer = visit.tenant().issuer.to_string();
    let page = Page { issuer: &issuer, files: assets::files(), reference: &REFERENCE };
    // The document is in one language.
    let language = Language::from_code("en").unwrap_or(visit.page.language);
    pages::plain(&page, &PageContext { language, ..visit.page })
}
