//! The one gate for "which client is this": every endpoint that a client authenticates at passes it.

use std::sync::Arc;
use std::time::Duration;

use keys::{ClaimRules, Purpose, RegisteredClaims};
use thiserror::Error;

use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::{Caller, Ctx};
use super::{Failure, audit};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::ClientAuthMethod;
use crate::domain::client_assertion::Seen;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, Secret, Timestamp};
use crate::store::{self, StoreError};

/// How long an assertion may live: its `jti` is remembered until it ends.
const LONGEST_ASSERTION: Duration = Duration::from_mins(10);
/// How far a client's clock may be off.
const LEEWAY: Duration = Duration::from_secs(30);

/// What a request brought along to prove which client it comes from.
#[derive(Clone, Debug)]
pub enum PresentedCredentials {
    /// A secret, in the header or in the form.
    Secret {
        /// [`ClientAuthMethod::ClientSecretBasic`] or [`ClientAuthMethod::ClientSecretPost`].
        method: ClientAuthMethod,
        /// Who it says it is.
        client_id: ClientId,
        /// The secret.
        secret: Secret,
    },
    /// A signed assertion (RFC 7523 §2.2).
    Assertion {
        /// Who it says it is; also `sub` of the assertion.
        client_id: ClientId,
        /// The assertion.
        jwt: Secret,
    },
    /// Only a name: a public client.
    Name(ClientId),
}

impl PresentedCredentials {
    fn client_id(&self) -> &ClientId {
        match self {
            Self::Secret { client_id, .. } | Self::Assertion { client_id, .. } | Self::Name(client_id) => client_id,
        }
    }

    const fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Secret { method, .. } => *method,
            Self::Assertion { .. } => ClientAuthMethod::PrivateKeyJwt,
            Self::Name(_) => ClientAuthMethod::None,
        }
    }
}

/// Why a client isn't believed. The caller is told no more than that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientAuthenticationError {
    /// Unknown client, another method than the registered one, or a wrong secret or assertion.
    #[error("client authentication failed: {0}")]
    Refused(&'static str),
    /// It could not be checked.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ClientAuthenticationError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// The text of every refusal: which of the reasons it was is in the audit log.
pub const REFUSAL: &str =
    "the client is unknown, disabled, or did not authenticate with its registered method and credentials";

/// The client that the credentials prove. No database when warm, but for an assertion's `jti`.
pub async fn authenticate(
    ctx: &Ctx,
    tenant: &Tenant,
    caller: &Caller,
    presented: &PresentedCredentials,
) -> Result<Arc<ReadyClient>, ClientAuthenticationError> {
    let result = check(ctx, tenant, presented).await;
    if let Err(ClientAuthenticationError::Refused(reason)) = &result {
        let event = audit::event(ctx, AuditKind::ClientAuthentication, Outcome::Refused)
            .client(presented.client_id())
            .from(caller)
            .detail(serde_json::json!({ "method": presented.method().as_str(), "reason": reason }));
        audit::append(ctx, tenant.id, event).await?;
    }
    result
}

async fn check(
    ctx: &Ctx,
    tenant: &Tenant,
    presented: &PresentedCredentials,
) -> Result<Arc<ReadyClient>, ClientAuthenticationError> {
    let refused = ClientAuthenticationError::Refused;
    let client = match clients::active(ctx, tenant.id, presented.client_id()).await {
        Ok(client) => client,
        Err(ClientLookupError::Unknown) => return Err(refused("unknown or disabled client")),
        Err(ClientLookupError::Failure(failure)) => return Err(failure.into()),
    };
    if !client.metadata.admits_method(presented.method()) {
        return Err(refused("another method than the registered one"));
    }
    match presented {
        PresentedCredentials::Name(_) => Ok(client),
        PresentedCredentials::Secret { secret, .. } => {
            let hash = secret.sha256();
            let now = ctx.now();
            let right = client
                .secrets
                .iter()
                .filter(|stored| stored.expires_at.is_none_or(|end| now < end))
                .fold(false, |found, stored| found | openssl::memcmp::eq(&stored.hash, &hash));
            if right { Ok(client) } else { Err(refused("wrong secret")) }
        }
        PresentedCredentials::Assertion { jwt, .. } => {
            check_assertion(ctx, tenant, &client, jwt).await?;
            Ok(client)
        }
    }
}

/// RFC 7523 §3.
async fn check_assertion(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    jwt: &Secret,
) -> Result<(), ClientAuthenticationError> {
    let refused = ClientAuthenticationError::Refused;
    let token = keys::verify_jws(jwt.expose(), client.keys(), Purpose::ClientAssertion)
        .map_err(|_| refused("the assertion's signature, header or algorithm"))?;
    let claims: RegisteredClaims = token.claims().map_err(|_| refused("the assertion's claims"))?;
    let now = ctx.now();
    let issuer = tenant.issuer.as_str();
    let token_endpoint = format!("{issuer}/token");
    ClaimRules::at(now.seconds())
        .leeway(seconds(LEEWAY))
        .issuer(client.id.as_str())
        .subject(client.id.as_str())
        .audience(&[issuer, &token_endpoint])
        .longest_life(seconds(LONGEST_ASSERTION))
        .id_required()
        .check(&claims)
        .map_err(|_| refused("the assertion's iss, sub, aud, exp, iat, nbf or jti"))?;
    let (Some(jti), Some(exp)) = (claims.jti, claims.exp) else { return Err(refused("the assertion's jti or exp")) };
    let jti_hash = openssl::sha::sha256(jti.as_bytes());
    let expires_at = Timestamp::from_seconds(exp) + LEEWAY;
    let (tenant_id, client_id) = (tenant.id, client.id.clone());
    let seen = ctx
        .database
        .write(move |tx| {
            Box::pin(async move {
                store::client_assertions::remember(tx, tenant_id, &client_id, &jti_hash, expires_at).await
            })
        })
        .await
        .map_err(|error: StoreError| ClientAuthenticationError::from(error))?;
    match seen {
        Seen::First => Ok(()),
        Seen::Again => Err(refused("the assertion's jti was used before")),
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
