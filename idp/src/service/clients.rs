//! Clients: looked up on every request, kept ready.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use keys::{ForeignJwks, HmacKey, SealContext, VerificationKey};
use thiserror::Error;

use super::audit::Actor;
use super::client_documents::{self, DocumentError};
use super::ctx::Ctx;
use super::first_party;
use super::kept::Kept;
use super::sessions::ending::{self, Ending, Which};
use super::{Failure, audit, events};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::client::{Client, ClientMetadata, ClientMetadataError, ClientSecret, ClientStatus};
use crate::domain::client_details::{self, ClientDetails};
use crate::domain::event::EventType;
use crate::domain::ids::CredentialId;
use crate::domain::merge_patch::FieldError;
use crate::domain::session::EndReason;
use crate::domain::{ClientId, Secret, TenantId, Timestamp};
use crate::store::change::Change;
use crate::store::{self, StoreError};

/// How many clients are kept ready.
const CACHED: u64 = 100_000;
/// How long one is kept at most, should the news of its change ever be lost.
const KEPT: Duration = Duration::from_mins(5);

/// Clients that were asked for. An absent client isn't remembered.
#[derive(Clone, Debug)]
pub struct ClientCache(Kept<(TenantId, ClientId), Arc<ReadyClient>>);

impl Default for ClientCache {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

impl ClientCache {
    /// Forgets everything: something was changed elsewhere.
    pub fn invalidate_all(&self) {
        self.0.invalidate_all();
    }
}

/// A client as requests need it: its keys are parsed and its secrets opened once, not for each assertion.
#[derive(Debug)]
pub struct ReadyClient {
    client: Client,
    keys: ForeignJwks,
    hmac: Vec<(Option<Timestamp>, HmacKey)>,
}

impl ReadyClient {
    fn new(ctx: &Ctx, tenant: TenantId, client: Client) -> Result<Self, Failure> {
        let jwks = client.metadata.jwks.as_ref().and_then(|jwks| serde_json::to_vec(jwks).ok()).unwrap_or_default();
        // They were read when they were registered: what can't be read now verifies nothing.
        let keys = ForeignJwks::from_registration(&jwks).unwrap_or_default();
        let mut hmac = Vec::new();
        for secret in client.secrets.iter().filter(|_| client.metadata.signs_with_secret()) {
            let Some(sealed) = &secret.sealed else { continue };
            let context = secret_context(tenant, &client.id, secret.id);
            let opened = ctx.sealing.open(sealed, &context).map_err(|error| {
                tracing::error!(tenant = %tenant, client = %client.id, error = %error, "a client secret can't be opened: is the key-encryption key the right one?");
                Failure::Internal
            })?;
            // One that is too short was never taken.
            hmac.extend(HmacKey::new(opened).map(|key| (secret.expires_at, key)));
        }
        Ok(Self { client, keys, hmac })
    }

    /// One of ours that nobody registered: it has no keys and no secrets.
    pub(super) fn built_in(client: Client) -> Self {
        Self { client, keys: ForeignJwks::default(), hmac: Vec::new() }
    }

    /// The keys in its `jwks`; none for a client that registered none, or a `jwks_uri`.
    pub fn keys(&self) -> &[VerificationKey] {
        self.keys.keys()
    }

    /// The secrets that it may sign with at `now`; none for a client that only shows its secret.
    pub fn hmac_keys(&self, now: Timestamp) -> Vec<&HmacKey> {
        self.hmac.iter().filter(|(end, _)| end.is_none_or(|end| now < end)).map(|(_, key)| key).collect()
    }
}

impl Deref for ReadyClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// Why there is no client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClientLookupError {
    /// There is none of that name in this tenant, or it is disabled: outside, that is the same.
    #[error("there is no such client")]
    Unknown,
    /// It could not be looked up.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The active client of that id. No database when warm.
pub async fn active(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Arc<ReadyClient>, ClientLookupError> {
    let client = known(ctx, tenant, id).await?;
    match client.status {
        ClientStatus::Active => Ok(client),
        ClientStatus::Disabled => Err(ClientLookupError::Unknown),
    }
}

/// The client of that id, switched off or not: for who has to tell one that is refused from one that isn't there.
pub async fn known(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Arc<ReadyClient>, ClientLookupError> {
    let (database, key) = (&ctx.database, (tenant, id.clone()));
    if let Some(client) = ctx.clients.0.get(database, &key).await {
        return Ok(client);
    }
    let lookup = database.changes().begin();
    let client = store::clients::find(database.read(), tenant, id, ctx.now()).await.map_err(Failure::from)?;
    let client = client.ok_or(ClientLookupError::Unknown)?;
    let client = Arc::new(ReadyClient::new(ctx, tenant, client)?);
    let of = [Change::Client(tenant, id.clone())];
    ctx.clients.0.keep(database, lookup, &of, key, Arc::clone(&client)).await;
    Ok(client)
}

/// What a new client is made of.
#[derive(Clone, Debug)]
pub struct NewClient {
    /// Its identifier; drawn at random if absent.
    pub id: Option<ClientId>,
    /// Its name for people.
    pub name: String,
    /// What is registered.
    pub metadata: ClientMetadata,
    /// Its secret, if one is brought along; drawn at random if absent and needed.
    pub secret: Option<Secret>,
}

/// Why a client can't be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ClientChangeError {
    /// The identifier is taken.
    #[error("there is a client {0} already")]
    Taken(ClientId),
    /// There is none of that name.
    #[error("there is no client {0}")]
    Unknown(ClientId),
    /// A name that is empty or too long.
    #[error("a name has 1 to 200 characters, none of them a control character")]
    Name,
    /// A secret that is too short to be kept as a plain hash.
    #[error("a client secret has 32 to 128 characters out of visible ASCII")]
    Secret,
    /// A client that uses no secret can't be given one.
    #[error("this client authenticates without a secret")]
    NoSecretUsed,
    /// The registration can't work.
    #[error(transparent)]
    Metadata(#[from] ClientMetadataError),
    /// A document that the registration names can't be fetched, or says something else.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// A member that can't be what it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// One that would be made anew.
    #[error("the client {0} is made anew when an app asks for it; disable it to switch such apps off")]
    MadeAnew(ClientId),
    /// It was changed since it was looked at.
    #[error("the client was changed by somebody else in the meantime; look again")]
    Stale,
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ClientChangeError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes a client. The secret is in the answer, once: the database keeps its SHA-256, and itself, sealed, only where the
/// client signs with it.
pub async fn create(
    ctx: &Ctx,
    tenant: TenantId,
    new: NewClient,
    actor: impl Into<Actor>,
) -> Result<(Client, Option<Secret>), ClientChangeError> {
    check(&new.name, &new.metadata)?;
    client_documents::check(ctx, &new.metadata).await?;
    let secret = match new.secret {
        Some(_) if !new.metadata.token_endpoint_auth_method.uses_secret() => {
            return Err(ClientChangeError::NoSecretUsed);
        }
        Some(secret) => {
            let text = secret.expose();
            if !(32..=128).contains(&text.len()) || !text.bytes().all(|b| b.is_ascii_graphic()) {
                return Err(ClientChangeError::Secret);
            }
            Some(secret)
        }
        None => new.metadata.token_endpoint_auth_method.uses_secret().then(|| ctx.random.secret()),
    };
    let now = ctx.now();
    let id = match new.id {
        Some(id) => id,
        None => ctx.random.uuid_v7(now).to_string().parse().map_err(|_| Failure::Internal)?,
    };
    let stored = secret.as_ref().map(|secret| stored_secret(ctx, tenant, &id, &new.metadata, secret)).transpose()?;
    let client = Client {
        id,
        status: ClientStatus::Active,
        name: new.name,
        metadata: new.metadata,
        secrets: stored.into_iter().collect(),
        grants_since: None,
        created_at: now,
        updated_at: now,
    };
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::ClientCreated, Outcome::Success).by(&actor).client(&client.id);
    let told = events::of(ctx, EventType::ClientCreated).by(&actor).client(&client.id).with("name", &*client.name);
    let row = client.clone();
    ctx.database
        .write(async move |tx| {
            store::clients::insert(&tx, tenant, &row).await?;
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok(())
        })
        .await
        .map_err(|error| match error {
            StoreError::Conflict(_) => ClientChangeError::Taken(client.id.clone()),
            other => other.into(),
        })?;
    Ok((client, secret))
}

fn check(name: &str, metadata: &ClientMetadata) -> Result<(), ClientChangeError> {
    if name.trim().is_empty() || name.chars().count() > 200 || name.chars().any(char::is_control) {
        return Err(ClientChangeError::Name);
    }
    client_details::check(metadata)?;
    Ok(metadata.validate()?)
}

/// How often a change is tried that doesn't mind what others changed.
const ATTEMPTS: usize = 5;

/// Changes what is registered of a client to what `change` makes of it. With `seen`, when the client was last changed
/// as far as the caller knows, nothing that was changed since is lost: the answer is [`ClientChangeError::Stale`] then.
///
/// A client that begins to need a secret, or to sign with it, gets one by [`rotate_secret`].
pub async fn update<E: From<ClientChangeError>>(
    ctx: &Ctx,
    tenant: TenantId,
    id: &ClientId,
    seen: Option<Timestamp>,
    change: impl Fn(&Client) -> Result<ClientDetails, E>,
    actor: impl Into<Actor>,
) -> Result<Client, E> {
    let actor = actor.into();
    for _ in 0..ATTEMPTS {
        let client = find(ctx, tenant, id).await?;
        if seen.is_some_and(|seen| seen != client.updated_at) {
            return Err(ClientChangeError::Stale.into());
        }
        let details = change(&client)?;
        if details == ClientDetails::from(&client) {
            return Ok(client);
        }
        check(&details.name, &details.metadata)?;
        if client_details::names_other_documents(&client.metadata, &details.metadata) {
            client_documents::check(ctx, &details.metadata).await.map_err(ClientChangeError::from)?;
        }
        let changed = changed(ctx, id, &actor, client_details::what_changed(&client, &details));
        let told = events::of(ctx, EventType::ClientUpdated).by(&actor).client(id);
        let (seen, updated_at) = (client.updated_at, ctx.now().after(client.updated_at));
        let (client_id, row) = (id.clone(), details.clone());
        let written = ctx
            .database
            .write(async move |tx| {
                let ClientDetails { name, metadata } = row;
                let times = (seen, updated_at);
                let written = store::clients::update(&tx, tenant, &client_id, &name, &metadata, times).await?;
                if written {
                    tx.record(tenant, told);
                    tx.record(tenant, changed);
                }
                Ok(written)
            })
            .await
            .map_err(|error: StoreError| ClientChangeError::from(error))?;
        if written {
            return Ok(Client { name: details.name, metadata: details.metadata, updated_at, ..client });
        }
    }
    Err(ClientChangeError::Stale.into())
}

/// What the database keeps of a secret: its hash, and itself, sealed, if the client signs with it.
fn stored_secret(
    ctx: &Ctx,
    tenant: TenantId,
    client: &ClientId,
    metadata: &ClientMetadata,
    secret: &Secret,
) -> Result<ClientSecret, Failure> {
    let now = ctx.now();
    let id = CredentialId::from_uuid(ctx.random.uuid_v7(now));
    let seal = || {
        let context = secret_context(tenant, client, id);
        ctx.sealing.current().seal(secret.expose().as_bytes(), &context).map_err(|error| {
            tracing::error!(tenant = %tenant, client = %client, error = %error, "a client secret can't be sealed");
            Failure::Internal
        })
    };
    let sealed = if metadata.signs_with_secret() { Some(seal()?) } else { None };
    Ok(ClientSecret { id, hash: secret.sha256(), sealed, created_at: now, expires_at: None })
}

/// What a client secret is sealed for.
pub(super) fn secret_context(tenant: TenantId, client: &ClientId, secret: CredentialId) -> SealContext {
    let (tenant, secret) = (tenant.uuid(), secret.uuid());
    SealContext::new("client-secret", &[tenant.as_bytes(), client.as_str().as_bytes(), secret.as_bytes()])
}

/// Gives a client a new secret. Those that it has are good for `grace` still, so that the application can be given the
/// new one without an outage; the answer says until when.
pub async fn rotate_secret(
    ctx: &Ctx,
    tenant: TenantId,
    id: &ClientId,
    grace: Duration,
    actor: impl Into<Actor>,
) -> Result<(Secret, Timestamp), ClientChangeError> {
    let client = find(ctx, tenant, id).await?;
    if !client.metadata.token_endpoint_auth_method.uses_secret() {
        return Err(ClientChangeError::NoSecretUsed);
    }
    let secret = ctx.random.secret();
    let stored = stored_secret(ctx, tenant, id, &client.metadata, &secret)?;
    let until = ctx.now() + grace;
    let updated_at = ctx.now().after(client.updated_at);
    let actor = actor.into();
    let event = changed(ctx, id, &actor, serde_json::json!({ "secret": "rotated", "former_until": until.seconds() }));
    let told = events::of(ctx, EventType::ClientSecretRotated).by(&actor).client(id);
    let client_id = id.clone();
    ctx.database
        .write(async move |tx| {
            store::clients::add_secret(&tx, tenant, &client_id, &stored).await?;
            store::clients::expire_secrets(&tx, tenant, &client_id, stored.id, until).await?;
            store::clients::touch(&tx, tenant, &client_id, updated_at).await?;
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok((secret, until))
}

/// Switches a client on or off. Switched off, all that it was given ends.
pub async fn set_status(
    ctx: &Ctx,
    tenant: TenantId,
    id: &ClientId,
    status: ClientStatus,
    actor: impl Into<Actor>,
) -> Result<Client, ClientChangeError> {
    let client = find(ctx, tenant, id).await?;
    let now = ctx.now().after(client.updated_at);
    let actor = actor.into();
    let event = changed(ctx, id, &actor, serde_json::json!({ "status": status }));
    let told = match status {
        ClientStatus::Active => EventType::ClientEnabled,
        ClientStatus::Disabled => EventType::ClientDisabled,
    };
    let told = events::of(ctx, told).by(&actor).client(id);
    let ending = Ending::new(ctx, Which::OfClient(id.clone()), EndReason::ClientDisabled).by(actor);
    let (client_id, inside) = (id.clone(), ctx.clone());
    ctx.database
        .write(async move |tx| {
            store::clients::set_status(&tx, tenant, &client_id, status, now).await?;
            if status == ClientStatus::Disabled {
                ending::end_in(&inside, &tx, tenant, ending).await?;
            }
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(Client { status, updated_at: now, ..client })
}

/// Deletes a client with its secrets and the consents that it was given.
pub async fn delete(
    ctx: &Ctx,
    tenant: TenantId,
    id: &ClientId,
    actor: impl Into<Actor>,
) -> Result<(), ClientChangeError> {
    find(ctx, tenant, id).await?;
    if id.as_str() == first_party::USUAL {
        return Err(ClientChangeError::MadeAnew(id.clone()));
    }
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::ClientDeleted, Outcome::Success).by(&actor).client(id);
    let told = events::of(ctx, EventType::ClientDeleted).by(&actor).client(id);
    let client_id = id.clone();
    ctx.database
        .write(async move |tx| {
            store::clients::delete(&tx, tenant, &client_id).await?;
            tx.record(tenant, told);
            tx.record(tenant, event);
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(())
}

/// The client of that id, active or not; for administrators.
pub async fn find(ctx: &Ctx, tenant: TenantId, id: &ClientId) -> Result<Client, ClientChangeError> {
    store::clients::find(ctx.database.read(), tenant, id, ctx.now())
        .await?
        .ok_or_else(|| ClientChangeError::Unknown(id.clone()))
}

/// Clients in the order of their ids, those after `after` only, without their secrets; at most 1,000 at a time.
pub async fn list(ctx: &Ctx, tenant: TenantId, after: Option<&ClientId>, limit: u64) -> Result<Vec<Client>, Failure> {
    Ok(store::clients::list(ctx.database.read(), tenant, after, limit).await?)
}

fn changed(ctx: &Ctx, id: &ClientId, actor: impl Into<Actor>, detail: serde_json::Value) -> audit::AuditBuilder {
    audit::event(ctx, AuditKind::ClientChanged, Outcome::Success).by(actor).client(id).detail(detail)
}
