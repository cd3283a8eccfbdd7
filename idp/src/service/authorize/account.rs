//! Flows of the account console: the same pages as for a client's request, and at their end a page of ours. No client is
//! registered for it, and nothing is given out.

use std::sync::Arc;

use super::{AuthorizeError, Next};
use crate::domain::account::AccountPage;
use crate::domain::authorization_flow::{AuthorizationFlow, FlowState};
use crate::domain::authorization_request::{AuthorizationRequest, Prompt};
use crate::domain::authorization_response::ResponseMode;
use crate::domain::client::{Client, ClientAuthMethod, ClientMetadata, ClientStatus, ConsentPolicy, GrantType};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, FlowId, SessionId, TenantId};
use crate::service::Failure;
use crate::service::browser::BrowserSecret;
use crate::service::clients::ReadyClient;
use crate::service::ctx::Ctx;
use crate::store::{self, StoreError};

/// What the console is called in the audit log, where others have a client's id. A registered client of that name is
/// somebody else: which of them a flow is for stands in the flow.
const CLIENT_ID: &str = "signet-account";

/// Why somebody is to sign in for the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nobody is signed in, or another account is to be added.
    SignIn,
    /// The person of this session is to prove again who they are.
    Again(SessionId),
}

/// Begins a flow that leads to a page of the console.
pub async fn enter(
    ctx: &Ctx,
    tenant: &Tenant,
    page: AccountPage,
    entry: Entry,
    browser: &BrowserSecret,
) -> Result<FlowId, AuthorizeError> {
    let now = ctx.now();
    let (prompt, chosen) = match entry {
        Entry::SignIn => (None, None),
        Entry::Again(session) => (Some(Prompt::Login), Some(session)),
    };
    let client_id: ClientId = CLIENT_ID.parse().map_err(|_| Failure::Internal)?;
    let address = format!("{}{}", tenant.issuer, page.path());
    let request = AuthorizationRequest {
        client_id: client_id.clone(),
        redirect_uri: address.parse().map_err(|_| Failure::Internal)?,
        scope: ScopeSet::default(),
        state: None,
        nonce: None,
        code_challenge: None,
        prompt: prompt.into_iter().collect(),
        max_age: None,
        login_hint: None,
        ui_locales: None,
        claims: None,
        response_mode: ResponseMode::Query,
        subjects: None,
    };
    let flow = AuthorizationFlow {
        id: FlowId::from_uuid(ctx.random.uuid_v7(now)),
        client_id,
        request,
        account_page: Some(page),
        browser_hash: Some(browser.hash()),
        session_id: None,
        chosen_session_id: chosen,
        state: FlowState::Open,
        created_at: now,
        expires_at: now + ctx.config.flows.lifetime,
    };
    let (tenant, id) = (tenant.id, flow.id);
    ctx.database
        .write(async move |tx| store::authorization_flows::insert(&tx, tenant, &flow).await)
        .await
        .map_err(|error: StoreError| AuthorizeError::from(error))?;
    Ok(id)
}

/// Ends a flow of the console at its page.
pub(super) async fn arrive(ctx: &Ctx, tenant: TenantId, id: FlowId, page: AccountPage) -> Result<Next, AuthorizeError> {
    let now = ctx.now();
    let arrived: Result<bool, StoreError> =
        ctx.database.write(async move |tx| store::authorization_flows::complete(&tx, tenant, id, now).await).await;
    if arrived? { Ok(Next::Account(page)) } else { Err(AuthorizeError::FlowFinished) }
}

/// What stands for a client in a flow of the console: one that asks for nothing.
pub(super) fn client(flow: &AuthorizationFlow) -> Arc<ReadyClient> {
    let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::None);
    metadata.redirect_uris = vec![flow.request.redirect_uri.clone()];
    metadata.consent = ConsentPolicy::Implied;
    Arc::new(ReadyClient::built_in(Client {
        id: flow.client_id.clone(),
        status: ClientStatus::Active,
        name: String::new(),
        metadata,
        secrets: Vec::new(),
        grants_since: None,
        created_at: flow.created_at,
        updated_at: flow.created_at,
    }))
}
