//! Giving out codes: the one place that does.

use super::{AuthorizeError, Next};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::authorization_code::{AuthorizationCode, CodeDetail};
use crate::domain::authorization_request::AuthorizationRequest;
use crate::domain::authorization_response::{AuthorizationResponse, Granted};
use crate::domain::client::{Client, ConsentPolicy, RefreshTokenPolicy};
use crate::domain::grant::{Authentication, Grant};
use crate::domain::scope::{OFFLINE_ACCESS, ScopeSet};
use crate::domain::session::Session;
use crate::domain::session_state::BrowserState;
use crate::domain::{CodeHash, FlowId, GrantId, TenantId, Timestamp};
use crate::service::ctx::{Caller, Ctx};
use crate::service::events::EventBuilder;
use crate::service::{audit, subject};
use crate::store::{self, Tx};

/// A request whose needs are met.
#[derive(Clone, Debug)]
pub struct Completion {
    /// The request.
    pub request: AuthorizationRequest,
    /// Who is signed in.
    pub session: Session,
    /// The flow that ends with it; `None` if no page was needed.
    pub flow: Option<FlowId>,
    /// Who is signed in on the browser.
    pub browser: BrowserState,
    /// A consent which is to be remembered.
    pub consent: Option<GivenConsent>,
}

/// What a person just allowed.
#[derive(Clone, Debug)]
pub struct GivenConsent {
    /// To what.
    pub scope: ScopeSet,
    /// The line in the audit log that tells of it.
    pub event: audit::AuditBuilder,
    /// What others are told.
    pub told: EventBuilder,
}

impl Completion {
    /// What the person allowed before, where that is why nobody asked.
    fn rests_on(&self, client: &Client) -> Option<ScopeSet> {
        let asks = client.metadata.consent == ConsentPolicy::Ask;
        (asks && self.consent.is_none()).then(|| self.request.to_consent(client))
    }

    /// `session_state` of the answer (OpenID Connect Session Management §2): of an OpenID request only.
    fn session_state(&self, ctx: &Ctx) -> Option<String> {
        let request = &self.request;
        request
            .scope
            .contains("openid")
            .then(|| ctx.random.bytes())
            .and_then(|salt| self.browser.session_state(&request.client_id, &request.redirect_uri, salt))
    }
}

/// Gives out a code: the one place that does. The flow ends in the same transaction, so that it ends once.
pub async fn complete(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    client: &Client,
    completion: Completion,
) -> Result<Next, AuthorizeError> {
    let to = completion.request.answer_to();
    let code = ctx.random.secret();
    let session_state = completion.session_state(ctx);
    let issue = CodeIssue {
        hash: CodeHash(code.sha256()),
        grant_id: GrantId::from_uuid(ctx.random.uuid_v7(ctx.now())),
        now: ctx.now(),
        expires_at: ctx.now() + ctx.config.tokens.authorization_code_lifetime,
        refresh_tokens: client.metadata.refresh_tokens,
        offline_until: ctx.now() + ctx.config.tokens.refresh_token_lifetime,
        remembered: completion.rests_on(client),
        event: audit::event(ctx, AuditKind::CodeIssued, Outcome::Success)
            .user(completion.session.user_id)
            .client(&completion.request.client_id)
            .from(caller),
    };
    ctx.database
        .write(async move |tx| issue_code(&tx, tenant, completion, issue).await)
        .await
        .map(|()| Next::Return(AuthorizationResponse { to, outcome: Ok(Granted { code, session_state }) }))
}

/// What is drawn before the transaction of [`issue_code`].
#[derive(Debug)]
pub(super) struct CodeIssue {
    hash: CodeHash,
    grant_id: GrantId,
    now: Timestamp,
    expires_at: Timestamp,
    refresh_tokens: RefreshTokenPolicy,
    /// When a grant ends that outlives its session.
    offline_until: Timestamp,
    /// What must have been allowed before.
    remembered: Option<ScopeSet>,
    event: audit::AuditBuilder,
}

async fn issue_code(tx: &Tx, tenant: TenantId, completion: Completion, issue: CodeIssue) -> Result<(), AuthorizeError> {
    let Completion { request, session, flow, browser: _, consent } = completion;
    let now = issue.now;
    if let Some(flow) = flow
        && !store::authorization_flows::complete(tx, tenant, flow, now).await?
    {
        return Err(AuthorizeError::FlowFinished);
    }
    // The session and its user may have ended since the page was shown.
    let live = store::sessions::find_live(tx, tenant, session.id, now).await?.is_some();
    let user = store::users::find_by_id(tx, tenant, session.user_id).await?;
    if !(live && user.is_some_and(|user| subject::may_act(&user).is_ok())) {
        return Err(AuthorizeError::FlowUnknown);
    }
    // And so may the consent.
    if let Some(scope) = issue.remembered {
        let consent = store::consents::find_and_keep(tx, tenant, session.user_id, &request.client_id).await?;
        if !consent.is_some_and(|consent| scope.is_subset(&consent.scope)) {
            return Err(AuthorizeError::FlowUnknown);
        }
    }
    if let Some(GivenConsent { scope, event, told }) = consent {
        store::consents::upsert(tx, tenant, session.user_id, &request.client_id, &scope, now).await?;
        tx.record(tenant, told);
        tx.record(tenant, event);
    }
    let refreshed = request.scope.contains(OFFLINE_ACCESS);
    let offline = refreshed && issue.refresh_tokens == RefreshTokenPolicy::Offline;
    let authentication = Authentication { time: session.auth_time, amr: session.amr.clone(), acr: session.acr.clone() };
    let grant = Grant {
        id: issue.grant_id,
        user_id: session.user_id,
        client_id: request.client_id.clone(),
        session_id: Some(session.id),
        scope: request.scope.clone(),
        claims: request.claims.clone(),
        offline,
        authentication: refreshed.then_some(authentication),
        created_at: now,
        expires_at: Some(if offline { issue.offline_until } else { session.expires_at }),
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
    tx.record(tenant, issue.event);
    Ok(())
}
