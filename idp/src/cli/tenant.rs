//! `signet tenant`: tenants, each with an issuer, keys, people and clients of its own.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{ACTOR, Common, Page, one_of};
use super::place::with_app;
use super::record::{self, Record};
use crate::app::App;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::tenant::{Slug, Tenant, TenantSettings, TenantStatus};
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
    let TenantSettings { logo, accent, background, default_locale, default_audience, default_role, sign_up } =
        &tenant.settings;
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
        TenantSettings {
            logo: over(self.logo, before.logo),
            accent: over(self.accent, before.accent),
            background: over(self.background, before.background),
            default_locale: over(self.locale, before.default_locale),
            default_audience: over(self.default_audience, before.default_audience),
            default_role: over(self.default_role, before.default_role),
            sign_up: self.sign_up.unwrap_or(before.sign_up),
        }
    }
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
