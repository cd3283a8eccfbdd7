//! The database that the configuration names.

use std::time::Duration;

use serde_json::Value;

use super::{Administration, End, Signed, Which, no_session};
use crate::cli::exit::CliError;
use crate::cli::options::ACTOR;
use crate::domain::client::ClientStatus;
use crate::domain::client_details::ClientDetails;
use crate::domain::session::EndReason;
use crate::domain::tenant::Tenant;
use crate::domain::user::{LoginName, UserStatus};
use crate::domain::{ClientId, DeliveryId, Secret, SessionId, UserId};
use crate::http::admin::model::{
    self, AuditLine, AuditWhich, Client, Consent, Key, LogoutToken, NewClient, NewKey, NewSecret, NewUser, NewWebhook,
    NewWebhookSecret, Session, User, Webhook, WebhookDelivery, WebhookPatch,
};
use crate::service::audit_log;
use crate::service::backchannel_logout;
use crate::service::clients::{self, ClientChangeError};
use crate::service::consents::{self, WithdrawError};
use crate::service::ctx::Ctx;
use crate::service::issue;
use crate::service::key_rings::{self, KeyChange, KeyChangeError};
use crate::service::sessions::ending::{self, Ending, Which as Ended};
use crate::service::sessions::{self, SessionFilter};
use crate::service::users::{self, UserChangeError, UserFilter};
use crate::service::webhooks::{self, WebhookError};

/// A tenant in the database.
pub(super) struct Local<'a> {
    /// Everything ambient.
    pub(super) ctx: &'a Ctx,
    /// The tenant.
    pub(super) tenant: Tenant,
}

impl Local<'_> {
    fn key(&self, key: &key_rings::StoredKey) -> Key {
        Key::new(key, &key_rings::rules(self.ctx))
    }
}

/// An id after which a list begins.
fn after<I: std::str::FromStr<Err: std::fmt::Display>>(text: Option<String>) -> Result<Option<I>, CliError> {
    text.map(|text| text.parse().map_err(|error| CliError::usage(format!("--after: {error}")))).transpose()
}

fn delivery(id: Option<&str>) -> Result<Option<DeliveryId>, CliError> {
    id.map(str::parse).transpose().map_err(|error| CliError::usage(format!("--delivery: {error}")))
}

fn user(text: &str) -> Result<UserId, CliError> {
    text.parse().map_err(|_| UserChangeError::Unknown(text.to_owned()).into())
}

fn client(text: &str) -> Result<ClientId, CliError> {
    text.parse().map_err(|error| CliError::usage(format!("{error}")))
}

impl Administration for Local<'_> {
    async fn create_user(&self, new: NewUser) -> Result<User, CliError> {
        let details = new.details().map_err(UserChangeError::from)?;
        let new = users::NewUser {
            email: details.email,
            email_verified: details.email_verified,
            username: details.username,
            roles: details.roles,
            profile: details.profile,
            password: new.password.map(|password| Secret::new(password.0)),
        };
        Ok(User::from(&users::create(self.ctx, &self.tenant, new, ACTOR).await?))
    }

    async fn list_users(&self, which: &Which, begin: Option<String>, limit: u64) -> Result<Vec<User>, CliError> {
        let filter = UserFilter {
            status: which.status,
            begins: which.search.as_deref().map(LoginName::new),
            ..UserFilter::default()
        };
        let found = users::list(self.ctx, &self.tenant, &filter, after(begin)?, limit).await?;
        Ok(found.iter().map(User::from).collect())
    }

    async fn find_user(&self, name: &str) -> Result<User, CliError> {
        Ok(User::from(&users::find(self.ctx, &self.tenant, name).await?))
    }

    async fn update_user(&self, id: &str, patch: &Value) -> Result<User, CliError> {
        Ok(User::from(&users::update(self.ctx, &self.tenant, user(id)?, None, patch, ACTOR).await?))
    }

    async fn set_user_status(&self, id: &str, status: UserStatus) -> Result<User, CliError> {
        Ok(User::from(&users::set_status(self.ctx, &self.tenant, id, status, ACTOR).await?))
    }

    async fn set_password(&self, id: &str, password: &Secret) -> Result<(), CliError> {
        users::set_password(self.ctx, &self.tenant, id, password.clone(), ACTOR).await?;
        Ok(())
    }

    async fn delete_user(&self, id: &str) -> Result<(), CliError> {
        Ok(users::delete(self.ctx, &self.tenant, user(id)?, ACTOR).await?)
    }

    async fn create_client(&self, new: NewClient) -> Result<Client, CliError> {
        let secret = new.client_secret.clone().map(|secret| Secret::new(secret.0));
        let id = new.client_id.as_deref().map(client).transpose()?;
        let details = ClientDetails::registered(new.registration()).map_err(ClientChangeError::from)?;
        let new = clients::NewClient { id, name: details.name, metadata: details.metadata, secret };
        let (made, secret) = clients::create(self.ctx, self.tenant.id, new, ACTOR).await?;
        Ok(Client::made(&made, secret.as_ref()))
    }

    async fn list_clients(&self, begin: Option<String>, limit: u64) -> Result<Vec<Client>, CliError> {
        let begin: Option<ClientId> = after(begin)?;
        let found = clients::list(self.ctx, self.tenant.id, begin.as_ref(), limit).await?;
        Ok(found.iter().map(Client::listed).collect())
    }

    async fn find_client(&self, id: &str) -> Result<Client, CliError> {
        Ok(Client::shown(&clients::find(self.ctx, self.tenant.id, &client(id)?).await?))
    }

    async fn update_client(&self, id: &str, patch: &Value) -> Result<Client, CliError> {
        let change = |client: &crate::domain::client::Client| {
            ClientDetails::from(client).patched(patch).map_err(ClientChangeError::from)
        };
        Ok(Client::shown(&clients::update(self.ctx, self.tenant.id, &client(id)?, None, change, ACTOR).await?))
    }

    async fn rotate_secret(&self, id: &str, grace: Duration) -> Result<NewSecret, CliError> {
        let id = client(id)?;
        let (secret, until) = clients::rotate_secret(self.ctx, self.tenant.id, &id, grace, ACTOR).await?;
        Ok(NewSecret::new(&id, &secret, until))
    }

    async fn set_client_status(&self, id: &str, status: ClientStatus) -> Result<Client, CliError> {
        Ok(Client::shown(&clients::set_status(self.ctx, self.tenant.id, &client(id)?, status, ACTOR).await?))
    }

    async fn delete_client(&self, id: &str) -> Result<(), CliError> {
        Ok(clients::delete(self.ctx, self.tenant.id, &client(id)?, ACTOR).await?)
    }

    async fn list_keys(&self) -> Result<Vec<Key>, CliError> {
        let found = key_rings::list(self.ctx, self.tenant.id).await?;
        Ok(found.iter().map(|key| self.key(key)).collect())
    }

    async fn find_key(&self, kid: &str) -> Result<Key, CliError> {
        let found = key_rings::list(self.ctx, self.tenant.id).await?;
        let key = found.iter().find(|key| key.jwk.kid().as_str() == kid);
        Ok(self.key(key.ok_or_else(|| KeyChangeError::Unknown(kid.to_owned()))?))
    }

    async fn create_key(&self, new: NewKey) -> Result<Key, CliError> {
        let spec = new.spec().map_err(|error| CliError::usage(error.to_string()))?;
        Ok(self.key(&key_rings::stage(self.ctx, self.tenant.id, spec, ACTOR).await?))
    }

    async fn change_key(&self, kid: &str, change: KeyChange) -> Result<Key, CliError> {
        Ok(self.key(&key_rings::change(self.ctx, self.tenant.id, kid, change, ACTOR).await?))
    }

    async fn consents_of_user(&self, of: &str, begin: Option<String>, limit: u64) -> Result<Vec<Consent>, CliError> {
        let begin: Option<ClientId> = after(begin)?;
        let found = consents::list_of_user(self.ctx, self.tenant.id, user(of)?, begin.as_ref(), limit).await?;
        Ok(found.iter().map(Consent::from).collect())
    }

    async fn consents_of_client(&self, of: &str, begin: Option<String>, limit: u64) -> Result<Vec<Consent>, CliError> {
        let of = clients::find(self.ctx, self.tenant.id, &client(of)?).await?.id;
        let found = consents::list_of_client(self.ctx, self.tenant.id, &of, after(begin)?, limit).await?;
        Ok(found.iter().map(Consent::from).collect())
    }

    async fn withdraw(&self, of: &str, from: &str) -> Result<(), CliError> {
        let withdrawn = consents::withdraw(self.ctx, self.tenant.id, user(of)?, &client(from)?, ACTOR).await;
        withdrawn.map_err(|error: WithdrawError| error.into())
    }

    async fn logout_tokens(&self, of: &str, begin: Option<String>, limit: u64) -> Result<Vec<LogoutToken>, CliError> {
        let client = clients::find(self.ctx, self.tenant.id, &client(of)?).await?.id;
        let found = backchannel_logout::waiting(self.ctx, self.tenant.id, &client, after(begin)?, limit).await?;
        Ok(found.iter().map(LogoutToken::from).collect())
    }

    async fn replay_logout_tokens(&self, of: &str, one: Option<&str>) -> Result<u64, CliError> {
        let client = clients::find(self.ctx, self.tenant.id, &client(of)?).await?.id;
        Ok(backchannel_logout::replay(self.ctx, self.tenant.id, &client, delivery(one)?, ACTOR).await?)
    }

    async fn create_webhook(&self, new: NewWebhook) -> Result<Webhook, CliError> {
        let (endpoint, secret) = webhooks::create(self.ctx, self.tenant.id, new.into(), ACTOR).await?;
        Ok(Webhook::made(&endpoint, Some(&secret)))
    }

    async fn list_webhooks(&self, begin: Option<String>, limit: u64) -> Result<Vec<Webhook>, CliError> {
        let found = webhooks::list(self.ctx, self.tenant.id, after(begin)?, limit).await?;
        Ok(found.iter().map(Webhook::from).collect())
    }

    async fn find_webhook(&self, id: &str) -> Result<Webhook, CliError> {
        Ok(Webhook::from(&webhooks::find(self.ctx, self.tenant.id, id).await?))
    }

    async fn update_webhook(&self, id: &str, patch: &Value) -> Result<Webhook, CliError> {
        let endpoint = webhooks::find(self.ctx, self.tenant.id, id).await?;
        let changed = WebhookPatch::read(patch).map_err(WebhookError::from)?.applied(&endpoint);
        Ok(Webhook::from(&webhooks::update(self.ctx, self.tenant.id, &endpoint, changed, ACTOR).await?))
    }

    async fn rotate_webhook_secret(&self, id: &str, grace: Duration) -> Result<NewWebhookSecret, CliError> {
        let endpoint = webhooks::find(self.ctx, self.tenant.id, id).await?;
        let rotated = webhooks::rotate_secret(self.ctx, self.tenant.id, &endpoint, grace, ACTOR).await?;
        Ok(NewWebhookSecret::new(&endpoint, &rotated.0, rotated.1))
    }

    async fn delete_webhook(&self, id: &str) -> Result<(), CliError> {
        let endpoint = webhooks::find(self.ctx, self.tenant.id, id).await?;
        Ok(webhooks::delete(self.ctx, self.tenant.id, &endpoint, ACTOR).await?)
    }

    async fn webhook_deliveries(
        &self,
        id: &str,
        begin: Option<String>,
        limit: u64,
    ) -> Result<Vec<WebhookDelivery>, CliError> {
        let endpoint = webhooks::find(self.ctx, self.tenant.id, id).await?.id;
        let found = webhooks::deliveries(self.ctx, self.tenant.id, endpoint, after(begin)?, limit).await?;
        Ok(found.iter().map(WebhookDelivery::from).collect())
    }

    async fn replay_webhook(&self, id: &str, one: Option<&str>) -> Result<u64, CliError> {
        let endpoint = webhooks::find(self.ctx, self.tenant.id, id).await?;
        Ok(webhooks::replay(self.ctx, self.tenant.id, &endpoint, delivery(one)?, ACTOR).await?)
    }

    async fn audit(&self, which: &AuditWhich, begin: Option<String>, limit: u64) -> Result<Vec<AuditLine>, CliError> {
        let filter = which.filter().map_err(CliError::usage)?;
        let begin = begin.as_deref().map(model::audit_cursor).transpose().map_err(CliError::usage)?;
        let found = audit_log::list(self.ctx, self.tenant.id, &filter, begin, limit).await?;
        Ok(found.iter().map(AuditLine::from).collect())
    }

    async fn list_sessions(&self, of: &Signed, begin: Option<String>, limit: u64) -> Result<Vec<Session>, CliError> {
        let client = match &of.client {
            Some(of) => Some(clients::find(self.ctx, self.tenant.id, &client(of)?).await?.id),
            None => None,
        };
        let user = of.user.as_deref().map(user).transpose()?;
        let filter = SessionFilter { user, client, ..SessionFilter::default() };
        let found = sessions::list(self.ctx, self.tenant.id, &filter, after(begin)?, limit).await?;
        Ok(found.iter().map(Session::from).collect())
    }

    async fn find_session(&self, id: &str) -> Result<Session, CliError> {
        let found = sessions::find(self.ctx, self.tenant.id, session(id)?).await?;
        found.as_ref().map(Session::from).ok_or_else(no_session)
    }

    async fn session_of_token(&self, jti: &str) -> Result<Session, CliError> {
        let no_grant = || CliError::usage(format!("jti: {}", issue::NAMES_NO_GRANT));
        let grant = issue::grant_of_jti(jti).ok_or_else(no_grant)?;
        let filter = SessionFilter { grant: Some(grant), ..SessionFilter::default() };
        let found = sessions::list(self.ctx, self.tenant.id, &filter, None, 1).await?;
        found.first().map(Session::from).ok_or_else(no_session)
    }

    async fn end(&self, what: &End) -> Result<(), CliError> {
        let (which, reason) = match what {
            End::Session(id) => (Ended::One(session(id)?), EndReason::Revoked),
            End::User(id) => (Ended::OfUser(user(id)?), EndReason::Revoked),
            End::Client(id) => {
                let id = clients::find(self.ctx, self.tenant.id, &client(id)?).await?.id;
                (Ended::OfClient(id), EndReason::Revoked)
            }
            End::All => (Ended::OfTenant, EndReason::LockDown),
        };
        let ended = ending::end(self.ctx, self.tenant.id, Ending::new(self.ctx, which, reason).by(ACTOR)).await?;
        if matches!(what, End::Session(_)) && ended.sessions == 0 { Err(no_session()) } else { Ok(()) }
    }
}

fn session(id: &str) -> Result<SessionId, CliError> {
    id.parse().map_err(|_| no_session())
}
