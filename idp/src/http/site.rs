//! A tenant as it is served over HTTP: the default tenant at the root, another below `/t/{slug}`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::pages::{Brand, Language, LogoUrl};
use super::ready::Document;
use crate::domain::TenantId;
use crate::domain::provider_metadata::ProviderMetadata;
use crate::domain::tenant::{Slug, Tenant};
use crate::service::ctx::Ctx;
use crate::service::tenants::{self, TenantLookupError};

/// How many sites are kept ready.
const CACHED: u64 = 10_000;

/// A tenant as it is reached over HTTP: what doesn't change from request to request, made once.
pub struct Site {
    /// The tenant.
    pub tenant: Arc<Tenant>,
    /// Path of its pages: empty for the default tenant, `/t/{slug}` for another.
    pub base: String,
    /// How its pages look.
    pub brand: Arc<Brand>,
    /// The metadata document.
    pub metadata: Document,
    /// What its cookies are called.
    pub cookies: CookieNames,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("tenant", &self.tenant.slug).finish_non_exhaustive()
    }
}

/// Bytes as hexadecimal text.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What a tenant's cookies are called: different for each issuer, so that tenants, and other servers on the same host,
/// don't overwrite one another's.
#[derive(Clone, Debug)]
pub struct CookieNames {
    /// Opens the sessions.
    pub session: String,
    /// Tells the frame of `/check-session` who is signed in; scripts of ours may read it.
    pub state: String,
    /// Ties forms to the browser; what each is called begins so.
    pub browser: String,
    /// What was done, for the next page of the account console to tell.
    pub notice: String,
    /// Has the refresh token of an app; what each app's is called begins so.
    pub refresh: String,
    /// Whether they are for https alone, which all but loopback issuers are.
    pub secure: bool,
}

impl Site {
    /// Makes what is kept ready for a tenant; its documents may be kept for so long.
    pub fn new(tenant: Arc<Tenant>, max_age: Duration) -> Self {
        let hash = openssl::sha::sha256(tenant.issuer.as_str().as_bytes());
        let tag = hex(&hash[..8]);
        let secure = !tenant.issuer.is_plain_http();
        let prefix = if secure { "__Host-" } else { "" };
        let settings = &tenant.settings;
        let brand = Brand::new(&tenant.name)
            .with_logo(settings.logo.as_deref().and_then(LogoUrl::parse))
            .with_accent(settings.accent.as_deref().and_then(|text| text.parse().ok()))
            .with_background(settings.background.as_deref().and_then(|text| text.parse().ok()));
        let locales = Language::all().map(Language::code).collect();
        Self {
            base: tenant.base_path(),
            brand: Arc::new(brand),
            metadata: Document::json(&ProviderMetadata::new(&tenant, locales), max_age),
            cookies: CookieNames {
                session: format!("{prefix}signet-{tag}-session"),
                state: format!("{prefix}signet-{tag}-state"),
                browser: format!("{prefix}signet-{tag}-browser"),
                notice: format!("{prefix}signet-{tag}-notice"),
                // It has a path of its own, which `__Host-` doesn't take.
                refresh: format!("{}signet-{tag}-refresh", if secure { "__Secure-" } else { "" }),
                secure,
            },
            tenant,
        }
    }
}

/// Finds tenants, and keeps their sites.
#[derive(Clone, Debug)]
pub struct Tenants {
    sites: Cache<TenantId, Arc<Site>>,
    default: Slug,
}

impl Default for Tenants {
    fn default() -> Self {
        Self { sites: Cache::new(CACHED), default: Slug::default_tenant() }
    }
}

impl Tenants {
    /// The site of the active tenant of this slug; without one, of the default tenant.
    pub async fn site(&self, ctx: &Ctx, slug: Option<&Slug>) -> Result<Arc<Site>, TenantLookupError> {
        let tenant = tenants::active(ctx, slug.unwrap_or(&self.default)).await?;
        let fresh = |site: &Arc<Site>| tenants::version(&site.tenant) == tenants::version(&tenant);
        if let Some(site) = self.sites.get(&tenant.id).await.filter(fresh) {
            return Ok(site);
        }
        let site = Arc::new(Site::new(Arc::clone(&tenant), ctx.config.tokens.jwks_max_age));
        self.sites.insert(tenant.id, Arc::clone(&site)).await;
        Ok(site)
    }
}

/// A path that looks like a tenant's and can't be.
pub(super) struct NotATenant;

/// The tenant that a path names, and the path within it. Both forms of well-known addresses are read: appended to the
/// issuer (OpenID Connect Discovery §4) and inserted before its path (RFC 8414 §3).
pub(super) fn split_tenant(path: &str) -> Result<Option<(Slug, String)>, NotATenant> {
    if let Some(rest) = path.strip_prefix("/t/") {
        let (slug, rest) = rest.split_once('/').map_or((rest, ""), |(slug, rest)| (slug, rest));
        return named(slug, format!("/{rest}"));
    }
    if let Some(document) = path.strip_prefix("/.well-known/")
        && let Some((document, slug)) = document.split_once("/t/")
    {
        return named(slug, format!("/.well-known/{document}"));
    }
    Ok(None)
}

fn named(slug: &str, path: String) -> Result<Option<(Slug, String)>, NotATenant> {
    let slug: Slug = slug.parse().map_err(|_| NotATenant)?;
    // The default tenant has one address: a second would be a second issuer.
    if slug == Slug::default_tenant() { Err(NotATenant) } else { Ok(Some((slug, path))) }
}
