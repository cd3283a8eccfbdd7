//! `/consent`: the consent page.

use poem::{Request, Response, handler};

use super::step;
use crate::domain::authorization_request::UntrustedRequest;
use crate::http::error::page;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{ConsentPage, RequestedScope, ReturnTarget};
use crate::service::authorize::{self, AuthorizeError, Next};
use crate::service::browser::{Browser, Form};
use crate::service::consent::{self, Answer};

/// `GET /consent?flow=…`: what the client wants, or what comes next if nobody needs to be asked.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &Browser) -> Result<Response, AuthorizeError> {
    let (open, _) = step::flow(visit, request, browser).await?;
    let accounts = step::accounts(visit, request).await?;
    let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, &accounts).await?;
    let session = authorize::consenting(&visit.ctx, visit.tenant_id(), &open, &accounts).await?;
    let (Next::Consent(_), Some(session)) = (&next, session) else { return Ok(step::redirect(visit, &next)) };
    let person = step::person(visit, session).await?;
    let remembered = authorize::consent_of(&visit.ctx, visit.tenant_id(), &open.client, session).await?;
    let scopes = authorize::scopes_to_show(&open, remembered.as_ref());
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let returns_to = ReturnTarget::from_redirect_uri(open.flow.request.redirect_uri.as_str())
        .ok_or(UntrustedRequest::RedirectUriMismatch)?;
    let page = ConsentPage {
        client: step::client_display(&open),
        returns_to,
        flow: open.flow.id.to_string(),
        csrf: open.csrf_token(Form::Consent(session.user_id)).expose().to_owned(),
        person,
        scopes: scopes.into_iter().map(|(name, is_new)| RequestedScope { name, description: None, is_new }).collect(),
    };
    Ok(page.render(&visit.page))
}

/// `POST /consent`: the answer.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let accounts = match step::accounts(&visit, request).await {
        Ok(accounts) => accounts,
        Err(error) => return page::authorize(&error, &visit.page),
    };
    // Whoever is signed out by now signs in again, and is asked again.
    if accounts.is_empty() {
        let next = body.0.ok().and_then(|form| step::flow_id(&form).ok()).ok_or(AuthorizeError::FlowUnknown);
        return step::answer(&visit, next.map(Next::SignIn));
    }
    // Which of the accounts was asked stands in the form's token.
    let forms: Vec<Form> = accounts.sessions().map(|session| Form::Consent(session.user_id)).collect();
    let (open, form, parameters) = match step::form(&visit, request, &forms, body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let Form::Consent(user) = form else { return page::authorize(&AuthorizeError::FormRejected, &visit.page) };
    let answer = match parameters.optional("decision") {
        Ok(Some("allow")) => Answer::Allow,
        Ok(Some("deny")) => Answer::Deny,
        _ => return page::authorize(&AuthorizeError::FormRejected, &visit.page),
    };
    let next = consent::answer(&visit.ctx, visit.tenant_id(), &visit.caller, &open, (&accounts, user), answer).await;
    step::answer(&visit, next)
}
