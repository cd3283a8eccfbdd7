//! Flows: requests that wait for their user, each in the browser that it was shown to.

use std::sync::Arc;

use super::{AuthorizeError, Next, account, active_client};
use crate::domain::account::AccountPage;
use crate::domain::authorization_flow::{AuthorizationFlow, FlowState};
use crate::domain::authorization_request::{AuthorizationError, AuthorizationErrorCode, Prompt, UntrustedRequest};
use crate::domain::authorization_response::AuthorizationResponse;
use crate::domain::session::Session;
use crate::domain::{FlowId, Secret, SessionId, TenantId};
use crate::service::audit;
use crate::service::browser::{Browser, BrowserSecret, Form};
use crate::service::clients::ReadyClient;
use crate::service::ctx::Ctx;
use crate::store::{self, StoreError};

/// A flow that is waiting for its user, in the browser that it belongs to.
#[derive(Clone, Debug)]
pub struct OpenFlow {
    /// The flow.
    pub flow: AuthorizationFlow,
    /// Who asks.
    pub client: Arc<ReadyClient>,
    /// The secret of the browser that it belongs to.
    pub browser: BrowserSecret,
}

impl OpenFlow {
    /// The same, once somebody has signed in on its page.
    #[must_use]
    pub fn after(&self, session: &Session) -> Self {
        let id = Some(session.id);
        Self { flow: AuthorizationFlow { session_id: id, chosen_session_id: id, ..self.flow.clone() }, ..self.clone() }
    }

    /// The token of a form of this flow.
    pub fn csrf_token(&self, form: Form) -> Secret {
        self.browser.csrf_token(self.flow.id, form)
    }
}

/// The open flow of that id, if this browser may go on with it: the gate of every page. A flow that belongs to no
/// browser yet is bound to this one.
pub async fn open_flow(ctx: &Ctx, tenant: TenantId, id: FlowId, browser: &Browser) -> Result<OpenFlow, AuthorizeError> {
    let flow = store::authorization_flows::find(ctx.database.read(), tenant, id).await?;
    let flow = flow.filter(|flow| ctx.now() < flow.expires_at).ok_or(AuthorizeError::FlowUnknown)?;
    let mine = match &flow.browser_hash {
        Some(bound) => browser.of_hash(bound),
        None => bind(ctx, tenant, id, browser).await?,
    };
    let browser = mine.ok_or(AuthorizeError::OtherBrowser)?.clone();
    match flow.state {
        FlowState::Open => {}
        FlowState::Completed | FlowState::Refused => return Err(AuthorizeError::FlowFinished),
    }
    let client = match flow.account_page {
        Some(_) => account::client(&flow),
        None => active_client(ctx, tenant, &flow.client_id).await?,
    };
    if !client.admits_redirect(&flow.request.redirect_uri) {
        return Err(UntrustedRequest::RedirectUriMismatch.into());
    }
    Ok(OpenFlow { flow, client, browser })
}

/// Binds a flow that came without cookies to the browser that shows its first page.
async fn bind<'a>(
    ctx: &Ctx,
    tenant: TenantId,
    id: FlowId,
    browser: &'a Browser,
) -> Result<Option<&'a BrowserSecret>, AuthorizeError> {
    let Some(secret) = browser.first() else { return Ok(None) };
    let hash = secret.hash();
    let bound = ctx
        .database
        .write(async move |tx| store::authorization_flows::bind_browser(&tx, tenant, id, &hash).await)
        .await
        .map_err(|error: StoreError| AuthorizeError::from(error))?;
    Ok(bound.then_some(secret))
}

/// The open flow that a form belongs to, and which of `forms` it is: [`open_flow`], and the form's token is right.
pub async fn posted_flow(
    ctx: &Ctx,
    tenant: TenantId,
    id: FlowId,
    browser: &Browser,
    forms: &[Form],
    csrf: &Secret,
) -> Result<(OpenFlow, Form), AuthorizeError> {
    let (secret, form) = browser.that_was_shown(id, forms, csrf).ok_or(AuthorizeError::FormRejected)?;
    let open = open_flow(ctx, tenant, id, &Browser::from(secret)).await?;
    Ok((open, form))
}

/// Notes which account the person chose for a flow. The same flow, with it.
pub async fn choose(
    ctx: &Ctx,
    tenant: TenantId,
    open: &OpenFlow,
    session: SessionId,
) -> Result<OpenFlow, AuthorizeError> {
    let id = open.flow.id;
    let chosen = ctx
        .database
        .write(async move |tx| store::authorization_flows::choose_session(&tx, tenant, id, session).await)
        .await
        .map_err(|error: StoreError| AuthorizeError::from(error))?;
    if !chosen {
        return Err(AuthorizeError::FlowFinished);
    }
    let flow = AuthorizationFlow { chosen_session_id: Some(session), ..open.flow.clone() };
    Ok(OpenFlow { flow, ..open.clone() })
}

/// Ends a flow with an error for the client, because the user said no, which `event` tells of.
pub async fn deny(
    ctx: &Ctx,
    tenant: TenantId,
    open: &OpenFlow,
    description: &str,
    event: audit::AuditBuilder,
) -> Result<Next, AuthorizeError> {
    close(ctx, tenant, open.flow.id, Some(event)).await?;
    if open.flow.account_page.is_some() {
        // Who was asked to prove again who they are is in already.
        let is_in = open.flow.request.prompt.contains(&Prompt::Login);
        return Ok(if is_in { Next::Account(AccountPage::Overview) } else { Next::Home });
    }
    let error = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, description);
    Ok(Next::Return(AuthorizationResponse { to: open.flow.request.answer_to(), outcome: Err(error) }))
}

pub(super) async fn close(
    ctx: &Ctx,
    tenant: TenantId,
    id: FlowId,
    event: Option<audit::AuditBuilder>,
) -> Result<(), AuthorizeError> {
    let now = ctx.now();
    ctx.database
        .write(async move |tx| {
            if !store::authorization_flows::refuse(&tx, tenant, id, now).await? {
                return Err(AuthorizeError::FlowFinished);
            }
            if let Some(event) = event {
                tx.record(tenant, event);
            }
            Ok(())
        })
        .await
}
