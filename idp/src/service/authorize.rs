//! Authorization: from the request, over the pages, to the answer (RFC 6749 §4.1, OpenID Connect Core §3.1.2).
//!
//! One function, [`decide`], says what a request still needs. Each page asks it again on its way on, so that no page
//! can be left out; and one function, [`complete`], gives out codes.

use std::collections::BTreeSet;
use std::sync::Arc;

use thiserror::Error;

use super::browser::{BrowserSecret, Form};
use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::{Caller, Ctx};
use super::{Failure, audit, subject};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::authorization_code::{AuthorizationCode, CodeDetail};
use crate::domain::authorization_flow::{AuthorizationFlow, FlowState};
use crate::domain::authorization_request::{
    AuthorizationError, AuthorizationErrorCode, AuthorizationRequest, Prompt, UntrustedRequest,
};
use crate::domain::authorization_response::AuthorizationResponse;
use crate::domain::client::{Client, ConsentPolicy};
use crate::domain::consent::Consent;
use crate::domain::grant::Grant;
use crate::domain::parameters::Parameters;
use crate::domain::provider_metadata::SCOPES;
use crate::domain::scope::Scope;
use crate::domain::session::Session;
use crate::domain::tenant::Tenant;
use crate::domain::user::User;
use crate::domain::{CodeHash, FlowId, GrantId, Secret, TenantId, Timestamp};
use crate::store::{self, Connection, StoreError};

/// What the browser is to do next.
#[derive(Debug)]
pub enum Next {
    /// Show the sign-in page of the flow.
    SignIn(FlowId),
    /// Show the consent page of the flow.
    Consent(FlowId),
    /// Go back to the client.
    Return(AuthorizationResponse),
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

/// What a request still needs.
#[derive(Debug, PartialEq, Eq)]
enum Decision {
    SignIn,
    Consent,
    Grant,
    Refuse(AuthorizationErrorCode, &'static str),
}

/// Who is signed in, as far as a request is concerned.
#[derive(Clone, Copy, Debug)]
struct SignedIn<'a> {
    session: Option<&'a Session>,
    /// Whether the session began on this flow's own page.
    here: bool,
}

impl SignedIn<'_> {
    fn will_do(self, request: &AuthorizationRequest, now: Timestamp) -> bool {
        let earlier = |session: &Session| request.accepts_earlier_authentication(session.auth_time, now);
        self.session.is_some_and(|session| self.here || earlier(session))
    }
}

/// What a request still needs at `now`, given who is signed in and what they allowed before.
fn decide(
    request: &AuthorizationRequest,
    client: &Client,
    now: Timestamp,
    signed_in: SignedIn<'_>,
    consent: Option<&Consent>,
) -> Decision {
    let silent = request.prompt.contains(&Prompt::None);
    if !signed_in.will_do(request, now) {
        return if silent {
            Decision::Refuse(
                AuthorizationErrorCode::LoginRequired,
                "nobody is signed in, and prompt=none forbids to ask",
            )
        } else {
            Decision::SignIn
        };
    }
    // Any program on the device can listen on a loopback port or claim a private scheme, and a public client has no
    // secret to tell it from the one that was allowed: there the person is asked each time (RFC 8252 §8.6).
    let recognised = client.is_confidential() || request.redirect_uri.is_https();
    let remembered = recognised && consent.is_some_and(|consent| request.scope.is_subset(&consent.scope));
    let allowed = client.metadata.consent == ConsentPolicy::Implied || remembered;
    if allowed && !request.prompt.contains(&Prompt::Consent) {
        Decision::Grant
    } else if silent {
        Decision::Refuse(
            AuthorizationErrorCode::ConsentRequired,
            "the user must consent, and prompt=none forbids to ask",
        )
    } else {
        Decision::Consent
    }
}

/// Takes an authorization request in. `browser` is absent where the request came by a POST from elsewhere, which
/// carries no cookies: the first page binds the flow then.
pub async fn start(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    parameters: &Parameters,
    browser: Option<&BrowserSecret>,
    session: Option<&Session>,
) -> Result<Next, AuthorizeError> {
    let client_id = AuthorizationRequest::client_id(parameters)?;
    let client = active_client(ctx, tenant.id, &client_id).await?;
    let address = AuthorizationRequest::return_address(parameters, &client)?;
    let request = match AuthorizationRequest::parse(parameters, &client, address.clone()) {
        Ok(request) => request,
        Err(error) => return Ok(Next::Return(AuthorizationResponse { to: address, outcome: Err(error) })),
    };
    let now = ctx.now();
    let consent = remembered(ctx, tenant.id, &client, session).await?;
    // A request from elsewhere hides the cookies, so that nothing can be said of the session before the first page.
    let decision = if browser.is_some() {
        decide(&request, &client, now, SignedIn { session, here: false }, consent.as_ref())
    } else {
        Decision::SignIn
    };
    match (decision, session) {
        (Decision::Refuse(code, text), _) => Ok(refused(&request, code, text)),
        (Decision::Grant, Some(session)) => {
            complete(
                ctx,
                tenant.id,
                caller,
                Completion { request, session: session.clone(), flow: None, consent: None },
            )
            .await
        }
        (decision, _) => {
            let flow = AuthorizationFlow {
                id: FlowId::from_uuid(ctx.random.uuid_v7(now)),
                client_id,
                request,
                browser_hash: browser.map(BrowserSecret::hash),
                session_id: None,
                chosen_session_id: None,
                state: FlowState::Open,
                created_at: now,
                expires_at: now + ctx.config.flows.lifetime,
            };
            let (tenant_id, id) = (tenant.id, flow.id);
            ctx.database
                .write(move |tx| {
                    Box::pin(async move { store::authorization_flows::insert(tx, tenant_id, &flow).await })
                })
                .await
                .map_err(|error: StoreError| AuthorizeError::from(error))?;
            Ok(if decision == Decision::Consent { Next::Consent(id) } else { Next::SignIn(id) })
        }
    }
}

/// A flow that is waiting for its user, in the browser that it belongs to.
#[derive(Clone, Debug)]
pub struct OpenFlow {
    /// The flow.
    pub flow: AuthorizationFlow,
    /// Who asks.
    pub client: Arc<ReadyClient>,
}

impl OpenFlow {
    /// The same, once somebody has signed in on its page.
    #[must_use]
    pub fn after(&self, session: &Session) -> Self {
        let flow = AuthorizationFlow { session_id: Some(session.id), ..self.flow.clone() };
        Self { flow, client: Arc::clone(&self.client) }
    }
}

/// The open flow of that id, if this browser may go on with it: the gate of every page. A flow that belongs to no
/// browser yet is bound to this one.
pub async fn open_flow(
    ctx: &Ctx,
    tenant: TenantId,
    id: FlowId,
    browser: &BrowserSecret,
) -> Result<OpenFlow, AuthorizeError> {
    let flow = store::authorization_flows::find(ctx.database.read(), tenant, id).await?;
    let flow = flow.filter(|flow| ctx.now() < flow.expires_at).ok_or(AuthorizeError::FlowUnknown)?;
    let hash = browser.hash();
    let mine = match flow.browser_hash {
        Some(bound) => openssl::memcmp::eq(&bound, &hash),
        None => ctx
            .database
            .write(move |tx| {
                Box::pin(async move { store::authorization_flows::bind_browser(tx, tenant, id, &hash).await })
            })
            .await
            .map_err(|error: StoreError| AuthorizeError::from(error))?,
    };
    if !mine {
        return Err(AuthorizeError::OtherBrowser);
    }
    match flow.state {
        FlowState::Open => {}
        FlowState::Completed | FlowState::Refused => return Err(AuthorizeError::FlowFinished),
    }
    let client = active_client(ctx, tenant, &flow.client_id).await?;
    if !client.admits_redirect(&flow.request.redirect_uri) {
        return Err(UntrustedRequest::RedirectUriMismatch.into());
    }
    Ok(OpenFlow { flow, client })
}

/// The open flow that a form belongs to: [`open_flow`], and the form's token is right.
pub async fn posted_flow(
    ctx: &Ctx,
    tenant: TenantId,
    id: FlowId,
    browser: &BrowserSecret,
    form: Form,
    csrf: &Secret,
) -> Result<OpenFlow, AuthorizeError> {
    if !browser.csrf_token(id, form).same_as(csrf) {
        return Err(AuthorizeError::FormRejected);
    }
    open_flow(ctx, tenant, id, browser).await
}

/// What comes next in a flow, given who is signed in.
pub async fn advance(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    open: &OpenFlow,
    session: Option<&Session>,
) -> Result<Next, AuthorizeError> {
    let OpenFlow { flow, client } = open;
    let consent = remembered(ctx, tenant, client, session).await?;
    match (decide(&flow.request, client, ctx.now(), signed_in(flow, session), consent.as_ref()), session) {
        (Decision::Refuse(code, text), _) => {
            close(ctx, tenant, flow.id, None).await?;
            Ok(refused(&flow.request, code, text))
        }
        (Decision::Grant, Some(session)) => {
            let completion = Completion {
                request: flow.request.clone(),
                session: session.clone(),
                flow: Some(flow.id),
                consent: None,
            };
            complete(ctx, tenant, caller, completion).await
        }
        (Decision::Consent, _) => Ok(Next::Consent(flow.id)),
        (Decision::SignIn | Decision::Grant, _) => Ok(Next::SignIn(flow.id)),
    }
}

fn signed_in<'a>(flow: &AuthorizationFlow, session: Option<&'a Session>) -> SignedIn<'a> {
    SignedIn { session, here: session.is_some_and(|session| flow.session_id == Some(session.id)) }
}

/// Whether this session may answer the consent page of this flow: whether nothing but consent is needed.
pub fn may_consent(ctx: &Ctx, open: &OpenFlow, session: &Session) -> bool {
    signed_in(&open.flow, Some(session)).will_do(&open.flow.request, ctx.now())
}

/// What was allowed before, for the consent page to mark what is new.
pub async fn remembered(
    ctx: &Ctx,
    tenant: TenantId,
    client: &Client,
    session: Option<&Session>,
) -> Result<Option<Consent>, AuthorizeError> {
    match session {
        Some(session) if client.metadata.consent == ConsentPolicy::Ask => {
            Ok(store::consents::find(ctx.database.read(), tenant, session.user_id, &client.id).await?)
        }
        _ => Ok(None),
    }
}

/// Ends a flow with an error for the client, because the user said no. With `event`, which tells of it.
pub async fn deny(
    ctx: &Ctx,
    tenant: TenantId,
    open: &OpenFlow,
    description: &str,
    event: Option<audit::Event>,
) -> Result<Next, AuthorizeError> {
    close(ctx, tenant, open.flow.id, event).await?;
    let error = AuthorizationError::new(AuthorizationErrorCode::AccessDenied, description);
    Ok(Next::Return(AuthorizationResponse { to: open.flow.request.answer_to(), outcome: Err(error) }))
}

async fn close(ctx: &Ctx, tenant: TenantId, id: FlowId, event: Option<audit::Event>) -> Result<(), AuthorizeError> {
    let now = ctx.now();
    ctx.database
        .write(move |tx| {
            Box::pin(async move {
                if !store::authorization_flows::refuse(tx, tenant, id, now).await? {
                    return Err(AuthorizeError::FlowFinished);
                }
                if let Some(event) = event {
                    store::audit::append(tx, tenant, &event.build()).await?;
                }
                Ok(())
            })
        })
        .await
}

fn refused(request: &AuthorizationRequest, code: AuthorizationErrorCode, text: &str) -> Next {
    Next::Return(AuthorizationResponse { to: request.answer_to(), outcome: Err(AuthorizationError::new(code, text)) })
}

/// A request whose needs are met.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The request.
    pub request: AuthorizationRequest,
    /// Who is signed in.
    pub session: Session,
    /// The flow that ends with it; `None` if no page was needed.
    pub flow: Option<FlowId>,
    /// An event that tells of a consent which is to be remembered.
    pub consent: Option<audit::Event>,
}

/// Gives out a code: the one place that does. The flow ends in the same transaction, so that it ends once.
pub async fn complete(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    completion: Completion,
) -> Result<Next, AuthorizeError> {
    let to = completion.request.answer_to();
    let code = ctx.random.secret();
    let issue = CodeIssue {
        hash: CodeHash(code.sha256()),
        grant_id: GrantId::from_uuid(ctx.random.uuid_v7(ctx.now())),
        now: ctx.now(),
        expires_at: ctx.now() + ctx.config.tokens.authorization_code_lifetime,
        event: audit::event(ctx, AuditKind::CodeIssued, Outcome::Success)
            .user(completion.session.user_id)
            .client(&completion.request.client_id)
            .from(caller),
    };
    ctx.database
        .write(move |tx| Box::pin(async move { issue_code(tx, tenant, completion, issue).await }))
        .await
        .map(|()| Next::Return(AuthorizationResponse { to, outcome: Ok(code) }))
}

/// What is drawn before the transaction of [`issue_code`].
#[derive(Debug)]
pub(super) struct CodeIssue {
    hash: CodeHash,
    grant_id: GrantId,
    now: Timestamp,
    expires_at: Timestamp,
    event: audit::Event,
}

async fn issue_code(
    tx: &impl Connection,
    tenant: TenantId,
    completion: Completion,
    issue: CodeIssue,
) -> Result<(), AuthorizeError> {
    let Completion { request, session, flow, consent } = completion;
    let now = issue.now;
    if let Some(flow) = flow
        && !store::authorization_flows::complete(tx, tenant, flow, now).await?
    {
        return Err(AuthorizeError::FlowFinished);
    }
    // The session and its user may have ended since the page was shown.
    let live = store::sessions::find_by_id(tx, tenant, session.id).await?.is_some_and(|session| session.is_live(now));
    let user = store::users::find_by_id(tx, tenant, session.user_id).await?;
    if !(live && user.is_some_and(|user| subject::may_act(&user).is_ok())) {
        return Err(AuthorizeError::FlowUnknown);
    }
    if let Some(event) = consent {
        store::consents::upsert(tx, tenant, session.user_id, &request.client_id, &request.scope, now).await?;
        store::audit::append(tx, tenant, &event.build()).await?;
    }
    let grant = Grant {
        id: issue.grant_id,
        user_id: session.user_id,
        client_id: request.client_id.clone(),
        session_id: Some(session.id),
        scope: request.scope.clone(),
        claims: request.claims.clone(),
        created_at: now,
        expires_at: Some(session.expires_at),
        revoked_at: None,
    };
    store::grants::insert(tx, tenant, &grant).await?;
    let code = AuthorizationCode {
        hash: issue.hash,
        client_id: request.client_id,
        user_id: session.user_id,
        session_id: session.id,
        grant_id: grant.id,
        detail: CodeDetail {
            redirect_uri: request.redirect_uri,
            code_challenge: request.code_challenge,
            nonce: request.nonce,
            scope: request.scope,
            auth_time: session.auth_time,
            amr: session.amr,
            acr: session.acr,
        },
        created_at: now,
        expires_at: issue.expires_at,
    };
    store::authorization_codes::insert(tx, tenant, &code).await?;
    store::audit::append(tx, tenant, &issue.event.build()).await?;
    Ok(())
}

async fn active_client(
    ctx: &Ctx,
    tenant: TenantId,
    id: &crate::domain::ClientId,
) -> Result<Arc<ReadyClient>, AuthorizeError> {
    clients::active(ctx, tenant, id).await.map_err(|error| match error {
        ClientLookupError::Unknown => UntrustedRequest::UnknownClient.into(),
        ClientLookupError::Failure(failure) => failure.into(),
    })
}

/// The scopes of a request in their order, for the consent page, with whether each is new.
pub fn scopes_to_show(open: &OpenFlow, consent: Option<&Consent>) -> Vec<(String, bool)> {
    let known: BTreeSet<&str> = consent.iter().flat_map(|consent| consent.scope.iter().map(Scope::as_str)).collect();
    let mut scopes: Vec<&str> = open.flow.request.scope.iter().map(Scope::as_str).collect();
    // Those that everybody knows in their usual order, then the client's own.
    scopes.sort_by_key(|scope| SCOPES.iter().position(|known| known == scope).unwrap_or(SCOPES.len()));
    scopes.into_iter().map(|scope| (scope.to_owned(), consent.is_some() && !known.contains(scope))).collect()
}

/// The person of a session.
pub async fn person(ctx: &Ctx, tenant: TenantId, session: &Session) -> Result<User, AuthorizeError> {
    store::users::find_by_id(ctx.database.read(), tenant, session.user_id).await?.ok_or(AuthorizeError::FlowUnknown)
}
