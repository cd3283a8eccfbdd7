//! Grant type `client_credentials` (RFC 6749 §4.4.2).

use crate::domain::client::Client;
use crate::domain::parameters::Parameters;
use crate::http::error::oauth::OAuthError;
use crate::http::extract::visit::Call;
use crate::service::token::{Tokens, client_credentials};

/// Reads the form and issues the service's own token.
pub(super) async fn grant(call: &Call, client: &Client, form: &Parameters) -> Result<Tokens, OAuthError> {
    let resources: Vec<&str> = form.all("resource").collect();
    Ok(client_credentials::grant(&call.ctx, call.tenant(), client, form.optional("scope")?, &resources).await?)
}
