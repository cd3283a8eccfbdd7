//! Which refusals of an authorization request the audit log tells of: those of a client that is known. Nobody is known who
//! merely has a page open that is another browser's, or over.
//!
//! What a request with `prompt=none` is told where the person would have to be asked is no refusal but its purpose:
//! applications send one every few minutes, and a line for each would hide the others.

use serde_json::json;

use super::{AuthorizeError, Next};
use crate::domain::audit::AuditKind;
use crate::domain::authorization_flow::AuthorizationFlow;
use crate::domain::authorization_request::{AuthorizationErrorCode, Prompt};
use crate::domain::{ClientId, TenantId};
use crate::service::ctx::{Caller, Ctx};
use crate::service::{Failure, audit};

/// Notes the refusal of a request that begins, if it is one.
pub(super) async fn note(
    ctx: &Ctx,
    tenant: TenantId,
    caller: &Caller,
    client: &ClientId,
    next: &Result<Next, AuthorizeError>,
) -> Result<(), Failure> {
    let detail = match next {
        Ok(Next::Return(response)) => match &response.outcome {
            Err(error) if !error.code.asks_for_the_person() => json!({ "error": error.code.as_str() }),
            Err(_) | Ok(_) => return Ok(()),
        },
        // The client isn't told: somebody may have made the request up who isn't it.
        Err(AuthorizeError::Untrusted(error)) => json!({ "error": "invalid_request", "parameter": error.parameter() }),
        Ok(_) | Err(_) => return Ok(()),
    };
    let event = audit::refusal(ctx, AuditKind::AuthorizationRefused, caller, client).detail(detail);
    Ok(audit::append(ctx, tenant, event).await?)
}

/// The line about a request that is refused on one of its pages.
pub(super) fn in_flow(
    ctx: &Ctx,
    caller: &Caller,
    flow: &AuthorizationFlow,
    code: AuthorizationErrorCode,
) -> Option<audit::AuditBuilder> {
    let silent = flow.request.prompt.contains(&Prompt::None);
    let event = audit::refusal(ctx, AuditKind::AuthorizationRefused, caller, &flow.client_id);
    (!silent).then(|| event.detail(json!({ "error": code.as_str() })))
}
