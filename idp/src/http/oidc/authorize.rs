//! `/authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2): by GET and by POST, also from other sites.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::parameters::Parameters;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{self, ErrorPage};
use crate::service::authorize;
use crate::service::sessions::Accounts;

/// `GET /authorize`
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let Some(parameters) = step::query(request) else {
        return ErrorPage::new(pages::Failure::InvalidRequest)
            .detail("the address is wrongly encoded")
            .render(&visit.page);
    };
    let visit = speaking(visit, &parameters, request);
    let accounts = match step::accounts(&visit, request).await {
        Ok(accounts) => accounts,
        Err(error) => return page::authorize(&error, &visit.page),
    };
    let (browser, cookie) = step::browser(&visit, request);
    let next =
        authorize::start(&visit.ctx, visit.tenant(), &visit.caller, &parameters, browser.first(), &accounts).await;
    let mut response = step::answer(&visit, next);
    cookies::set_right(&mut response, request, &visit.site.cookies, &accounts);
    match cookie {
        Some(cookie) => step::with_cookie(response, &cookie),
        None => response,
    }
}

/// `POST /authorize`: a form on any site may send it, and so it says nothing of the browser. The first page does.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let parameters = match body.0 {
        Ok(parameters) => parameters,
        Err(error) => return step::form_failure(error).render(&visit.page),
    };
    let visit = speaking(visit, &parameters, request);
    let next =
        authorize::start(&visit.ctx, visit.tenant(), &visit.caller, &parameters, None, &Accounts::default()).await;
    step::answer(&visit, next)
}

fn speaking(visit: Visit, parameters: &Parameters, request: &Request) -> Visit {
    visit.in_languages(parameters.optional("ui_locales").ok().flatten(), request)
}
