//! `signet tenant`: tenants, each with an issuer, keys, people and clients of its own.

use std::num::NonZeroU32;

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{self, ACTOR, Common, Page, one_of};
use super::place::with_app;
use super::record::{self, Record};
use crate::app::App;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::tenant::{FirstPartySettings, SessionSettings, Slug, Tenant, TenantSettings, TenantStatus};
use crate::http::pages::{Colour, Language, LogoUrl};
use crate::service::tenants::{self, NewTenant};

/// Verbs of `signet tenant`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make a tenant; its issuer is the base URL with /t/SLUG
    Create {
        /// Its name in URLs: a-z, 0-9 and -
        slug: Slug,
        /// Its name for people [default: the slug]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// List tenants
    List(Page),
    /// Show one tenant
    Show {
        /// Its slug
        slug: Slug,
    },
    /// Change what can be changed; an empty text takes a setting back
    Set {
        /// Its slug
        slug: Slug,
        /// Its name for people
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Suspend a tenant: all of its addresses answer as if it weren't there
    Suspend {
        /// Its slug
        slug: Slug,
    },
    /// Let a suspended tenant work again
    Resume {
        /// Its slug
        slug: Slug,
    },
}

/// What a tenant's administrators may change.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Settings {
    /// Logo on the pages: an https address, a path on this host, or a data: image
    #[arg(long, value_name = "URL", value_parser = logo)]
    logo: Option<String>,
    /// Colour of the primary action
    #[arg(long, value_name = "#RRGGBB", value_parser = colour)]
    accent: Option<String>,
    /// Colour behind the pages' card
    #[arg(long, value_name = "#RRGGBB", value_parser = colour)]
    background: Option<String>,
    /// Language of the pages where the browser asks for none that there is
    #[arg(long, value_name = "LANGUAGE", value_parser = language)]
    locale: Option<String>,
    /// aud of people's access tokens, unless their client has its own [default: the issuer]
    #[arg(long, value_name = "AUDIENCE", value_parser = visible)]
    default_audience: Option<String>,
    /// Role of people who are given none [default: STARTER]
    #[arg(long, value_name = "ROLE", value_parser = role)]
    default_role: Option<String>,
    /// Who may make an account: administrators alone, or anybody for themselves [default: closed]
    #[arg(long, value_name = "POLICY", value_parser = one_of(SignUpPolicy::ALL, |policy| policy.as_str()))]
    sign_up: Option<SignUpPolicy>,
    /// Longest life of sessions that begin on the pages, 0 for the configuration's
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    session_lifetime: Option<u32>,
    /// Longest rest of these sessions, 0 for the configuration's
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    session_idle_timeout: Option<u32>,
    /// The most of these sessions that a person has, the oldest ends; 0 for any number
    #[arg(long, value_name = "NUMBER")]
    session_limit: Option<u32>,
    /// Longest life of sessions that begin at the first-party API, 0 for the usual [default: 168h]
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    first_party_lifetime: Option<u32>,
    /// Longest rest of these sessions, 0 for the usual [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    first_party_idle_timeout: Option<u32>,
    /// The most of these sessions that a person has, 0 for the usual [default: 5]
    #[arg(long, value_name = "NUMBER")]
    first_party_limit: Option<u32>,
    /// Life of their access tokens, 0 for the usual [default: 15m]
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    first_party_access_token_lifetime: Option<u32>,
    /// Longest rest of their refresh tokens, 0 for the usual [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    first_party_refresh_token_lifetime: Option<u32>,
}

/// A duration in whole seconds.
fn seconds(text: &str) -> Result<u32, String> {
    options::duration(text).and_then(|time| u32::try_from(time.as_secs()).map_err(|_| "is too long".to_owned()))
}

/// Runs a verb.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    with_app(common, console, async |app, console| answer(verb, common, console, app).await).await
}

async fn answer(verb: Verb, common: &Common, console: &mut Console<'_>, app: &App) -> Result<Exit, CliError> {
    let ctx = &app.ctx;
    let tenant = match verb {
        Verb::Create { slug, name, settings } => {
            let name = name.unwrap_or_else(|| slug.to_string());
            let settings = settings.over(TenantSettings::default());
            tenants::create(ctx, NewTenant { slug, name, settings }, ACTOR).await?
        }
        Verb::List(page) => {
            let read = async |after, limit| Ok(tenants::list(ctx, after, limit).await?);
            let found = page.collect(|tenant: &Tenant| tenant.id, read).await?;
            let records: Vec<Record> = found.iter().map(record).collect();
            return record::list(console, common.format, &records, &["slug", "name", "status", "issuer"]);
        }
        Verb::Show { slug } => tenants::find(ctx, &slug).await?,
        Verb::Set { slug, name, settings } => {
            let tenant = tenants::find(ctx, &slug).await?;
            let settings = settings.over(tenant.settings);
            tenants::set_settings(ctx, &slug, name.unwrap_or(tenant.name), settings, ACTOR).await?
        }
        Verb::Suspend { slug } => tenants::set_status(ctx, &slug, TenantStatus::Suspended, ACTOR).await?,
        Verb::Resume { slug } => tenants::set_status(ctx, &slug, TenantStatus::Active, ACTOR).await?,
    };
    record::show(console, common.format, &record(&tenant))
}

fn record(tenant: &Tenant) -> Record {
    let TenantSettings {
        logo,
        accent,
        background,
        default_locale,
        default_audience,
        default_role,
        sign_up,
        sessions,
        first_party,
    } = &tenant.settings;
    let FirstPartySettings { sessions: apps, access_token_lifetime, refresh_token_lifetime } = first_party;
    Record::default()
        .with("slug", tenant.slug.as_str())
        .with_text("tenant_id", Some(tenant.id))
        .with("issuer", tenant.issuer.as_str())
        .with("name", tenant.name.as_str())
        .with(
            "status",
            match tenant.status {
                TenantStatus::Active => "active",
                TenantStatus::Suspended => "suspended",
            },
        )
        .with_text("logo", logo.as_ref())
        .with_text("accent", accent.as_ref())
        .with_text("background", background.as_ref())
        .with_text("locale", default_locale.as_ref())
        .with_text("default_audience", default_audience.as_ref())
        .with_text("default_role", default_role.as_ref())
        .with("sign_up", sign_up.as_str())
        .with_text("session_lifetime", sessions.lifetime)
        .with_text("session_idle_timeout", sessions.idle_timeout)
        .with_text("session_limit", sessions.limit)
        .with_text("first_party_lifetime", apps.lifetime)
        .with_text("first_party_idle_timeout", apps.idle_timeout)
        .with_text("first_party_limit", apps.limit)
        .with_text("first_party_access_token_lifetime", *access_token_lifetime)
        .with_text("first_party_refresh_token_lifetime", *refresh_token_lifetime)
        .with_time("created_at", tenant.created_at)
        .with_time("updated_at", tenant.updated_at)
}

impl Settings {
    /// These settings where they are given, the others as they were.
    fn over(self, before: TenantSettings) -> TenantSettings {
        let over = |given: Option<String>, before: Option<String>| match given {
            Some(text) if text.is_empty() => None,
            Some(text) => Some(text),
            None => before,
        };
        let apps = before.first_party;
        TenantSettings {
            logo: over(self.logo, before.logo),
            accent: over(self.accent, before.accent),
            background: over(self.background, before.background),
            default_locale: over(self.locale, before.default_locale),
            default_audience: over(self.default_audience, before.default_audience),
            default_role: over(self.default_role, before.default_role),
            sign_up: self.sign_up.unwrap_or(before.sign_up),
            sessions: SessionSettings {
                lifetime: unless_zero(self.session_lifetime, before.sessions.lifetime),
                idle_timeout: unless_zero(self.session_idle_timeout, before.sessions.idle_timeout),
                limit: limit(self.session_limit, before.sessions.limit),
            },
            first_party: FirstPartySettings {
                sessions: SessionSettings {
                    lifetime: unless_zero(self.first_party_lifetime, apps.sessions.lifetime),
                    idle_timeout: unless_zero(self.first_party_idle_timeout, apps.sessions.idle_timeout),
                    limit: limit(self.first_party_limit, apps.sessions.limit),
                },
                access_token_lifetime: unless_zero(self.first_party_access_token_lifetime, apps.access_token_lifetime),
                refresh_token_lifetime: unless_zero(
                    self.first_party_refresh_token_lifetime,
                    apps.refresh_token_lifetime,
                ),
            },
        }
    }
}

/// Nought takes a setting back.
fn unless_zero(given: Option<u32>, before: Option<u32>) -> Option<u32> {
    given.map_or(before, |number| Some(number).filter(|number| *number > 0))
}

fn limit(given: Option<u32>, before: Option<NonZeroU32>) -> Option<NonZeroU32> {
    given.map_or(before, NonZeroU32::new)
}

/// An empty text takes a setting back; any other goes through its rule.
fn unless_empty(text: &str, rule: impl FnOnce(&str) -> Result<String, String>) -> Result<String, String> {
    if text.is_empty() { Ok(String::new()) } else { rule(text) }
}

fn logo(text: &str) -> Result<String, String> {
    let wanted = "expected an https address, a path that begins with /, or a data: image of at most 32 KiB";
    unless_empty(text, |text| LogoUrl::parse(text).map(|logo| logo.to_string()).ok_or_else(|| wanted.to_owned()))
}

fn colour(text: &str) -> Result<String, String> {
    unless_empty(text, |text| {
        text.parse::<Colour>().map(|colour| colour.to_string()).map_err(|error| error.to_string())
    })
}

fn language(text: &str) -> Result<String, String> {
    unless_empty(text, |text| {
        let known = || Language::all().map(Language::code).collect::<Vec<_>>().join(", ");
        let language = Language::from_code(text);
        language.map(|language| language.code().to_owned()).ok_or_else(|| format!("expected one of {}", known()))
    })
}

fn role(text: &str) -> Result<String, String> {
    let fits = text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic());
    unless_empty(text, |text| {
        fits.then(|| text.to_owned()).ok_or_else(|| "expected 1 to 64 visible ASCII characters".to_owned())
    })
}

/// A text that can be an audience.
pub(super) fn visible(text: &str) -> Result<String, String> {
    let fits = text.len() <= 512 && text.bytes().all(|b| b.is_ascii_graphic());
    unless_empty(text, |text| {
        fits.then(|| text.to_owned()).ok_or_else(|| "expected 1 to 512 visible ASCII characters".to_owned())
    })
}
