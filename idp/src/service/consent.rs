//! Consent: the person's answer to "may this application …".

use super::authorize::{self, AuthorizeError, Completion, GivenConsent, Next, OpenFlow};
use super::ctx::{Caller, Ctx};
use super::sessions::Accounts;
use super::{audit, events};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::session_state::BrowserState;
use crate::domain::{TenantId, UserId};

/// What the person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes; it is remembered.
    Allow,
    /// No; the client is told `access_denied`.
    Deny,
}

/// Takes the answer of `user`, who was asked, and ends the flow. If they aren't the one to answer any more, what the flow
/// needs comes next.
pub async fn answer(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    open: &OpenFlow,
    (accounts, user): (&Accounts, UserId),
    answer: Answer,
) -> Result<Next, AuthorizeError> {
    let consenting = authorize::consenting(ctx, tenant, open, accounts).await?;
    let Some(session) = consenting.filter(|session| session.user_id == user) else {
        return authorize::advance(ctx, tenant, caller, open, accounts).await;
    };
    let scope = open.flow.request.to_consent(&open.client);
    let event = |outcome| {
        audit::event(ctx, AuditKind::Consent, outcome)
            .user(session.user_id)
            .client(&open.client.id)
            .from(caller)
            .detail(serde_json::json!({ "scope": scope }))
    };
    match answer {
        Answer::Deny => authorize::deny(ctx, tenant, open, "the user declined", event(Outcome::Refused)).await,
        Answer::Allow => {
            let completion = Completion {
                request: open.flow.request.clone(),
                browser: BrowserState::of(accounts.secrets()),
                consent: Some(GivenConsent {
                    scope: scope.clone(),
                    event: event(Outcome::Success),
                    told: events::of(ctx, EventType::ConsentGranted)
                        .user(session.user_id)
                        .session(session.id)
                        .client(&open.client.id)
                        .from(caller)
                        .with("scope", serde_json::json!(scope)),
                }),
                flow: Some(open.flow.id),
                session: session.clone(),
            };
            authorize::complete(ctx, tenant, caller, &open.client, completion).await
        }
    }
}
