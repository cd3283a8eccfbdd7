//! `/consent`: the consent page.

use poem::{Request, Response, handler};

use super::step;
use crate::http::error::page;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{ConsentPage, Person, RequestedScope};
use crate::service::authorize::{self, AuthorizeError, Next};
use crate::service::browser::{BrowserSecret, Form};
use crate::service::consent::{self, Answer};

/// `GET /consent?flow=…`: what the client wants, or what comes next if nobody needs to be asked.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &BrowserSecret) -> Result<Response, AuthorizeError> {
    let parameters = step::query(request).ok_or(AuthorizeError::FlowUnknown)?;
    let id = step::flow_id(&parameters)?;
    let open = authorize::open_flow(&visit.ctx, visit.tenant_id(), id, browser).await?;
    let session = step::session(visit, request).await?;
    let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, session.as_ref()).await?;
    let (Next::Consent(_), Some(session)) = (&next, session) else { return Ok(step::redirect(visit, &next)) };
    let person = authorize::person(&visit.ctx, visit.tenant_id(), &session).await?;
    let remembered = authorize::remembered(&visit.ctx, visit.tenant_id(), &open.client, Some(&session)).await?;
    let scopes = authorize::scopes_to_show(&open, remembered.as_ref());
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let page = ConsentPage {
        client: step::client_display(&open),
        returns_to: step::return_target(&open)?,
        flow: open.flow.id.to_string(),
        csrf: browser.csrf_token(open.flow.id, Form::Consent(session.user_id)).expose().to_owned(),
        person: Person { name: person.profile.name.clone(), login: person.login() },
        scopes: scopes.into_iter().map(|(name, is_new)| RequestedScope { name, description: None, is_new }).collect(),
    };
    Ok(page.render(&visit.page))
}

/// `POST /consent`: the answer.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let session = match step::session(&visit, request).await {
        Ok(session) => session,
        Err(error) => return page::authorize(&error, &visit.page),
    };
    // Whoever is signed out by now signs in again, and is asked again.
    let Some(session) = session else {
        let next = body.0.ok().and_then(|form| step::flow_id(&form).ok()).ok_or(AuthorizeError::FlowUnknown);
        return step::answer(&visit, next.map(Next::SignIn));
    };
    let (open, _browser, parameters) = match step::form(&visit, request, Form::Consent(session.user_id), body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let answer = match parameters.optional("decision") {
        Ok(Some("allow")) => Answer::Allow,
        Ok(Some("deny")) => Answer::Deny,
        _ => return page::authorize(&AuthorizeError::FormRejected, &visit.page),
    };
    let next = consent::answer(&visit.ctx, visit.tenant_id(), &visit.caller, &open, session, answer).await;
    step::answer(&visit, next)
}
