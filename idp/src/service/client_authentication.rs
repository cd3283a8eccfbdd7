//! The one gate for "which client is this": every endpoint that a client authenticates at passes it.

use std::sync::Arc;
use std::time::Duration;

use keys::{
    ClaimRules, ClientAlgorithm, HmacPurpose, Purpose, RegisteredClaims, VerificationPolicy, VerifiedJws, VerifyError,
    verify_hmac,
};
use thiserror::Error;

use super::client_keys::{self, ClientKeyError};
use super::clients::{self, ClientLookupError, ReadyClient};
use super::ctx::{Caller, Ctx};
use super::rate_limits::Usage;
use super::{Failure, audit};
use crate::domain::audit::AuditKind;
use crate::domain::client::ClientAuthMethod;
use crate::domain::client_assertion::Seen;
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, Secret, Timestamp};
use crate::store::{self, StoreError};
use crate::telemetry;

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

    /// The method that they are of, given the registered one: what signed an assertion is never read off the assertion.
    const fn method(&self, registered: ClientAuthMethod) -> ClientAuthMethod {
        match self {
            Self::Secret { method, .. } => *method,
            Self::Assertion { .. } if registered.is_assertion() => registered,
            Self::Assertion { .. } => ClientAuthMethod::PrivateKeyJwt,
            Self::Name(_) => ClientAuthMethod::None,
        }
    }

    /// What is known of the method without the client, for the audit log.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Secret { method, .. } => method.as_str(),
            Self::Assertion { .. } => "assertion",
            Self::Name(_) => ClientAuthMethod::None.as_str(),
        }
    }
}

/// Why a client isn't believed. The caller is told no more than that.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientAuthenticationError {
    /// Unknown client, another method than the registered one, or a wrong secret or assertion.
    #[error("client authentication failed: {0}")]
    Refused(&'static str),
    /// It is who it says, and asks too much.
    #[error("too many requests of this client")]
    TooMany(Usage),
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
    if let Ok(client) = &result {
        telemetry::note_client(client.id.as_str());
    }
    if let Err(ClientAuthenticationError::Refused(reason)) = &result {
        let event = audit::refusal(ctx, AuditKind::ClientAuthentication, caller, presented.client_id())
            .detail(serde_json::json!({ "method": presented.kind(), "reason": reason }));
        audit::append(ctx, tenant.id, event).await?;
    }
    let client = result?;
    // Whoever merely knows a client's name doesn't use up what it may ask.
    if !matches!(presented, PresentedCredentials::Name(_)) {
        let usage = ctx.rate_limits.count_client(&ctx.config.rate_limits, tenant.id, &client.id, caller).await;
        if let Some(usage) = usage.filter(|usage| usage.exceeded) {
            return Err(ClientAuthenticationError::TooMany(usage));
        }
    }
    Ok(client)
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
    if !client.metadata.admits_method(presented.method(client.metadata.token_endpoint_auth_method)) {
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

/// The assertion, if one of the client's keys signed it: those of the method that it is registered with.
async fn verify_signature(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    jwt: &Secret,
) -> Result<VerifiedJws, ClientAuthenticationError> {
    let refused = |text| Err(ClientAuthenticationError::Refused(text));
    let only = client.metadata.token_endpoint_auth_signing_alg;
    if client.metadata.token_endpoint_auth_method == ClientAuthMethod::ClientSecretJwt {
        return match verify_hmac(jwt.expose(), &client.hmac_keys(ctx.now()), HmacPurpose::ClientAssertion) {
            Ok(token) => Ok(token),
            Err(VerifyError::NoSecret) => {
                refused("the client's secret was made for another method and is kept as a hash only: give it a new one")
            }
            Err(_) => refused("the assertion's signature, header or algorithm"),
        };
    }
    let policy = VerificationPolicy::new(Purpose::ClientAssertion);
    let policy = match only.map(ClientAlgorithm::pair) {
        None => policy,
        Some(Some(algorithm)) => policy.only(algorithm),
        Some(None) => return refused("the assertion's algorithm"),
    };
    match client_keys::verify(ctx, tenant.id, client, jwt.expose(), policy).await {
        Ok(token) => Ok(token),
        Err(ClientKeyError::NoKeys) => refused("the client has no keys"),
        Err(ClientKeyError::Unfetched(_)) => refused("the client's jwks_uri can't be fetched"),
        Err(ClientKeyError::NoJwks) => refused("the client's jwks_uri has no JWK Set"),
        Err(ClientKeyError::Verify(_)) => refused("the assertion's signature, header or algorithm"),
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
    let token = verify_signature(ctx, tenant, client, jwt).await?;
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
        .write(async move |tx| {
            store::client_assertions::remember(&tx, tenant_id, &client_id, &jti_hash, expires_at).await
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
