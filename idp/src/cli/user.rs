//! `signet user`: people.

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{ACTOR, Common, Page, TenantOption};
use super::password::PasswordSource;
use super::record::{self, Record};
use crate::app::App;
use crate::domain::tenant::Tenant;
use crate::domain::user::{Email, Profile, User, UserStatus, Username};
use crate::service::users::{self, NewUser, UserFilter};

/// Verbs of `signet user`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make a user
    Create(Box<NewArguments>),
    /// List users
    List {
        #[command(flatten)]
        tenant: TenantOption,
        #[command(flatten)]
        page: Page,
    },
    /// Show one user
    Show(Named),
    /// Switch a user off; all sessions and grants end
    Disable(Named),
    /// Switch a disabled or locked user on
    Enable(Named),
    /// Lock a user for a reason of security; all sessions and grants end
    Lock(Named),
    /// Give a user a new password; all sessions and grants end
    SetPassword {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        password: PasswordSource,
    },
}

/// Which user.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// E-mail address, user name or id
    user: String,
    #[command(flatten)]
    tenant: TenantOption,
}

/// Options of `signet user create`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct NewArguments {
    /// E-mail address
    #[arg(long)]
    email: Option<Email>,
    /// The address is known to be this person's
    #[arg(long, requires = "email")]
    email_verified: bool,
    /// Name to sign in with, beside or instead of the e-mail address
    #[arg(long)]
    username: Option<Username>,
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Given name
    #[arg(long)]
    given_name: Option<String>,
    /// Family name
    #[arg(long)]
    family_name: Option<String>,
    /// Role, may be repeated [default: the tenant's default role]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Make a user who can't sign in by password
    #[arg(long, conflicts_with_all = ["password_stdin", "generate_password"])]
    no_password: bool,
    #[command(flatten)]
    tenant: TenantOption,
}

/// Runs a verb.
pub(super) async fn run(verb: Verb, common: &Common, console: &mut Console<'_>) -> Result<Exit, CliError> {
    let app = common.open(console).await?;
    let answer = answer(verb, common, console, &app).await;
    app.close().await;
    answer
}

async fn answer(verb: Verb, common: &Common, console: &mut Console<'_>, app: &App) -> Result<Exit, CliError> {
    let record = match verb {
        Verb::Create(arguments) => create(*arguments, console, app).await?,
        Verb::List { tenant, page } => {
            let tenant = tenant.find(app).await?;
            let read =
                async |after, limit| Ok(users::list(&app.ctx, &tenant, &UserFilter::default(), after, limit).await?);
            let found = page.collect(|user: &User| user.id, read).await?;
            let records: Vec<Record> = found.iter().map(record).collect();
            return record::list(
                console,
                common.format,
                &records,
                &["user_id", "email", "username", "status", "roles"],
            );
        }
        Verb::Show(named) => {
            let tenant = named.tenant.find(app).await?;
            record(&users::find(&app.ctx, &tenant, &named.user).await?)
        }
        Verb::Disable(named) => set_status(&named, UserStatus::Disabled, app).await?,
        Verb::Enable(named) => set_status(&named, UserStatus::Active, app).await?,
        Verb::Lock(named) => set_status(&named, UserStatus::Locked, app).await?,
        Verb::SetPassword { named, password } => set_password(&named, password, console, app).await?,
    };
    record::show(console, common.format, &record)
}

async fn create(arguments: NewArguments, console: &mut Console<'_>, app: &App) -> Result<Record, CliError> {
    let tenant = arguments.tenant.find(app).await?;
    let chosen =
        if arguments.no_password { None } else { Some(arguments.password.choose(console, app.ctx.random.as_ref())?) };
    let new = NewUser {
        email: arguments.email,
        email_verified: arguments.email_verified,
        username: arguments.username,
        roles: arguments.roles.into_iter().collect(),
        profile: Profile {
            name: arguments.name,
            given_name: arguments.given_name,
            family_name: arguments.family_name,
            ..Profile::default()
        },
        password: chosen.as_ref().map(|chosen| chosen.password.clone()),
    };
    let user = users::create(&app.ctx, &tenant, new, ACTOR).await?;
    Ok(match chosen {
        Some(chosen) if chosen.generated => shown_once(record(&user), chosen.password.expose()),
        Some(_) | None => record(&user),
    })
}

async fn set_status(named: &Named, status: UserStatus, app: &App) -> Result<Record, CliError> {
    let tenant = named.tenant.find(app).await?;
    Ok(record(&users::set_status(&app.ctx, &tenant, &named.user, status, ACTOR).await?))
}

async fn set_password(
    named: &Named,
    password: PasswordSource,
    console: &mut Console<'_>,
    app: &App,
) -> Result<Record, CliError> {
    let tenant: Tenant = named.tenant.find(app).await?;
    // Nobody should type a password twice to learn that the name was wrong.
    users::find(&app.ctx, &tenant, &named.user).await?;
    let chosen = password.choose(console, app.ctx.random.as_ref())?;
    let user = users::set_password(&app.ctx, &tenant, &named.user, chosen.password.clone(), ACTOR).await?;
    let record = record(&user);
    Ok(if chosen.generated {
        shown_once(record, chosen.password.expose())
    } else {
        record.note("The password is set.")
    })
}

fn shown_once(record: Record, password: &str) -> Record {
    record.with("password", password).note("The password is shown this once; only its hash is kept.")
}

fn record(user: &User) -> Record {
    Record::default()
        .with_text("user_id", Some(user.id))
        .with(
            "status",
            match user.status {
                UserStatus::Active => "active",
                UserStatus::Disabled => "disabled",
                UserStatus::Locked => "locked",
            },
        )
        .with_text("email", user.email.as_ref())
        .with("email_verified", user.email_verified)
        .with_text("username", user.username.as_ref())
        .with("roles", user.roles.iter().cloned().collect::<Vec<_>>())
        .with("profile", serde_json::to_value(&user.profile).unwrap_or_default())
        .with_time("last_activity_at", user.last_activity_at)
        .with_time("created_at", user.created_at)
        .with_time("updated_at", user.updated_at)
}
