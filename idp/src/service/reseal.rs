//! Everything that is sealed in the database under a new key-encryption key: private keys, the salts of pairwise
//! subjects, and the secrets that clients sign with.

use keys::{KeyEncryptionKey, Kid, SealContext, SealingKeys};
use thiserror::Error;
use zeroize::Zeroizing;

use super::ctx::Ctx;
use super::{Failure, audit, clients, subject_identifier, webhooks};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::tenant::Tenant;
use crate::store::clients::SealedSecret;
use crate::store::webhooks::SealedSecrets;
use crate::store::{self, StoreError};

/// What [`reseal`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Secrets (private keys, salts, clients' secrets) that are under the current key-encryption key now.
    pub changed: usize,
    /// Secrets that were so before.
    pub unchanged: usize,
}

/// Why not everything can be sealed anew. What was done before it is kept; the rest is as it was.
#[derive(Debug, Error)]
pub enum ResealError {
    /// Something was sealed under neither of the two, or its row was changed.
    #[error("{secret} of the tenant {tenant} can't be opened: {source}")]
    Seal {
        /// Whose.
        tenant: String,
        /// Which: `the key {kid}`, or what else there is.
        secret: String,
        /// Why.
        source: keys::SealError,
    },
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for ResealError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// Seals what is sealed of all tenants under the current key-encryption key; it was under that or under `previous`.
/// Harmless when run twice.
pub async fn reseal(ctx: &Ctx, previous: KeyEncryptionKey, actor: &str) -> Result<Resealed, ResealError> {
    let current = KeyEncryptionKey::new(Zeroizing::new(*ctx.config.key_encryption_key.expose()));
    let sealing = SealingKeys::new(current, vec![previous]);
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let tenants = store::tenants::list(ctx.database.read(), after, 200).await?;
        let Some(last) = tenants.last() else { return Ok(done) };
        after = Some(last.id);
        for tenant in &tenants {
            for one in [
                keys_and_salt(ctx, tenant, &sealing, actor).await?,
                client_secrets(ctx, tenant, &sealing, actor).await?,
                webhook_secrets(ctx, tenant, &sealing, actor).await?,
            ] {
                done.changed += one.changed;
                done.unchanged += one.unchanged;
            }
        }
    }
}

async fn keys_and_salt(
    ctx: &Ctx,
    tenant: &Tenant,
    sealing: &SealingKeys,
    actor: &str,
) -> Result<Resealed, ResealError> {
    let id = tenant.id;
    let rows = store::signing_keys::list_all(ctx.database.read(), id).await?;
    let mut changed: Vec<(Kid, Vec<u8>)> = Vec::new();
    for row in &rows {
        let kid = row.jwk.kid();
        let context = SealContext::signing_key(id.uuid().as_bytes(), kid);
        let sealed = sealing.reseal(&row.sealed_private, &context);
        changed.extend(sealed.map_err(unopened(tenant, format!("the key {kid}")))?.map(|sealed| (kid.clone(), sealed)));
    }
    let salt = store::pairwise_salts::find(ctx.database.read(), id).await?;
    let all = rows.len() + usize::from(salt.is_some());
    let salt = match salt {
        Some(sealed) => sealing
            .reseal(&sealed, &subject_identifier::seal_context(id))
            .map_err(unopened(tenant, "the salt of pairwise subjects".to_owned()))?,
        None => None,
    };
    let resealed = changed.len() + usize::from(salt.is_some());
    let done = Resealed { changed: resealed, unchanged: all - resealed };
    if done.changed == 0 {
        return Ok(done);
    }
    let event = audit::event(ctx, AuditKind::KeyChanged, Outcome::Success)
        .by(actor)
        .detail(serde_json::json!({ "resealed": done.changed }));
    ctx.database
        .write(async move |tx| {
            for (kid, sealed) in changed {
                store::signing_keys::reseal(&tx, id, &kid, &sealed).await?;
            }
            if let Some(sealed) = salt {
                store::pairwise_salts::reseal(&tx, id, &sealed).await?;
            }
            tx.record(id, event);
            Ok::<_, StoreError>(())
        })
        .await?;
    Ok(done)
}

async fn client_secrets(
    ctx: &Ctx,
    tenant: &Tenant,
    sealing: &SealingKeys,
    actor: &str,
) -> Result<Resealed, ResealError> {
    let id = tenant.id;
    let mut done = Resealed::default();
    let mut after = None;
    loop {
        let rows = store::clients::list_sealed(ctx.database.read(), id, after.as_ref()).await?;
        let Some(last) = rows.last() else { return Ok(done) };
        after = Some(last.clone());
        let mut changed: Vec<SealedSecret> = Vec::new();
        for row in &rows {
            let context = clients::secret_context(id, &row.client, row.id);
            let sealed = sealing
                .reseal(&row.sealed, &context)
                .map_err(unopened(tenant, format!("a secret of the client {}", row.client)))?;
            changed.extend(sealed.map(|sealed| SealedSecret { sealed, ..row.clone() }));
        }
        done.changed += changed.len();
        done.unchanged += rows.len() - changed.len();
        if changed.is_empty() {
            continue;
        }
        let event = audit::event(ctx, AuditKind::ClientChanged, Outcome::Success)
            .by(actor)
            .detail(serde_json::json!({ "secrets_resealed": changed.len() }));
        ctx.database
            .write(async move |tx| {
                for secret in &changed {
                    store::clients::reseal(&tx, id, secret).await?;
                }
                tx.record(id, event);
                Ok::<_, StoreError>(())
            })
            .await?;
    }
}

async fn webhook_secrets(
    ctx: &Ctx,
    tenant: &Tenant,
    sealing: &SealingKeys,
    actor: &str,
) -> Result<Resealed, ResealError> {
    let id = tenant.id;
    let mut done = Resealed::default();
    for endpoint in store::webhooks::list(ctx.database.read(), id, None, webhooks::MOST).await? {
        let Some(before) = store::webhooks::secrets(ctx.database.read(), id, endpoint.id).await? else { continue };
        let context = webhooks::seal_context(id, endpoint.id);
        let reseal = |sealed: &[u8]| {
            sealing
                .reseal(sealed, &context)
                .map_err(unopened(tenant, format!("a secret of the webhook {}", endpoint.id)))
        };
        let current = reseal(&before.current)?;
        let former = before.former.as_ref().map(|(former, _)| reseal(former)).transpose()?.flatten();
        let changed = usize::from(current.is_some()) + usize::from(former.is_some());
        done.changed += changed;
        done.unchanged += 1 + usize::from(before.former.is_some()) - changed;
        if changed == 0 {
            continue;
        }
        let former = before.former.map(|(sealed, until)| (former.unwrap_or(sealed), until));
        let secrets = SealedSecrets { current: current.unwrap_or(before.current), former };
        let event = audit::event(ctx, AuditKind::WebhookChanged, Outcome::Success)
            .by(actor)
            .detail(serde_json::json!({ "endpoint_id": endpoint.id, "what": "resealed" }));
        ctx.database
            .write(async move |tx| {
                store::webhooks::set_secrets(&tx, id, endpoint.id, secrets).await?;
                tx.record(id, event);
                Ok::<_, StoreError>(())
            })
            .await?;
    }
    Ok(done)
}

fn unopened(tenant: &Tenant, secret: String) -> impl FnOnce(keys::SealError) -> ResealError {
    let tenant = tenant.slug.to_string();
    |source| ResealError::Seal { tenant, secret, source }
}
