//! `/select-account`: which of the accounts that are signed in on this browser.

use poem::{Request, Response, handler};

use super::step;
use crate::http::error::page;
use crate::http::extract::cookies;
use crate::http::extract::oauth_form::PostedBody;
use crate::http::extract::visit::Visit;
use crate::http::pages::{AccountChoice, SelectAccountPage};
use crate::service::authorize::{self, AuthorizeError, Next};
use crate::service::browser::{Browser, Form};

/// `GET /select-account?flow=…`: the accounts. Where there is none, the sign-in page comes next.
#[handler]
pub(crate) async fn get(visit: Visit, request: &Request) -> Response {
    let (browser, cookie) = step::browser(&visit, request);
    let shown = show(&visit, request, &browser).await;
    step::page(&visit, shown, cookie)
}

async fn show(visit: &Visit, request: &Request, browser: &Browser) -> Result<Response, AuthorizeError> {
    let (open, _) = step::flow(visit, request, browser).await?;
    let accounts = step::accounts(visit, request).await?;
    if accounts.is_empty() {
        return Ok(step::redirect(visit, &Next::SignIn(open.flow.id)));
    }
    let mut choices = Vec::new();
    for session in accounts.sessions() {
        choices.push(AccountChoice { id: session.id.to_string(), person: step::person(visit, session).await? });
    }
    let visit = visit.clone().in_languages(open.flow.request.ui_locales.as_deref(), request);
    let page = SelectAccountPage {
        client: step::client_display(&open),
        flow: open.flow.id.to_string(),
        csrf: open.csrf_token(Form::SelectAccount).expose().to_owned(),
        accounts: choices,
    };
    Ok(page.render(&visit.page))
}

/// `POST /select-account`: the choice, or back to the client.
#[handler]
pub(crate) async fn post(visit: Visit, request: &Request, body: PostedBody) -> Response {
    let (open, _, parameters) = match step::form(&visit, request, &[Form::SelectAccount], body).await {
        Ok(form) => form,
        Err(response) => return response,
    };
    let visit = visit.in_languages(open.flow.request.ui_locales.as_deref(), request);
    let chosen = async {
        if parameters.optional("action") == Ok(Some("cancel")) {
            return step::cancel(&visit, &open, "the user chose no account").await;
        }
        let accounts = step::accounts(&visit, request).await?;
        let id = parameters.required("account").ok().and_then(|text| text.parse().ok());
        // An account that was signed out in the meantime: whoever it is may sign in.
        let Some(session) = id.and_then(|id| accounts.of_session(id)) else {
            return Ok(step::redirect(&visit, &Next::SelectAccount(open.flow.id)));
        };
        let open = authorize::choose(&visit.ctx, visit.tenant_id(), &open, session.id).await?;
        let accounts = accounts.with_latest(session.id);
        let next = authorize::advance(&visit.ctx, visit.tenant_id(), &visit.caller, &open, &accounts).await;
        let cookie = cookies::set_sessions(&visit.site.cookies, &accounts);
        Ok(step::with_cookie(step::answer(&visit, next), &cookie))
    };
    chosen.await.unwrap_or_else(|error: AuthorizeError| page::authorize(&error, &visit.page))
}
