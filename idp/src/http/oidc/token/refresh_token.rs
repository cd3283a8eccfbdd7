//! Grant type `refresh_token` (RFC 6749 §6).

use crate::domain::Secret;
use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::visit::Call;
use crate::service::token::Tokens;
use crate::service::token::refresh_token::{self, RefreshPresentation};

/// Reads the form and refreshes the tokens.
pub(super) async fn grant(call: &Call, client: &Client, form: &Parameters) -> Result<Tokens, OAuthError> {
    let presented = RefreshPresentation {
        token: Secret::new(form.required("refresh_token")?),
        scope: form.optional("scope")?.map(str::to_owned),
    };
    Ok(refresh_token::grant(&call.ctx, call.tenant(), client, &call.caller, presented).await?)
}
