//! `signet user`: people.

use serde_json::{Map, Value, json};

use super::console::Console;
use super::exit::{CliError, Exit};
use super::options::{Common, Page, one_of};
use super::password::PasswordSource;
use super::place::{self, Administration, Place, Which};
use super::record::{self, Record};
use crate::domain::user::{Email, UserStatus, Username};
use crate::http::admin::model::{NewUser, User};
use crate::service::random::SystemRandom;

/// Verbs of `signet user`.
#[derive(Clone, Debug, clap::Subcommand)]
pub(super) enum Verb {
    /// Make a user
    Create(Box<NewArguments>),
    /// List users
    List {
        /// Only those of this status
        #[arg(long, value_name = "STATUS", value_parser = one_of(&STATUSES, |status| status_name(*status)))]
        status: Option<UserStatus>,
        /// Only those whose e-mail address or user name begins so
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        #[command(flatten)]
        page: Page,
        #[command(flatten)]
        place: Place,
    },
    /// Show one user
    Show(Named),
    /// Change what the options name; an empty text takes a claim away
    Set(Box<SetArguments>),
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
    /// Delete a user, with sessions, grants and consents
    Delete(Named),
}

const STATUSES: [UserStatus; 3] = [UserStatus::Active, UserStatus::Disabled, UserStatus::Locked];

fn status_name(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Active => "active",
        UserStatus::Disabled => "disabled",
        UserStatus::Locked => "locked",
    }
}

/// Which user.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Named {
    /// E-mail address, user name or id
    user: String,
    #[command(flatten)]
    place: Place,
}

/// Standard claims beside e-mail and user name (OpenID Connect Core §5.1).
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Claims")]
pub(super) struct Claims {
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Given name
    #[arg(long)]
    given_name: Option<String>,
    /// Family name
    #[arg(long)]
    family_name: Option<String>,
    /// Middle name
    #[arg(long)]
    middle_name: Option<String>,
    /// Casual name
    #[arg(long)]
    nickname: Option<String>,
    /// Profile page
    #[arg(long, value_name = "URL")]
    profile: Option<String>,
    /// Profile picture
    #[arg(long, value_name = "URL")]
    picture: Option<String>,
    /// Web page
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// Gender
    #[arg(long)]
    gender: Option<String>,
    /// Birthday: YYYY-MM-DD, 0000-MM-DD or YYYY
    #[arg(long, value_name = "DATE")]
    birthdate: Option<String>,
    /// Time zone, such as Europe/Paris
    #[arg(long, value_name = "ZONE")]
    zoneinfo: Option<String>,
    /// Language, such as en-GB
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    /// Telephone number with its country's code, such as +4930901820
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// Whether the number is known to be this person's
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    phone_verified: Option<bool>,
    /// The whole address, as on an envelope
    #[arg(long, value_name = "TEXT")]
    address_formatted: Option<String>,
    /// Street and house number
    #[arg(long, value_name = "TEXT")]
    address_street: Option<String>,
    /// Town
    #[arg(long, value_name = "TEXT")]
    address_locality: Option<String>,
    /// State or province
    #[arg(long, value_name = "TEXT")]
    address_region: Option<String>,
    /// Postal code
    #[arg(long, value_name = "TEXT")]
    address_postal_code: Option<String>,
    /// Country
    #[arg(long, value_name = "TEXT")]
    address_country: Option<String>,
}

/// Members of a merge patch: what is given, and null for what is given as an empty text.
fn given<'a>(members: impl IntoIterator<Item = (&'a str, &'a Option<String>)>) -> Map<String, Value> {
    let value = |text: &String| if text.is_empty() { Value::Null } else { text.clone().into() };
    members.into_iter().filter_map(|(name, text)| Some((name.to_owned(), value(text.as_ref()?)))).collect()
}

impl Claims {
    /// What they change, as a merge patch of the profile.
    fn patch(&self) -> Map<String, Value> {
        let mut patch = given([
            ("name", &self.name),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("middle_name", &self.middle_name),
            ("nickname", &self.nickname),
            ("profile", &self.profile),
            ("picture", &self.picture),
            ("website", &self.website),
            ("gender", &self.gender),
            ("birthdate", &self.birthdate),
            ("zoneinfo", &self.zoneinfo),
            ("locale", &self.locale),
            ("phone_number", &self.phone),
        ]);
        if let Some(verified) = self.phone_verified {
            patch.insert("phone_number_verified".to_owned(), verified.into());
        }
        let address = given([
            ("formatted", &self.address_formatted),
            ("street_address", &self.address_street),
            ("locality", &self.address_locality),
            ("region", &self.address_region),
            ("postal_code", &self.address_postal_code),
            ("country", &self.address_country),
        ]);
        if !address.is_empty() {
            patch.insert("address".to_owned(), address.into());
        }
        patch
    }
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
    /// Role, may be repeated [default: the tenant's default role]
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    #[command(flatten)]
    password: PasswordSource,
    /// Make a user who can't sign in by password
    #[arg(long, conflicts_with_all = ["password_stdin", "generate_password"])]
    no_password: bool,
    #[command(flatten)]
    claims: Claims,
    #[command(flatten)]
    place: Place,
}

/// Options of `signet user set`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct SetArguments {
    /// E-mail address, user name or id
    user: String,
    /// New e-mail address
    #[arg(long)]
    email: Option<String>,
    /// Whether the address is known to be this person's; a new one isn't unless this says so
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    email_verified: Option<bool>,
    /// New user name
    #[arg(long)]
    username: Option<String>,
    /// All of their roles from now on: repeated for several, empty for none
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    #[command(flatten)]
    claims: Claims,
    #[command(flatten)]
    place: Place,
}

impl SetArguments {
    fn patch(&self) -> Result<Value, CliError> {
        let mut patch = given([("email", &self.email), ("username", &self.username)]);
        if let Some(verified) = self.email_verified {
            patch.insert("email_verified".to_owned(), verified.into());
        }
        if !self.roles.is_empty() {
            let roles: Vec<&String> = self.roles.iter().filter(|role| !role.is_empty()).collect();
            patch.insert("roles".to_owned(), json!(roles));
        }
        let claims = self.claims.patch();
        if !claims.is_empty() {
            patch.insert("profile".to_owned(), claims.into());
        }
        if patch.is_empty() {
            return Err(CliError::usage("nothing is to be changed: give an option, see `signet user set --help`"));
        }
        Ok(patch.into())
    }
}

impl place::Verb for Verb {
    fn place(&self) -> &Place {
        match self {
            Self::Create(arguments) => &arguments.place,
            Self::Set(arguments) => &arguments.place,
            Self::List { place, .. } => place,
            Self::Show(named)
            | Self::Disable(named)
            | Self::Enable(named)
            | Self::Lock(named)
            | Self::Delete(named)
            | Self::SetPassword { named, .. } => &named.place,
        }
    }

    async fn answer(
        self,
        admin: &impl Administration,
        common: &Common,
        console: &mut Console<'_>,
    ) -> Result<Exit, CliError> {
        let record = match self {
            Self::Create(arguments) => create(*arguments, console, admin).await?,
            Self::List { status, search, page, .. } => {
                let which = Which { status, search };
                let read = async |after, limit| admin.list_users(&which, after, limit).await;
                let found = page.collect(|user: &User| user.user_id.0.clone(), read).await?;
                let records: Vec<Record> = found.iter().map(record).collect();
                let columns = ["user_id", "email", "username", "status", "roles"];
                return record::list(console, common.format, &records, &columns);
            }
            Self::Show(named) => record(&admin.find_user(&named.user).await?),
            Self::Set(arguments) => {
                let patch = arguments.patch()?;
                let id = admin.find_user(&arguments.user).await?.user_id.0;
                record(&admin.update_user(&id, &patch).await?)
            }
            Self::Disable(named) => set_status(&named, UserStatus::Disabled, admin).await?,
            Self::Enable(named) => set_status(&named, UserStatus::Active, admin).await?,
            Self::Lock(named) => set_status(&named, UserStatus::Locked, admin).await?,
            Self::SetPassword { named, password } => set_password(&named, password, console, admin).await?,
            Self::Delete(named) => {
                let id = admin.find_user(&named.user).await?.user_id.0;
                admin.delete_user(&id).await?;
                Record::default().with("user_id", id).with("status", "deleted")
            }
        };
        record::show(console, common.format, &record)
    }
}

async fn create(
    arguments: NewArguments,
    console: &mut Console<'_>,
    admin: &impl Administration,
) -> Result<Record, CliError> {
    let chosen = if arguments.no_password { None } else { Some(arguments.password.choose(console, &SystemRandom)?) };
    let mut document = Map::new();
    let text = |text: Option<String>| text.map(Value::from);
    for (name, value) in [
        ("email", text(arguments.email.as_ref().map(ToString::to_string))),
        ("email_verified", arguments.email.as_ref().map(|_| arguments.email_verified.into())),
        ("username", text(arguments.username.as_ref().map(ToString::to_string))),
        ("roles", (!arguments.roles.is_empty()).then(|| json!(arguments.roles))),
        ("profile", Some(arguments.claims.patch().into())),
        ("password", text(chosen.as_ref().map(|chosen| chosen.password.expose().to_owned()))),
    ] {
        document.extend(value.map(|value| (name.to_owned(), value)));
    }
    let new: NewUser = serde_json::from_value(document.into()).map_err(|error| CliError::usage(error.to_string()))?;
    let user = admin.create_user(new).await?;
    Ok(match chosen {
        Some(chosen) if chosen.generated => shown_once(record(&user), chosen.password.expose()),
        Some(_) | None => record(&user),
    })
}

async fn set_status(named: &Named, status: UserStatus, admin: &impl Administration) -> Result<Record, CliError> {
    let id = admin.find_user(&named.user).await?.user_id.0;
    Ok(record(&admin.set_user_status(&id, status).await?))
}

async fn set_password(
    named: &Named,
    password: PasswordSource,
    console: &mut Console<'_>,
    admin: &impl Administration,
) -> Result<Record, CliError> {
    // Nobody should type a password twice to learn that the name was wrong.
    let user = admin.find_user(&named.user).await?;
    let chosen = password.choose(console, &SystemRandom)?;
    admin.set_password(&user.user_id.0, &chosen.password).await?;
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
    Record::of(user).with_all(&[
        "user_id",
        "status",
        "email",
        "email_verified",
        "username",
        "roles",
        "profile",
        "last_activity_at",
        "created_at",
        "updated_at",
    ])
}
