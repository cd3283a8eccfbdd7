//! Consent: the person's answer to "may this application …".

use super::audit;
use super::authorize::{self, AuthorizeError, Completion, Next, OpenFlow};
use super::ctx::{Caller, Ctx};
use crate::domain::TenantId;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::session::Session;

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes; it is remembered.
    Allow,
    /// No; the client is told `access_denied`.
    Deny,
}

/// Takes the answer and ends the flow. Without a session that may answer, the sign-in page comes next.
pub async fn answer(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    open: &OpenFlow,
    session: Session,
    answer: Answer,
) -> Result<Next, AuthorizeError> {
    if !authorize::may_consent(ctx, open, &session) {
        return Ok(Next::SignIn(open.flow.id));
    }
    let scope = &open.flow.request.scope;
    let event = |outcome| {
        audit::event(ctx, AuditKind::Consent, outcome)
            .user(session.user_id)
            .client(&open.client.id)
            .from(caller)
            .detail(serde_json::json!({ "scope": scope }))
    };
    match answer {
        Answer::Deny => authorize::deny(ctx, tenant, open, "the user declined", Some(event(Outcome::Refused))).await,
        Answer::Allow => {
            let completion = Completion {
                request: open.flow.request.clone(),
                consent: Some(event(Outcome::Success)),
                flow: Some(open.flow.id),
                session,
            };
            authorize::complete(ctx, tenant, caller, completion).await
        }
    }
}
