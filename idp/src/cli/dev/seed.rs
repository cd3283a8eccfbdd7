//! Makes in the database what `dev.json` names.

use std::collections::BTreeSet;

use super::facts::{BrowserClient, Facts, Person, ServiceClient};
use crate::cli::exit::{CliError, Exit};
use crate::domain::Secret;
use crate::domain::client::{ClientAuthMethod, ClientMetadata, GrantType, SecretTransport};
use crate::domain::scope::ScopeError;
use crate::domain::sign_up::SignUpPolicy;
use crate::domain::tenant::{Slug, Tenant, TenantSettings};
use crate::domain::user::{Address, Profile};
use crate::service::clients::{self, ClientChangeError, NewClient};
use crate::service::ctx::Ctx;
use crate::service::tenants;
use crate::service::users::{self, NewUser, UserChangeError};

/// Who did it, in the audit log.
const ACTOR: &str = "signet serve --dev";

/// What the service may get: something to play with, and all of the admin API.
const SERVICE_SCOPES: &str = "demo:read demo:write admin:users:read admin:users:write admin:clients:read \
     admin:clients:write admin:keys:read admin:keys:write admin:consents:read admin:consents:write \
     admin:audit:read admin:events:read admin:webhooks:read admin:webhooks:write admin:sessions:read \
     admin:sessions:write";

/// Makes what is missing. With `drawn`, the passwords and secrets are new, and hold for what is there already.
pub(in crate::cli) async fn seed(ctx: &Ctx, facts: &Facts, drawn: bool) -> Result<(), CliError> {
    let tenant = tenants::find(ctx, &Slug::default_tenant()).await?;
    // Whoever tries it out makes accounts as well.
    if drawn && tenant.settings.sign_up == SignUpPolicy::Closed {
        let settings = TenantSettings { sign_up: SignUpPolicy::Open, ..tenant.settings.clone() };
        tenants::set_settings(ctx, &tenant.slug, tenant.name.clone(), settings, ACTOR).await?;
    }
    let seed = Seed { ctx, tenant: &tenant, drawn };
    seed.person(&facts.admin, "admin", BTreeSet::from(["admin".to_owned()]), named("Alex", "Admin")).await?;
    seed.person(&facts.user, "user", BTreeSet::new(), demo_user()).await?;
    seed.client(browser(&facts.browser_client)?).await?;
    seed.client(service(&facts.service_client)?).await
}

struct Seed<'a> {
    ctx: &'a Ctx,
    tenant: &'a Tenant,
    drawn: bool,
}

impl Seed<'_> {
    async fn person(
        &self,
        person: &Person,
        username: &str,
        roles: BTreeSet<String>,
        profile: Profile,
    ) -> Result<(), CliError> {
        let email = person.email.as_str();
        let password = || Secret::new(person.password.expose());
        match users::find(self.ctx, self.tenant, email).await {
            Ok(_) if self.drawn => {
                users::set_password(self.ctx, self.tenant, email, password(), ACTOR).await?;
            }
            Ok(_) => {}
            Err(UserChangeError::Unknown(_)) => {
                let new = NewUser {
                    email: Some(person.email.clone()),
                    email_verified: true,
                    username: username.parse().ok(),
                    roles,
                    profile,
                    password: Some(password()),
                };
                users::create(self.ctx, self.tenant, new, ACTOR).await?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn client(&self, new: NewClient) -> Result<(), CliError> {
        let tenant = self.tenant.id;
        if let Some(id) = &new.id {
            match clients::find(self.ctx, tenant, id).await {
                Ok(_) if self.drawn => clients::delete(self.ctx, tenant, id, ACTOR).await?,
                Ok(_) => return Ok(()),
                Err(ClientChangeError::Unknown(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        clients::create(self.ctx, tenant, new, ACTOR).await?;
        Ok(())
    }
}

fn browser(client: &BrowserClient) -> Result<NewClient, CliError> {
    let mut metadata = ClientMetadata::new([GrantType::AuthorizationCode], ClientAuthMethod::ClientSecretBasic);
    metadata.secret_transport = SecretTransport::Either;
    metadata.redirect_uris.clone_from(&client.redirect_uris);
    metadata.scope = "openid profile email address phone".parse().map_err(defect)?;
    Ok(NewClient {
        id: Some(client.client_id.clone()),
        name: "Demo application".to_owned(),
        metadata,
        secret: Some(client.client_secret.clone()),
    })
}

fn service(client: &ServiceClient) -> Result<NewClient, CliError> {
    let mut metadata = ClientMetadata::new([GrantType::ClientCredentials], ClientAuthMethod::ClientSecretBasic);
    metadata.secret_transport = SecretTransport::Either;
    metadata.scope = SERVICE_SCOPES.parse().map_err(defect)?;
    Ok(NewClient {
        id: Some(client.client_id.clone()),
        name: "Demo service".to_owned(),
        metadata,
        secret: Some(client.client_secret.clone()),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "stands where a closure would")]
fn defect(error: ScopeError) -> CliError {
    CliError::new(Exit::Failed, error.to_string())
}

fn named(given: &str, family: &str) -> Profile {
    Profile {
        name: Some(format!("{given} {family}")),
        given_name: Some(given.to_owned()),
        family_name: Some(family.to_owned()),
        ..Profile::default()
    }
}

/// Somebody of whom every standard claim is known, so that each scope shows something.
fn demo_user() -> Profile {
    let text = |text: &str| Some(text.to_owned());
    Profile {
        name: text("Robin Q. Example"),
        middle_name: text("Q."),
        nickname: text("Rob"),
        profile: text("https://example.com/people/robin"),
        picture: text("https://example.com/people/robin.png"),
        website: text("https://robin.example.com/"),
        gender: text("unspecified"),
        birthdate: text("1990-04-01"),
        zoneinfo: text("Europe/Berlin"),
        locale: text("en"),
        phone_number: text("+491555000123"),
        phone_number_verified: Some(true),
        address: Some(Address {
            formatted: text("Example Street 1\n10115 Berlin\nGermany"),
            street_address: text("Example Street 1"),
            locality: text("Berlin"),
            region: text("Berlin"),
            postal_code: text("10115"),
            country: text("Germany"),
        }),
        ..named("Robin", "Example")
    }
}
