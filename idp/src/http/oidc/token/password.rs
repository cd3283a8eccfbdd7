//! Grant type `password` (RFC 6749 §4.3).

use crate::domain::Secret;
use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::visit::Call;
use crate::service::token::password::{self, PasswordPresentation};
use crate::service::token::{TokenError, Tokens};

/// Reads the form and signs the person in.
pub(super) async fn grant(call: &Call, client: &Client, form: &Parameters) -> Result<Tokens, OAuthError> {
    let presented = PasswordPresentation {
        username: form.required("username")?.to_owned(),
        password: Secret::new(form.required("password")?),
        scope: form.optional("scope")?.map(str::to_owned),
    };
    match password::grant(&call.ctx, call.tenant(), client, &call.caller, presented).await {
        Err(TokenError::TooManyAttempts { until }) => Err(OAuthError::too_many(until.since(call.ctx.now()))),
        answer => Ok(answer?),
    }
}
