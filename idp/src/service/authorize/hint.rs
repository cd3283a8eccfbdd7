//! Whom a request names: `id_token_hint`, the `sub` of `claims`, `login_hint`.

use keys::RegisteredClaims;

use super::AuthorizeError;
use crate::domain::authorization_request::{AuthorizationError, AuthorizationErrorCode, AuthorizationRequest};
use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::domain::tenant::Tenant;
use crate::domain::user::LoginName;
use crate::domain::{SessionId, TenantId};
use crate::service::ctx::Ctx;
use crate::service::sessions::Accounts;
use crate::service::{Failure, key_rings, subject_identifier};
use crate::store;

/// Whom a request names, among the accounts of a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// Nobody in particular.
    Nobody,
    /// Preferably this one (`login_hint`).
    Perhaps(SessionId),
    /// This one and nobody else; `None` if they aren't signed in here.
    Only(Option<SessionId>),
}

/// Whom the request names.
pub(super) async fn named(
    ctx: &Ctx,
    tenant: TenantId,
    client: &Client,
    request: &AuthorizationRequest,
    accounts: &Accounts,
) -> Result<Named, AuthorizeError> {
    if let Some(subjects) = &request.subjects {
        let mut preferred: Option<(usize, SessionId)> = None;
        for session in accounts.sessions() {
            let subject = subject_identifier::of(ctx, tenant, client, session.user_id).await?;
            if let Some(place) = subjects.iter().position(|wanted| *wanted == subject)
                && preferred.is_none_or(|(better, _)| place < better)
            {
                preferred = Some((place, session.id));
            }
        }
        return Ok(Named::Only(preferred.map(|(_, session)| session)));
    }
    // Only where there is a choice: one account is taken as it is.
    match &request.login_hint {
        Some(hint) if accounts.sessions().count() > 1 => {
            let user = store::users::find_by_login(ctx.database.read(), tenant, &LoginName::new(hint)).await?;
            let session = user.and_then(|user| accounts.of_user(user.id));
            Ok(session.map_or(Named::Nobody, |session| Named::Perhaps(session.id)))
        }
        _ => Ok(Named::Nobody),
    }
}

/// The `sub` that an `id_token_hint` names (OpenID Connect Core §3.1.2.1): an ID token of ours for this client, expired
/// or not.
pub(super) async fn subject_of_hint(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    parameters: &Parameters,
) -> Result<Result<Option<String>, AuthorizationError>, Failure> {
    let refuse = |text: &str| Ok(Err(AuthorizationError::new(AuthorizationErrorCode::InvalidRequest, text)));
    let hint = match parameters.optional("id_token_hint") {
        Ok(None) => return Ok(Ok(None)),
        Ok(Some(hint)) => hint,
        Err(error) => return Ok(Err(error.into())),
    };
    let Some(token) = key_rings::id_token_hint(ctx, tenant.id, hint).await? else {
        return refuse("id_token_hint is not an ID token of this issuer");
    };
    let Ok(claims) = token.claims::<RegisteredClaims>() else {
        return refuse("id_token_hint is not an ID token of this issuer");
    };
    if claims.iss.as_deref() != Some(tenant.issuer.as_str()) || !claims.aud.contains(client.id.as_str()) {
        return refuse("id_token_hint was not issued to this client");
    }
    Ok(Ok(claims.sub))
}
