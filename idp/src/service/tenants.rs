//! Tenants: looked up on every request, made in milliseconds.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::Failure;
use super::ctx::Ctx;
use super::kept::Kept;
use super::sessions::ending::{self, Ending, Which};
use super::sessions::policy;
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::session::EndReason;
use crate::domain::tenant::{Slug, Tenant, TenantSettings, TenantStatus};
use crate::domain::{TenantId, Timestamp};
use crate::service::audit;
use crate::service::events::{self, EventBuilder};
use crate::store::change::Change;
use crate::store::{self, StoreError};

/// How many tenants are kept ready.
const CACHED: u64 = 10_000;
/// How long one is kept at most, should the news of its change ever be lost.
const KEPT: Duration = Duration::from_mins(5);

/// Tenants that were asked for, by slug. An absent tenant isn't remembered.
#[derive(Clone, Debug)]
pub struct TenantCache(Kept<Slug, Arc<Tenant>>);

impl Default for TenantCache {
    fn default() -> Self {
        Self(Kept::new(CACHED, KEPT))
    }
}

impl TenantCache {
    /// Forgets everything: something was changed elsewhere.
    pub fn invalidate_all(&self) {
        self.0.invalidate_all();
    }
}

/// Why there is no tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TenantLookupError {
    /// There is none of that name, or it is suspended: outside, that is the same.
    #[error("there is no such tenant")]
    Unknown,
    /// It could not be looked up.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// The active tenant of that slug. No database when warm. Every request begins here: from here on, what others changed
/// before it is known.
pub async fn active(ctx: &Ctx, slug: &Slug) -> Result<Arc<Tenant>, TenantLookupError> {
    let database = &ctx.database;
    database.catch_up().await;
    let tenant = if let Some(tenant) = ctx.tenants.0.get(database, slug).await {
        tenant
    } else {
        let lookup = database.changes().begin();
        let tenant = store::tenants::find_by_slug(database.read(), slug).await.map_err(Failure::from)?;
        let tenant = tenant.map(Arc::new).ok_or(TenantLookupError::Unknown)?;
        let of = [Change::Tenant(tenant.id)];
        ctx.tenants.0.keep(database, lookup, &of, slug.clone(), Arc::clone(&tenant)).await;
        tenant
    };
    match tenant.status {
        TenantStatus::Active => Ok(tenant),
        TenantStatus::Suspended => Err(TenantLookupError::Unknown),
    }
}

/// What a new tenant is made of.
#[derive(Clone, Debug)]
pub struct NewTenant {
    /// Its name in URLs.
    pub slug: Slug,
    /// Its name for people.
    pub name: String,
    /// What its administrators may change.
    pub settings: TenantSettings,
}

/// Why a tenant can't be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TenantChangeError {
    /// The slug is taken.
    #[error("there is a tenant {0} already")]
    Taken(Slug),
    /// There is none of that name.
    #[error("there is no tenant {0}")]
    Unknown(Slug),
    /// The default tenant can't be suspended: it is the one at the base URL.
    #[error("the default tenant can't be suspended")]
    Default,
    /// Settings that can't be.
    #[error("{0}")]
    Settings(&'static str),
    /// A name that is empty or too long.
    #[error("a name has 1 to 200 characters")]
    Name,
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

/// Makes a tenant. Its keys are made when they are first needed.
pub async fn create(ctx: &Ctx, new: NewTenant, actor: &str) -> Result<Tenant, TenantChangeError> {
    let told = events::of(ctx, EventType::TenantCreated).by(actor);
    let told = told.with("slug", new.slug.as_str()).with("name", &*new.name);
    make(ctx, new, actor, Some(told)).await
}

async fn make(ctx: &Ctx, new: NewTenant, actor: &str, told: Option<EventBuilder>) -> Result<Tenant, TenantChangeError> {
    if new.name.trim().is_empty() || new.name.chars().count() > 200 {
        return Err(TenantChangeError::Name);
    }
    policy::check(&new.settings).map_err(TenantChangeError::Settings)?;
    let now = ctx.now();
    let default = new.slug == Slug::default_tenant();
    let tenant = Tenant {
        id: if default { TenantId::DEFAULT } else { TenantId::from_uuid(ctx.random.uuid_v7(now)) },
        issuer: if default { ctx.config.issuer.clone() } else { ctx.config.issuer.of_tenant(&new.slug) },
        slug: new.slug,
        name: new.name,
        status: TenantStatus::Active,
        settings: new.settings,
        sessions_since: None,
        created_at: now,
        updated_at: now,
    };
    let event = audit::event(ctx, AuditKind::TenantCreated, Outcome::Success).by(actor);
    let row = tenant.clone();
    ctx.database
        .write(async move |tx| {
            store::tenants::insert(&tx, &row).await?;
            if let Some(told) = told {
                tx.record(row.id, told);
            }
            tx.record(row.id, event);
            Ok(())
        })
        .await
        .map_err(|error| match error {
            StoreError::Conflict(_) => TenantChangeError::Taken(tenant.slug.clone()),
            other => TenantChangeError::Failure(other.into()),
        })?;
    Ok(tenant)
}

/// Makes the default tenant if it isn't there yet. Harmless when run twice, also at once.
pub async fn ensure_default(ctx: &Ctx) -> Result<(), TenantChangeError> {
    let found = store::tenants::find_by_id(ctx.database.read(), TenantId::DEFAULT).await.map_err(Failure::from)?;
    if found.is_some() {
        return Ok(());
    }
    let new =
        NewTenant { slug: Slug::default_tenant(), name: "Signet".to_owned(), settings: TenantSettings::default() };
    // It is there from the start: nobody could listen yet.
    match make(ctx, new, "signet", None).await {
        Ok(_) | Err(TenantChangeError::Taken(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Suspends a tenant or lets it work again. Suspended, all its sessions and tokens end: it doesn't wake up with them.
pub async fn set_status(
    ctx: &Ctx,
    slug: &Slug,
    status: TenantStatus,
    actor: &str,
) -> Result<Tenant, TenantChangeError> {
    let tenant = find(ctx, slug).await?;
    if tenant.id == TenantId::DEFAULT && status == TenantStatus::Suspended {
        return Err(TenantChangeError::Default);
    }
    let now = ctx.now();
    let event = audit::event(ctx, AuditKind::TenantChanged, Outcome::Success)
        .by(actor)
        .detail(serde_json::json!({ "status": status }));
    let told = match status {
        TenantStatus::Active => EventType::TenantResumed,
        TenantStatus::Suspended => EventType::TenantSuspended,
    };
    let told = events::of(ctx, told).by(actor);
    let ending = Ending::new(ctx, Which::OfTenant, EndReason::TenantSuspended).by(actor);
    let (id, inside) = (tenant.id, ctx.clone());
    ctx.database
        .write(async move |tx| {
            store::tenants::set_status(&tx, id, status, now).await?;
            if status == TenantStatus::Suspended {
                ending::end_in(&inside, &tx, id, ending).await?;
            }
            tx.record(id, told);
            tx.record(id, event);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(Tenant { status, updated_at: now, ..tenant })
}

/// Changes what a tenant's administrators may change.
pub async fn set_settings(
    ctx: &Ctx,
    slug: &Slug,
    name: String,
    settings: TenantSettings,
    actor: &str,
) -> Result<Tenant, TenantChangeError> {
    let tenant = find(ctx, slug).await?;
    if name.trim().is_empty() || name.chars().count() > 200 {
        return Err(TenantChangeError::Name);
    }
    policy::check(&settings).map_err(TenantChangeError::Settings)?;
    let updated_at = ctx.now().after(tenant.updated_at);
    let changed = Tenant { name, settings, updated_at, ..tenant };
    let event = audit::event(ctx, AuditKind::TenantChanged, Outcome::Success)
        .by(actor)
        .detail(serde_json::json!({ "name": changed.name, "settings": changed.settings }));
    let told = events::of(ctx, EventType::TenantUpdated).by(actor).with("name", &*changed.name);
    let row = changed.clone();
    ctx.database
        .write(async move |tx| {
            store::tenants::update(&tx, row.id, &row.name, &row.settings, row.updated_at).await?;
            tx.record(row.id, told);
            tx.record(row.id, event);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| Failure::from(error))?;
    Ok(changed)
}

/// The tenant of that slug, suspended or not; for administrators.
pub async fn find(ctx: &Ctx, slug: &Slug) -> Result<Tenant, TenantChangeError> {
    store::tenants::find_by_slug(ctx.database.read(), slug)
        .await
        .map_err(Failure::from)?
        .ok_or_else(|| TenantChangeError::Unknown(slug.clone()))
}

/// Tenants in the order of their ids, those after `after` only; at most 1,000 at a time.
pub async fn list(ctx: &Ctx, after: Option<TenantId>, limit: u64) -> Result<Vec<Tenant>, Failure> {
    Ok(store::tenants::list(ctx.database.read(), after, limit).await?)
}

/// When the row was last changed, and its sessions last ended, for what is derived from it and kept.
pub fn version(tenant: &Tenant) -> (TenantId, Timestamp, Option<Timestamp>) {
    (tenant.id, tenant.updated_at, tenant.sessions_since)
}
