//! The access token for an admin API: given, or asked for with a client's secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use serde_json::Value;

use crate::cli::console::Console;
use crate::cli::exit::{CliError, Exit};
use crate::cli::http::Client;
use crate::cli::password;
use crate::domain::Secret;
use crate::domain::tenant::Issuer;

/// The token to use at this issuer.
pub(super) async fn find(
    issuer: &Issuer,
    client: &Client,
    from_input: bool,
    console: &mut Console<'_>,
) -> Result<Secret, CliError> {
    if from_input {
        return password::read_line(console, "access token");
    }
    if let Some(token) = console.variable("SIGNET_TOKEN") {
        return Ok(Secret::new(token));
    }
    let (Some(id), Some(secret)) = (console.variable("SIGNET_CLIENT_ID"), console.variable("SIGNET_CLIENT_SECRET"))
    else {
        return Err(CliError::usage(
            "an access token is needed: set SIGNET_TOKEN, or give --token-stdin, or set SIGNET_CLIENT_ID and \
             SIGNET_CLIENT_SECRET of a service that has the scopes of the admin API",
        ));
    };
    ask(issuer, client, id, &Secret::new(secret)).await
}

/// Asks the token endpoint that discovery names (RFC 6749 §4.4, RFC 8707).
async fn ask(issuer: &Issuer, client: &Client, id: &str, secret: &Secret) -> Result<Secret, CliError> {
    let address = format!("{issuer}/.well-known/openid-configuration");
    let found = send(client, Request::get(&address), Bytes::new(), &address).await?;
    let metadata: Value = serde_json::from_slice(found.body()).unwrap_or_default();
    if metadata["issuer"] != issuer.as_str() {
        let text = format!("{address} has no metadata of {issuer}: is --url the issuer, as it is in tokens?");
        return Err(CliError::new(Exit::Failed, text));
    }
    let endpoint = metadata["token_endpoint"].as_str().unwrap_or_default();
    // The secret goes nowhere but to the issuer.
    if !endpoint.starts_with(&format!("{issuer}/")) {
        return Err(CliError::new(Exit::Failed, format!("the token endpoint {endpoint} isn't the issuer's")));
    }
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let basic = STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret.expose())));
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "client_credentials")
        .append_pair("resource", &format!("{issuer}/v1/admin"))
        .finish();
    let request = Request::post(endpoint)
        .header(header::AUTHORIZATION, format!("Basic {basic}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = send(client, request, form.into(), endpoint).await?;
    let document: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    match document["access_token"].as_str() {
        Some(token) if answer.status().is_success() => Ok(Secret::new(token)),
        _ => {
            let why = document["error_description"].as_str().unwrap_or("it gives no reason");
            let exit = match answer.status() {
                StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => Exit::Unavailable,
                _ => Exit::Refused,
            };
            Err(CliError::new(exit, format!("{endpoint} gives {id} no token: {why}")))
        }
    }
}

/// Sends a request; whoever can't be reached is named.
pub(super) async fn send(
    client: &Client,
    request: http::request::Builder,
    body: Bytes,
    address: &str,
) -> Result<Response<Bytes>, CliError> {
    let request = request.body(body).map_err(|_| CliError::usage(format!("{address} can't be used as an address")))?;
    client.send(request).await.map_err(|error| CliError::new(Exit::Unavailable, format!("{address}: {error}")))
}
