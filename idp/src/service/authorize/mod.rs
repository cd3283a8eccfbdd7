//! Authorization: from the request, over the pages, to the answer (RFC 6749 §4.1, OpenID Connect Core §3.1.2).
//!
//! One function, [`decide`], says what a request still needs. Each page asks it again on its way on, so that no page
//! can be left out; and one function, [`complete`], gives out codes.

mod account;
mod completion;
mod decision;
mod flow;
mod hint;
mod refusal;

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::Failure;
use super::browser::BrowserSecret;
use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::{Caller, Ctx};
use super::request_object::{self, RequestObjectError};
use super::sessions::Accounts;
use crate::domain::account::AccountPage;
use crate::domain::authorization_flow::{AuthorizationFlow, FlowState};
use crate::domain::authorization_request::{
    AuthorizationError, AuthorizationErrorCode, AuthorizationRequest, UntrustedRequest,
};
use crate::domain::authorization_response::AuthorizationResponse;
use crate::domain::client::{Client, ClientStatus, ConsentPolicy};
use crate::domain::consent::Consent;
use crate::domain::parameters::Parameters;
use crate::domain::provider_metadata::SCOPES;
use crate::domain::scope::Scope;
use crate::domain::session::Session;
use crate::domain::session_state::BrowserState;
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::domain::{ClientId, FlowId, TenantId};
use crate::store::{self, StoreError};

pub use account::{Entry, enter};
pub use completion::{Completion, GivenConsent, complete};
pub use flow::{OpenFlow, choose, deny, open_flow, posted_flow};

use decision::{Actor, Decision, Presence, decide, first_page};

/// What the browser is to do next.
#[derive(Debug)]
pub enum Next {
    /// Show the sign-in page of the flow.
    SignIn(FlowId),
    /// Show the page of the flow on which an account is made.
    SignUp(FlowId),
    /// Show the account chooser of the flow.
    SelectAccount(FlowId),
    /// Show the consent page of the flow.
    Consent(FlowId),
    /// Go back to the client.
    Return(AuthorizationResponse),
    /// Go to a page of the account console.
    Account(AccountPage),
    /// Go to the tenant's own address: the flow was for the account console, and the person wouldn't.
    Home,
}

/// Why an authorization can't go on; the person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthorizeError {
    /// The request names no client and redirect URI that could be answered.
    #[error(transparent)]
    Untrusted(#[from] UntrustedRequest),
    /// There is no such flow, or it is too old.
    #[error("the authorization flow is unknown or too old")]
    FlowUnknown,
    /// The flow was finished before.
    #[error("the authorization flow was finished before")]
    FlowFinished,
    /// The flow was begun in another browser.
    #[error("the authorization flow belongs to another browser")]
    OtherBrowser,
    /// The form doesn't come from the page that was shown.
    #[error("the form doesn't come from the page that was shown")]
    FormRejected,
    /// Something of ours failed.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Tells of a request object that can't be used, where the request says it is to be told.
fn refused_object(error: AuthorizationError, answer_by: &Parameters, client: &Client) -> Result<Next, AuthorizeError> {
    match AuthorizationRequest::return_address(answer_by, client) {
        Ok(to) => Ok(Next::Return(AuthorizationResponse { to, outcome: Err(error) })),
        // That it's missing outside is no fault: it may be inside of what can't be read.
        Err(UntrustedRequest::RedirectUriMissing) => Err(UntrustedRequest::RequestObject(error.to_string()).into()),
        Err(untrusted) => Err(untrusted.into()),
    }
}

/// Takes an authorization request in. `browser` is absent where the request came by a POST from elsewhere, which
/// carries no cookies: the first page binds the flow then. A refusal of a client that is known is in the audit log.
pub async fn start(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    parameters: &Parameters,
    browser: Option<&BrowserSecret>,
    accounts: &Accounts,
) -> Result<Next, AuthorizeError> {
    let client_id = AuthorizationRequest::client_id(parameters)?;
    let client = clients::known(ctx, tenant.id, &client_id).await.map_err(unknown_client)?;
    let next = match client.status {
        ClientStatus::Active => begin(ctx, tenant, caller, &client, parameters, (browser, accounts)).await,
        ClientStatus::Disabled => Err(UntrustedRequest::UnknownClient.into()),
    };
    refusal::note(ctx, tenant.id, caller, &client.id, &next).await?;
    next
}

/// The same of a client that is known.
async fn begin(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    client: &ReadyClient,
    parameters: &Parameters,
    (browser, accounts): (Option<&BrowserSecret>, &Accounts),
) -> Result<Next, AuthorizeError> {
    let assembled = match request_object::assemble(ctx, tenant, client, parameters).await {
        Ok(assembled) => assembled,
        Err(RequestObjectError::Failure(failure)) => return Err(failure.into()),
        Err(RequestObjectError::Refused { error, answer_by }) => return refused_object(error, &answer_by, client),
    };
    let parameters = &*assembled;
    let address = AuthorizationRequest::return_address(parameters, client)?;
    let parsed = match AuthorizationRequest::parse(parameters, client, address.clone()) {
        Ok(request) => {
            let subject = hint::subject_of_hint(ctx, tenant, client, parameters).await?;
            let request = subject.and_then(|subject| request.about(subject));
            request.and_then(|request| request.where_sign_up_is(tenant.settings.sign_up))
        }
        Err(error) => Err(error),
    };
    let request = match parsed {
        Ok(request) => request,
        Err(error) => return Ok(Next::Return(AuthorizationResponse { to: address, outcome: Err(error) })),
    };
    let now = ctx.now();
    let decision = if browser.is_some() {
        let named = hint::named(ctx, tenant.id, client, &request, accounts).await?;
        let presence = Presence { accounts, flow: None, named };
        let consent = remembered(ctx, tenant.id, client, presence.actor(&request)).await?;
        decide(&request, client, now, presence, consent.as_ref())
    } else {
        // A request from elsewhere hides the cookies, so that nothing can be said of the sessions before the first page.
        first_page(&request)
    };
    let page = match decision {
        Decision::Refuse(code, text) => return Ok(refused(&request, code, text)),
        Decision::Grant(session) => {
            let browser = BrowserState::of(accounts.secrets());
            let completion = Completion { session: session.clone(), request, flow: None, browser, consent: None };
            return complete(ctx, tenant.id, caller, client, completion).await;
        }
        Decision::SignIn => Next::SignIn,
        Decision::SignUp => Next::SignUp,
        Decision::SelectAccount => Next::SelectAccount,
        Decision::Consent(_) => Next::Consent,
    };
    let flow = AuthorizationFlow {
        id: FlowId::from_uuid(ctx.random.uuid_v7(now)),
        client_id: client.id.clone(),
        request,
        account_page: None,
        browser_hash: browser.map(BrowserSecret::hash),
        session_id: None,
        chosen_session_id: None,
        state: FlowState::Open,
        created_at: now,
        expires_at: now + ctx.config.flows.lifetime,
    };
    let (tenant_id, id) = (tenant.id, flow.id);
    ctx.database
        .write(async move |tx| store::authorization_flows::insert(&tx, tenant_id, &flow).await)
        .await
        .map_err(|error: StoreError| AuthorizeError::from(error))?;
    Ok(page(id))
}

/// What comes next in a flow, given who is signed in.
pub async fn advance(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    open: &OpenFlow,
    accounts: &Accounts,
) -> Result<Next, AuthorizeError> {
    let OpenFlow { flow, client, .. } = open;
    let presence = presence(ctx, tenant, open, accounts).await?;
    let consent = remembered(ctx, tenant, client, presence.actor(&flow.request)).await?;
    match decide(&flow.request, client, ctx.now(), presence, consent.as_ref()) {
        Decision::Refuse(code, text) => {
            let event = refusal::in_flow(ctx, caller, flow, code);
            flow::close(ctx, tenant, flow.id, event).await?;
            Ok(refused(&flow.request, code, text))
        }
        Decision::Grant(session) => {
            if let Some(page) = flow.account_page {
                return account::arrive(ctx, tenant, flow.id, page).await;
            }
            let completion = Completion {
                request: flow.request.clone(),
                session: session.clone(),
                flow: Some(flow.id),
                browser: BrowserState::of(accounts.secrets()),
                consent: None,
            };
            complete(ctx, tenant, caller, client, completion).await
        }
        Decision::Consent(_) => Ok(Next::Consent(flow.id)),
        Decision::SelectAccount => Ok(Next::SelectAccount(flow.id)),
        Decision::SignIn => Ok(Next::SignIn(flow.id)),
        Decision::SignUp => Ok(Next::SignUp(flow.id)),
    }
}

async fn presence<'a>(
    ctx: &Ctx,
    tenant: TenantId,
    open: &'a OpenFlow,
    accounts: &'a Accounts,
) -> Result<Presence<'a>, AuthorizeError> {
    let named = hint::named(ctx, tenant, &open.client, &open.flow.request, accounts).await?;
    Ok(Presence { accounts, flow: Some(&open.flow), named })
}

/// Who may answer the consent page of this flow: the person of whom nothing but consent is needed. A flow of the account
/// console has no such page.
pub async fn consenting<'a>(
    ctx: &Ctx,
    tenant: TenantId,
    open: &'a OpenFlow,
    accounts: &'a Accounts,
) -> Result<Option<&'a Session>, AuthorizeError> {
    let actor = presence(ctx, tenant, open, accounts).await?.actor(&open.flow.request);
    Ok(match actor {
        _ if open.flow.account_page.is_some() => None,
        Actor::One { session, .. } if actor.will_do(&open.flow.request, ctx.now()) => Some(session),
        Actor::One { .. } | Actor::Nobody | Actor::Several | Actor::Stranger => None,
    })
}

/// Who is asked to prove again who they are on the sign-in page of this flow; `None` where anybody may sign in.
pub async fn expected<'a>(
    ctx: &Ctx,
    tenant: TenantId,
    open: &'a OpenFlow,
    accounts: &'a Accounts,
) -> Result<Option<&'a Session>, AuthorizeError> {
    let actor = presence(ctx, tenant, open, accounts).await?.actor(&open.flow.request);
    Ok(match actor {
        Actor::One { session, .. } if !actor.will_do(&open.flow.request, ctx.now()) => Some(session),
        Actor::One { .. } | Actor::Nobody | Actor::Several | Actor::Stranger => None,
    })
}

/// What this person allowed before.
async fn remembered(
    ctx: &Ctx,
    tenant: TenantId,
    client: &Client,
    actor: Actor<'_>,
) -> Result<Option<Consent>, AuthorizeError> {
    match actor {
        Actor::One { session, .. } => consent_of(ctx, tenant, client, session).await,
        Actor::Nobody | Actor::Several | Actor::Stranger => Ok(None),
    }
}

/// What this person allowed before, for the consent page to mark what is new.
pub async fn consent_of(
    ctx: &Ctx,
    tenant: TenantId,
    client: &Client,
    session: &Session,
) -> Result<Option<Consent>, AuthorizeError> {
    match client.metadata.consent {
        ConsentPolicy::Ask => {
            Ok(store::consents::find(ctx.database.read(), tenant, session.user_id, &client.id).await?)
        }
        ConsentPolicy::Implied => Ok(None),
    }
}

fn refused(request: &AuthorizationRequest, code: AuthorizationErrorCode, text: &str) -> Next {
    Next::Return(AuthorizationResponse { to: request.answer_to(), outcome: Err(AuthorizationError::new(code, text)) })
}

async fn active_client(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Arc<ReadyClient>, AuthorizeError> {
    clients::active(ctx, tenant, id).await.map_err(unknown_client)
}

fn unknown_client(error: ClientLookupError) -> AuthorizeError {
    match error {
        ClientLookupError::Unknown => UntrustedRequest::UnknownClient.into(),
        ClientLookupError::Failure(failure) => failure.into(),
    }
}

/// The scopes of a request in their order, for the consent page, with whether each is new.
pub fn scopes_to_show(open: &OpenFlow, consent: Option<&Consent>) -> Vec<(String, bool)> {
    let known: BTreeSet<&str> = consent.iter().flat_map(|consent| consent.scope.iter().map(Scope::as_str)).collect();
    let asked = open.flow.request.to_consent(&open.client);
    let scopes = in_usual_order(asked.iter().map(Scope::as_str).collect());
    scopes.into_iter().map(|scope| (scope.to_owned(), consent.is_some() && !known.contains(scope))).collect()
}

/// Scopes that everybody knows in their usual order, then a client's own.
pub fn in_usual_order(mut scopes: Vec<&str>) -> Vec<&str> {
    scopes.sort_by_key(|scope| SCOPES.iter().position(|known| known == scope).unwrap_or(SCOPES.len()));
    scopes
}

/// The person of a session.
pub async fn person(ctx: &Ctx, tenant: TenantId, session: &Session) -> Result<User, AuthorizeError> {
    store::users::find_by_id(ctx.database.read(), tenant, session.user_id).await?.ok_or(AuthorizeError::FlowUnknown)
}
