//! Grant type `password` (RFC 6749 §4.3): a person's name and password, from a client of old that can do nothing else.
//! Only clients of the profile `compat` have it. The attempt passes the same gate and limits as the sign-in page.

use super::{TokenError, Tokens};
use crate::domain::Secret;
use crate::domain::client::{Client, ClientProfile, GrantType};
use crate::domain::scope::ScopeSet;
use crate::domain::tenant::Tenant;
use crate::domain::user::LoginName;
use crate::service::ctx::{Caller, Ctx};
use crate::service::first_party;
use crate::service::sign_in::SignInError;

/// What a client presents.
#[derive(Clone, Debug)]
pub struct PasswordPresentation {
    /// E-mail address or user name.
    pub username: String,
    /// Password.
    pub password: Secret,
    /// Less than the client may get; all of it if absent.
    pub scope: Option<String>,
}

/// Signs a person in and gives the authenticated client tokens of the session.
pub async fn grant(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &Client,
    caller: &Caller,
    presented: PasswordPresentation,
) -> Result<Tokens, TokenError> {
    let metadata = &client.metadata;
    if metadata.profile != ClientProfile::Compat || !metadata.grant_types.contains(&GrantType::Password) {
        return Err(TokenError::UnauthorizedClient);
    }
    let scope = match presented.scope.as_deref() {
        None => metadata.scope.clone(),
        Some(text) => {
            let scope: ScopeSet = text.parse().map_err(|error| TokenError::InvalidScope(format!("{error}")))?;
            if !scope.is_subset(&metadata.scope) {
                return Err(TokenError::InvalidScope("scope names something that this client may not get".to_owned()));
            }
            scope
        }
    };
    let credentials = (LoginName::new(&presented.username), presented.password);
    match first_party::sign_in(ctx, tenant, caller, client, credentials, &scope).await {
        Ok(opened) => Ok(opened.tokens),
        Err(SignInError::BadCredentials) => Err(TokenError::Noted("the name or the password is wrong")),
        Err(SignInError::TooManyAttempts { until }) => Err(TokenError::TooManyAttempts { until }),
        Err(SignInError::Failure(failure)) => Err(failure.into()),
    }
}
