//! Request objects (RFC 9101, OpenID Connect Core §6): found, fetched, verified, and made into the request that they are.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::{
    ClaimsError, ClientAlgorithm, HmacPurpose, MAX_TOKEN_BYTES, Purpose, VerificationPolicy, VerifiedJws, VerifyError,
    verify_hmac,
};
use moka::future::Cache;
use openssl::sha::{Sha256, sha256};
use thiserror::Error;

use super::Failure;
use super::client_keys::{self, ClientKeyError};
use super::clients::ReadyClient;
use super::ctx::Ctx;
use super::flights::Flights;
use super::outbound::{Fetched, OutboundError};
use crate::domain::authorization_error::{AuthorizationError, AuthorizationErrorCode as Code};
use crate::domain::client_assertion::Seen;
use crate::domain::parameters::Parameters;
use crate::domain::request_object::{Beside, RequestObject, RequestObjectFault};
use crate::domain::tenant::Tenant;
use crate::domain::{ClientId, TenantId, Timestamp};
use crate::store::{self, StoreError};

/// Bytes of request objects that are kept because their address says their hash.
const CACHED_BYTES: u64 = 4 << 20;
/// Bytes of what addresses said last, each counted with [`OVERHEAD`]: for those who ask at the same time.
const LATEST_BYTES: u64 = 8 << 20;
const OVERHEAD: usize = 512;
/// How long that is kept: longer than `outbound.retry_interval` may be.
const LATEST_AGE: Duration = Duration::from_mins(2);
/// What a request object may be served as: the type of RFC 9101 §5.2.3, and what it was before that.
const MEDIA_TYPES: [&str; 3] = ["application/oauth-authz-req+jwt", "application/jwt", "application/jose"];
const ACCEPT: &str = "application/oauth-authz-req+jwt, application/jwt";
/// Goes before a `jti` when it is hashed: that of a request object uses up no assertion's.
const ID_LABEL: &[u8] = b"request object\0";

type Key = (TenantId, ClientId, Arc<str>);

/// What is remembered of `request_uri`.
#[derive(Clone, Debug)]
pub struct RequestObjectCache {
    /// By SHA-256, which the address has in its fragment: such a document never changes.
    by_hash: Cache<[u8; 32], Arc<str>>,
    latest: Cache<Key, Arc<Latest>>,
    fetches: Flights<Key, Arc<Latest>>,
    /// Counts requests and fetches, to tell which was first.
    order: Arc<AtomicU64>,
}

/// What an address said when it was last asked.
#[derive(Debug)]
struct Latest {
    begun: u64,
    ended: u64,
    ended_at: Timestamp,
    outcome: Result<Document, Unusable>,
}

/// A document that may be a request object.
#[derive(Clone, Debug)]
struct Document {
    text: Arc<str>,
    hash: [u8; 32],
}

/// Why there is none at an address.
#[derive(Clone, Copy, Debug, Error)]
enum Unusable {
    #[error(transparent)]
    Unfetched(#[from] OutboundError),
    #[error("what is there must have the Content-Type application/oauth-authz-req+jwt")]
    MediaType,
    #[error("what is there is no JWT")]
    NoJwt,
}

impl Latest {
    /// Whether it will do for a request that came then. A document may be another one for each request, so that it has
    /// to be fetched after the request came. A failure is believed for a while, so that nobody makes us hammer.
    fn is_enough(&self, ctx: &Ctx, came: u64) -> bool {
        let now = ctx.now();
        let just_failed = || self.ended_at <= now && now < self.ended_at + ctx.config.outbound.retry_interval;
        match &self.outcome {
            Ok(_) => came < self.begun,
            Err(_) => came < self.ended || just_failed(),
        }
    }
}

impl Default for RequestObjectCache {
    fn default() -> Self {
        let weight = |_: &[u8; 32], text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        Self {
            by_hash: Cache::builder().max_capacity(CACHED_BYTES).weigher(weight).build(),
            latest: Cache::builder()
                .max_capacity(LATEST_BYTES)
                .weigher(|_, latest: &Arc<Latest>| {
                    let text = latest.outcome.as_ref().map_or(0, |document| document.text.len());
                    u32::try_from(text + OVERHEAD).unwrap_or(u32::MAX)
                })
                .time_to_live(LATEST_AGE)
                .build(),
            fetches: Flights::default(),
            order: Arc::default(),
        }
    }
}

impl RequestObjectCache {
    fn next(&self) -> u64 {
        self.order.fetch_add(1, Ordering::SeqCst)
    }
}

/// Why there is no request.
#[derive(Debug)]
pub enum RequestObjectError {
    /// The client made a mistake, or somebody who isn't the client.
    Refused {
        /// What it is told.
        error: AuthorizationError,
        /// What says where it is told: of what is in the object, only what its signature vouches for.
        answer_by: Parameters,
    },
    /// Something of ours failed.
    Failure(Failure),
}

/// The whole request: the parameters themselves, or what a request object makes of them.
pub async fn assemble<'p>(
    ctx: &Ctx,
    tenant: &Tenant,
    client: &ReadyClient,
    parameters: &'p Parameters,
) -> Result<Cow<'p, Parameters>, RequestObjectError> {
    let refuse = |error| Err(RequestObjectError::Refused { error, answer_by: parameters.clone() });
    let jwt = match presented(ctx, tenant.id, client, parameters).await {
        Ok(Some(jwt)) => jwt,
        Ok(None) if client.metadata.require_signed_request_object => {
            let text = "this client must send its requests as signed request objects, by request or request_uri";
            return refuse(AuthorizationError::new(Code::InvalidRequest, text));
        }
        Ok(None) => return Ok(Cow::Borrowed(parameters)),
        Err(error) => return refuse(error),
    };
    let by_reference = parameters.all("request_uri").next().is_some();
    let verified = match verify(ctx, tenant.id, client, &jwt).await {
        Ok(verified) => verified,
        Err(error) => return refuse(unverified(&error, by_reference)),
    };
    let object = match RequestObject::read(verified.payload()) {
        Ok(object) => object,
        Err(fault) => return refuse(faulty(&fault)),
    };
    let strict = client.metadata.require_signed_request_object;
    let beside = if strict { Beside::Ignored } else { Beside::Completes };
    let whole = match object.assembled(parameters, beside) {
        Ok(whole) => whole,
        Err(fault) => return refuse(faulty(&fault)),
    };
    let refuse = |error| Err(RequestObjectError::Refused { error, answer_by: whole.clone() });
    if let Err(fault) = object.check(&client.id, tenant.issuer.as_str(), ctx.now()) {
        return refuse(faulty(&fault));
    }
    match first_use(ctx, tenant.id, client, &object).await.map_err(RequestObjectError::Failure)? {
        Seen::First => Ok(Cow::Owned(whole)),
        Seen::Again => refuse(invalid("the request object was used before (jti)")),
    }
}

fn invalid(text: impl AsRef<str>) -> AuthorizationError {
    AuthorizationError::new(Code::InvalidRequestObject, text)
}

fn faulty(fault: &RequestObjectFault) -> AuthorizationError {
    tracing::debug!(?fault, "a request object can't be used");
    let told = match fault {
        RequestObjectFault::Claims(ClaimsError::Issuer { .. }) => "its iss must be the client_id".to_owned(),
        RequestObjectFault::Claims(ClaimsError::Subject(_)) => "its sub isn't the expected one".to_owned(),
        // None of these repeats what stands in it but numbers.
        RequestObjectFault::Claims(
            ClaimsError::Missing(_)
            | ClaimsError::Audience { .. }
            | ClaimsError::SeveralAudiences
            | ClaimsError::Expired { .. }
            | ClaimsError::TooLongLived { .. }
            | ClaimsError::NotYetValid { .. }
            | ClaimsError::IssuedInFuture { .. }
            | ClaimsError::IdSize,
        )
        | RequestObjectFault::Payload
        | RequestObjectFault::Subject
        | RequestObjectFault::IdWithoutExpiry
        | RequestObjectFault::Nested
        | RequestObjectFault::Differs(_)
        | RequestObjectFault::Member(_) => fault.to_string(),
    };
    invalid(format!("the request object can't be used: {told}"))
}

/// What the client is told: nothing that stands in the object, which anybody may have written.
fn unverified(error: &ClientKeyError, by_reference: bool) -> AuthorizationError {
    tracing::debug!(?error, "a request object can't be verified");
    match error {
        ClientKeyError::Verify(VerifyError::Algorithm(alg)) if alg.eq_ignore_ascii_case("none") => {
            let code = if by_reference { Code::RequestUriNotSupported } else { Code::RequestNotSupported };
            AuthorizationError::new(code, "request objects must be signed: alg none is not supported")
        }
        ClientKeyError::NoKeys => {
            invalid("the client has registered nothing to verify a request object with: jwks or jwks_uri")
        }
        ClientKeyError::Unfetched(_) | ClientKeyError::NoJwks => unverifiable(&error.to_string()),
        ClientKeyError::Verify(error) => match error {
            VerifyError::Algorithm(_) => unverifiable("its alg isn't accepted here"),
            VerifyError::Type { expected, .. } => unverifiable(&format!("its typ must be {expected}")),
            VerifyError::UnknownKid(_) => unverifiable("no known key has its kid"),
            VerifyError::TooLong
            | VerifyError::NotCompact
            | VerifyError::Encrypted
            | VerifyError::Header(_)
            | VerifyError::Payload
            | VerifyError::SignatureEncoding
            | VerifyError::NoSecret
            | VerifyError::NoKey(_)
            | VerifyError::AmbiguousKey(_)
            | VerifyError::Signature
            | VerifyError::Claims => unverifiable(&error.to_string()),
        },
    }
}

fn unverifiable(told: &str) -> AuthorizationError {
    invalid(format!("the request object can't be verified: {told}"))
}

/// The request object that came with the request, if one did.
async fn presented(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ReadyClient,
    parameters: &Parameters,
) -> Result<Option<Arc<str>>, AuthorizationError> {
    match (parameters.optional("request")?, parameters.optional("request_uri")?) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(AuthorizationError::new(Code::InvalidRequest, "request and request_uri must not both be sent"))
        }
        (Some(jwt), None) => Ok(Some(Arc::from(jwt))),
        (None, Some(uri)) => fetch(ctx, tenant, client, uri).await.map(Some),
    }
}

/// The request object at an address that the client registered. A fragment is the hash of what is there (OpenID Connect
/// Core §6.2): it says what may be kept, and the registration holds for the address with another one too.
async fn fetch(ctx: &Ctx, tenant: TenantId, client: &ReadyClient, uri: &str) -> Result<Arc<str>, AuthorizationError> {
    let refuse = |text: String| AuthorizationError::new(Code::InvalidRequestUri, text);
    let (address, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let is_registered =
        |registered: &String| registered.split_once('#').map_or(registered.as_str(), |(address, _)| address) == address;
    if !client.metadata.request_uris.iter().any(is_registered) {
        return Err(refuse("request_uri must be one of the request_uris that the client registered".to_owned()));
    }
    let by_hash = &ctx.request_objects.by_hash;
    let hash: Option<[u8; 32]> = URL_SAFE_NO_PAD.decode(fragment).ok().and_then(|hash| hash.try_into().ok());
    if let Some(hash) = hash
        && let Some(kept) = by_hash.get(&hash).await
    {
        return Ok(kept);
    }
    let found = at(ctx, (tenant, client.id.clone(), Arc::from(address))).await;
    let Document { text, hash: own } = found.map_err(|error| refuse(format!("request_uri: {error}")))?;
    if hash == Some(own) {
        by_hash.insert(own, Arc::clone(&text)).await;
    }
    Ok(text)
}

/// What is at an address now. It is asked by one request at a time; those that came before it was asked take its answer.
async fn at(ctx: &Ctx, key: Key) -> Result<Document, Unusable> {
    let cache = &ctx.request_objects;
    let came = cache.next();
    let mut latest = cache.latest.get(&key).await;
    // What was under way when this request came may not be enough for it; what begins after that is.
    let latest = loop {
        if let Some(latest) = latest.filter(|latest| latest.is_enough(ctx, came)) {
            break latest;
        }
        let begin = || fetched(ctx.clone(), key.clone(), came);
        latest = Some(cache.fetches.join(key.clone(), begin).await.ok_or(OutboundError::JustFailed)?);
    };
    // Who waited is told what happened, who came later that it isn't asked again yet.
    if latest.ended < came { Err(OutboundError::JustFailed.into()) } else { latest.outcome.clone() }
}

/// Asks an address and keeps what it said, unless somebody has just done so.
async fn fetched(ctx: Ctx, key: Key, came: u64) -> Arc<Latest> {
    let cache = &ctx.request_objects;
    if let Some(latest) = cache.latest.get(&key).await.filter(|latest| latest.is_enough(&ctx, came)) {
        return latest;
    }
    let begun = cache.next();
    let fetched = ctx.outbound.get(&key.2, ACCEPT, MAX_TOKEN_BYTES).await;
    let outcome = fetched.map_err(Unusable::from).and_then(|fetched| document(&fetched));
    let latest = Arc::new(Latest { begun, ended: cache.next(), ended_at: ctx.now(), outcome });
    cache.latest.insert(key, Arc::clone(&latest)).await;
    latest
}

fn document(fetched: &Fetched) -> Result<Document, Unusable> {
    if !fetched.media_type().is_some_and(|found| MEDIA_TYPES.contains(&found.as_str())) {
        return Err(Unusable::MediaType);
    }
    let text = std::str::from_utf8(&fetched.body).map_err(|_| Unusable::NoJwt)?;
    // A file often ends with a line.
    Ok(Document { text: Arc::from(text.trim_ascii()), hash: sha256(&fetched.body) })
}

/// Verifies it with what the client registered for that; its own header doesn't say what that is.
async fn verify(ctx: &Ctx, tenant: TenantId, client: &ReadyClient, jwt: &str) -> Result<VerifiedJws, ClientKeyError> {
    let policy = VerificationPolicy::new(Purpose::RequestObject);
    let policy = match client.metadata.request_object_signing_alg {
        Some(ClientAlgorithm::Hs256) => {
            return Ok(verify_hmac(jwt, &client.hmac_keys(ctx.now()), HmacPurpose::RequestObject)?);
        }
        Some(ClientAlgorithm::Pair(algorithm)) => policy.only(algorithm),
        None => policy,
    };
    client_keys::verify(ctx, tenant, client, jwt, policy).await
}

/// Whether it is used for the first time; one without `jti` always is.
async fn first_use(ctx: &Ctx, tenant: TenantId, client: &ReadyClient, object: &RequestObject) -> Result<Seen, Failure> {
    let Some((jti, until)) = object.id() else { return Ok(Seen::First) };
    let mut hash = Sha256::new();
    hash.update(ID_LABEL);
    hash.update(jti.as_bytes());
    let (hash, client_id) = (hash.finish(), client.id.clone());
    ctx.database
        .write(async move |tx| store::client_assertions::remember(&tx, tenant, &client_id, &hash, until).await)
        .await
        .map_err(|error: StoreError| error.into())
}
