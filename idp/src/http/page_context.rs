//! The context of a page: the tenant's brand and path, the language, the reference of the request.

use std::sync::Arc;

use poem::Request;
use poem::http::header;

use super::extract::cookies;
use super::pages::{Brand, Language, PageContext, Preferences, language};
use super::site::Site;
use crate::telemetry::RequestId;

/// Whether the request accepts a page.
pub(super) fn wants_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

/// The context of a page about a request, also where no tenant was found.
pub(super) fn of(request: &Request) -> PageContext {
    if let Some(site) = request.data::<Arc<Site>>() {
        return of_site(request, site);
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

/// The context of a page about a request to a site.
pub(super) fn of_site(request: &Request, site: &Site) -> PageContext {
    PageContext {
        base: site.base.clone(),
        brand: Arc::clone(&site.brand),
        language: negotiate(request, site, None),
        reference: RequestId::current().map(|id| id.to_string()).unwrap_or_default(),
        query: request.uri().query().unwrap_or_default().to_owned(),
    }
}

/// The language in the query, `lang`.
pub(super) fn chosen_language(request: &Request) -> Option<&str> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find_map(|(name, value)| (name == "lang").then_some(value))
}

/// The language of a page.
pub(super) fn negotiate(request: &Request, site: &Site, ui_locales: Option<&str>) -> Language {
    Language::negotiate(&Preferences {
        chosen: chosen_language(request),
        remembered: cookies::value(request, language::COOKIE),
        requested: ui_locales,
        accepted: request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()),
        fallback: site.tenant.settings.default_locale.as_deref(),
    })
}
