//! People: made, listed, switched off, given a password.

use std::collections::BTreeSet;

use serde_json::json;
use thiserror::Error;

use super::audit::Actor;
use super::ctx::{Caller, Ctx};
use super::events::{self, EventBuilder};
use super::sessions::ending::{self, Ending, Which};
use super::{Failure, audit};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::event::EventType;
use crate::domain::merge_patch::FieldError;
use crate::domain::password::{self, PasswordError};
use crate::domain::session::EndReason;
use crate::domain::tenant::Tenant;
use crate::domain::user::{Email, LoginName, Profile, User, UserStatus, Username};
use crate::domain::user_details::{self, UserDetails};
use crate::domain::{ClientId, Secret, TenantId, Timestamp, UserId};
use crate::service::password_hasher::PasswordHasherError;
pub use crate::store::users::UserFilter;
use crate::store::{self, Conflict, StoreError, Tx};

/// The role of users that were given none, where the tenant names no other.
pub const DEFAULT_ROLE: &str = "STARTER";

/// What a new user is made of.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// E-mail address.
    pub email: Option<Email>,
    /// Whether the address was proved to be theirs.
    pub email_verified: bool,
    /// Name to sign in with.
    pub username: Option<Username>,
    /// Roles; the tenant's default role if empty.
    pub roles: BTreeSet<String>,
    /// The other standard claims.
    pub profile: Profile,
    /// Password; without one nobody can sign in by password.
    pub password: Option<Secret>,
}

/// Why a user can't be made or changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UserChangeError {
    /// Neither e-mail address nor user name.
    #[error("a user has an e-mail address or a user name")]
    Nameless,
    /// The e-mail address is taken.
    #[error("there is a user with this e-mail address already")]
    EmailTaken,
    /// The user name is taken.
    #[error("there is a user with this user name already")]
    UsernameTaken,
    /// A role that isn't one.
    #[error("a role has 1 to 64 visible ASCII characters; a user has at most 64")]
    Role,
    /// There is none of that name.
    #[error("there is no user {0}")]
    Unknown(String),
    /// A member that can't be what it is.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// It was changed since it was looked at.
    #[error("the user was changed by somebody else in the meantime; look again")]
    Stale,
    /// The password isn't taken.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// It could not be stored.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for UserChangeError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(Conflict::Email) => Self::EmailTaken,
            StoreError::Conflict(Conflict::Username) => Self::UsernameTaken,
            other => Self::Failure(other.into()),
        }
    }
}

impl From<PasswordHasherError> for UserChangeError {
    fn from(error: PasswordHasherError) -> Self {
        Self::Failure(error.into())
    }
}

/// Makes a user.
pub async fn create(
    ctx: &Ctx,
    tenant: &Tenant,
    new: NewUser,
    actor: impl Into<Actor>,
) -> Result<User, UserChangeError> {
    let prepared = prepare(ctx, tenant, new).await?.by(actor);
    let (tenant_id, user, now) = (tenant.id, prepared.user().clone(), ctx.now());
    ctx.database
        .write(async move |tx| prepared.insert(&tx, tenant_id, now).await)
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    Ok(user)
}

/// A user who is about to be made: all rules were looked at, the password is hashed.
#[derive(Debug)]
pub(super) struct Prepared {
    user: User,
    phc: Option<Secret>,
    event: audit::AuditBuilder,
    told: EventBuilder,
}

/// Prepares a user.
pub(super) async fn prepare(ctx: &Ctx, tenant: &Tenant, new: NewUser) -> Result<Prepared, UserChangeError> {
    check_names(new.email.as_ref(), new.username.as_ref(), &new.roles)?;
    user_details::check(&new.profile)?;
    let default_role = tenant.settings.default_role.as_deref().unwrap_or(DEFAULT_ROLE);
    let now = ctx.now();
    let user = User {
        id: UserId::from_uuid(ctx.random.uuid_v7(now)),
        status: UserStatus::Active,
        email_verified: new.email_verified && new.email.is_some(),
        email: new.email,
        username: new.username,
        roles: if new.roles.is_empty() { BTreeSet::from([default_role.to_owned()]) } else { new.roles },
        profile: new.profile,
        last_activity_at: None,
        created_at: now,
        updated_at: now,
    };
    let phc = match new.password {
        Some(password) => Some(hash(ctx, tenant, &user, password).await?),
        None => None,
    };
    let event = audit::event(ctx, AuditKind::UserCreated, Outcome::Success).user(user.id);
    let told = registered(ctx, &user);
    Ok(Prepared { user, phc, event, told })
}

impl Prepared {
    /// The user.
    pub(super) fn user(&self) -> &User {
        &self.user
    }

    /// Made by somebody else.
    fn by(self, actor: impl Into<Actor>) -> Self {
        let actor = actor.into();
        Self { event: self.event.by(&actor), told: self.told.by(&actor), ..self }
    }

    /// Made by the person, for the use of a client.
    pub(super) fn at(self, client: &ClientId, caller: &Caller) -> Self {
        let event = self.event.client(client).from(caller).detail(json!({ "by": "sign-up" }));
        Self { event, told: self.told.client(client).from(caller), ..self }
    }

    /// Makes the user.
    ///
    /// # Errors
    /// [`Conflict::Email`], [`Conflict::Username`]; the transaction is to be given up then.
    pub(super) async fn insert(self, tx: &Tx, tenant: TenantId, now: Timestamp) -> Result<(), StoreError> {
        store::users::insert(tx, tenant, &self.user).await?;
        if let Some(phc) = &self.phc {
            store::users::set_password_hash(tx, tenant, self.user.id, phc, now).await?;
        }
        tx.record(tenant, self.told);
        tx.record(tenant, self.event);
        Ok(())
    }
}

/// Tells that there is somebody new.
fn registered(ctx: &Ctx, user: &User) -> EventBuilder {
    let told = events::of(ctx, EventType::UserRegistered).user(user.id).with("roles", json!(user.roles));
    let told = user.email.iter().fold(told, |told, email| told.with("email", email.as_str()));
    user.username.iter().fold(told, |told, username| told.with("username", username.as_str()))
}

fn check_names(
    email: Option<&Email>,
    username: Option<&Username>,
    roles: &BTreeSet<String>,
) -> Result<(), UserChangeError> {
    if email.is_none() && username.is_none() {
        return Err(UserChangeError::Nameless);
    }
    let role = |role: &String| (1..=64).contains(&role.len()) && role.bytes().all(|b| b.is_ascii_graphic());
    if roles.len() > 64 || !roles.iter().all(role) {
        return Err(UserChangeError::Role);
    }
    Ok(())
}

/// Words of the tenant that a password must not follow from.
pub(super) fn password_words(tenant: &Tenant) -> [&str; 3] {
    [&tenant.name, tenant.slug.as_str(), "signet"]
}

async fn hash(ctx: &Ctx, tenant: &Tenant, user: &User, password: Secret) -> Result<Secret, UserChangeError> {
    check_new_password(tenant, user, &password)?;
    Ok(Secret::new(ctx.passwords.hash(password, ctx.random.bytes()).await?))
}

/// Whether a person may have that password.
pub(super) fn check_new_password(tenant: &Tenant, user: &User, password: &Secret) -> Result<(), PasswordError> {
    let email = user.email.as_ref().map(Email::as_str).unwrap_or_default();
    let username = user.username.as_ref().map(Username::as_str).unwrap_or_default();
    let name = user.profile.name.as_deref().unwrap_or_default();
    let words: Vec<&str> = [email, username, name].into_iter().chain(password_words(tenant)).collect();
    password::check_new(password, &words)
}

/// The user of that id, e-mail address or user name; for administrators.
pub async fn find(ctx: &Ctx, tenant: &Tenant, name: &str) -> Result<User, UserChangeError> {
    let db = ctx.database.read();
    let user = match name.parse() {
        Ok(id) => store::users::find_by_id(db, tenant.id, id).await?,
        Err(_) => store::users::find_by_login(db, tenant.id, &LoginName::new(name)).await?,
    };
    let mut user = user.ok_or_else(|| UserChangeError::Unknown(name.to_owned()))?;
    see_last_activity(ctx, tenant.id, std::slice::from_mut(&mut user)).await?;
    Ok(user)
}

/// Users in the order of their ids, those after `after` only; at most 1,000 at a time.
pub async fn list(
    ctx: &Ctx,
    tenant: &Tenant,
    filter: &UserFilter,
    after: Option<UserId>,
    limit: u64,
) -> Result<Vec<User>, Failure> {
    let mut users = store::users::list(ctx.database.read(), tenant.id, filter, after, limit).await?;
    see_last_activity(ctx, tenant.id, &mut users).await?;
    Ok(users)
}

/// Looks up when people last did something. Their rows say when they last signed in; that a session is used is noted with
/// the session alone, since a person's row would be one more to write and to wait for.
pub async fn see_last_activity(ctx: &Ctx, tenant: TenantId, users: &mut [User]) -> Result<(), Failure> {
    let ids: Vec<UserId> = users.iter().map(|user| user.id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let found = store::users::last_activity(ctx.database.read(), tenant, &ids).await?;
    for user in users {
        user.last_activity_at = found.get(&user.id).copied().max(user.last_activity_at);
    }
    Ok(())
}

/// How often a change is tried that doesn't mind what others changed.
const ATTEMPTS: usize = 5;

/// Changes what a merge patch names ([`UserDetails::patched`]). With `seen`, when the user was last changed as far as
/// the caller knows, nothing that was changed since is lost: the answer is [`UserChangeError::Stale`] then.
pub async fn update(
    ctx: &Ctx,
    tenant: &Tenant,
    id: UserId,
    seen: Option<Timestamp>,
    patch: &serde_json::Value,
    actor: impl Into<Actor>,
) -> Result<User, UserChangeError> {
    let actor = actor.into();
    for _ in 0..ATTEMPTS {
        let user = find(ctx, tenant, &id.to_string()).await?;
        if seen.is_some_and(|seen| seen != user.updated_at) {
            return Err(UserChangeError::Stale);
        }
        let before = UserDetails::from(&user);
        let details = before.patched(patch)?;
        check_names(details.email.as_ref(), details.username.as_ref(), &details.roles)?;
        if details == before {
            return Ok(user);
        }
        let event = audit::event(ctx, AuditKind::UserChanged, Outcome::Success)
            .by(&actor)
            .user(id)
            .detail(what_changed(&before, &details));
        let told = what_changed(&before, &details)["changed"].take();
        let told = events::of(ctx, EventType::UserUpdated).by(&actor).user(id).with("changed", told);
        let UserDetails { email, email_verified, username, roles, profile } = details;
        let updated_at = ctx.now().after(user.updated_at);
        let next = User { email, email_verified, username, roles, profile, updated_at, ..user };
        let (tenant_id, row) = (tenant.id, next.clone());
        let written = ctx
            .database
            .write(async move |tx| {
                let written = store::users::update(&tx, tenant_id, &row, user.updated_at).await?;
                if written {
                    tx.record(tenant_id, told);
                    tx.record(tenant_id, event);
                }
                Ok(written)
            })
            .await
            .map_err(|error: StoreError| UserChangeError::from(error))?;
        if written {
            return Ok(next);
        }
    }
    Err(UserChangeError::Stale)
}

/// Which members changed, for the audit log: their names, and of the roles, which are rights, all of them.
fn what_changed(before: &UserDetails, after: &UserDetails) -> serde_json::Value {
    let members = |details: &UserDetails| match serde_json::to_value(details) {
        Ok(serde_json::Value::Object(mut members)) => {
            let profile =
                members.remove("profile").and_then(|profile| profile.as_object().cloned()).unwrap_or_default();
            members.extend(profile);
            members
        }
        Ok(_) | Err(_) => serde_json::Map::new(),
    };
    let (old, new) = (members(before), members(after));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let changed: Vec<&String> = names.into_iter().filter(|name| old.get(*name) != new.get(*name)).collect();
    if before.roles == after.roles {
        return serde_json::json!({ "changed": changed });
    }
    serde_json::json!({ "changed": changed, "roles_before": before.roles, "roles": after.roles })
}

/// Deletes a user, with sessions, grants and consents.
pub async fn delete(ctx: &Ctx, tenant: &Tenant, id: UserId, actor: impl Into<Actor>) -> Result<(), UserChangeError> {
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::UserDeleted, Outcome::Success).by(&actor).user(id);
    let told = events::of(ctx, EventType::UserDeleted).by(&actor).user(id);
    let ending = Ending::new(ctx, Which::OfUser(id), EndReason::UserDeleted).by(actor);
    let (tenant_id, inside, now) = (tenant.id, ctx.clone(), ctx.now());
    let deleted = ctx
        .database
        .write(async move |tx| {
            // First the person, as a sign-in does: of two at once the later one sees what the other did.
            store::users::touch(&tx, tenant_id, id, now).await?;
            // While there are rows to tell of.
            ending::end_in(&inside, &tx, tenant_id, ending).await?;
            let deleted = store::users::delete(&tx, tenant_id, id).await?;
            if deleted {
                tx.record(tenant_id, told);
                tx.record(tenant_id, event);
            }
            Ok(deleted)
        })
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    if deleted { Ok(()) } else { Err(UserChangeError::Unknown(id.to_string())) }
}

/// Switches a user on or off. Switched off, all sessions and grants end.
pub async fn set_status(
    ctx: &Ctx,
    tenant: &Tenant,
    name: &str,
    status: UserStatus,
    actor: impl Into<Actor>,
) -> Result<User, UserChangeError> {
    let user = find(ctx, tenant, name).await?;
    let now = ctx.now().after(user.updated_at);
    let actor = actor.into();
    let told = match status {
        UserStatus::Active => EventType::UserEnabled,
        UserStatus::Disabled => EventType::UserDisabled,
        UserStatus::Locked => EventType::UserLocked,
    };
    let told = events::of(ctx, told).by(&actor).user(user.id);
    let event = audit::event(ctx, AuditKind::UserStatusChanged, Outcome::Success)
        .by(&actor)
        .user(user.id)
        .detail(serde_json::json!({ "status": status }));
    let ending = Ending::new(ctx, Which::OfUser(user.id), EndReason::UserDisabled).by(actor);
    let (tenant_id, id, inside) = (tenant.id, user.id, ctx.clone());
    ctx.database
        .write(async move |tx| {
            store::users::set_status(&tx, tenant_id, id, status, now).await?;
            if status != UserStatus::Active {
                ending::end_in(&inside, &tx, tenant_id, ending).await?;
            }
            tx.record(tenant_id, told);
            tx.record(tenant_id, event);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    Ok(User { status, updated_at: now, ..user })
}

/// Gives a user a new password. All sessions and grants end: whoever knew the old one is out.
pub async fn set_password(
    ctx: &Ctx,
    tenant: &Tenant,
    name: &str,
    password: Secret,
    actor: impl Into<Actor>,
) -> Result<User, UserChangeError> {
    let user = find(ctx, tenant, name).await?;
    let phc = hash(ctx, tenant, &user, password).await?;
    let now = ctx.now();
    let actor = actor.into();
    let event = audit::event(ctx, AuditKind::PasswordChanged, Outcome::Success).by(&actor).user(user.id);
    let told = events::of(ctx, EventType::UserPasswordChanged).by(&actor).user(user.id);
    let ending = Ending::new(ctx, Which::OfUser(user.id), EndReason::PasswordChanged).by(actor);
    let (tenant_id, id, inside) = (tenant.id, user.id, ctx.clone());
    ctx.database
        .write(async move |tx| {
            store::users::set_password_hash(&tx, tenant_id, id, &phc, now).await?;
            ending::end_in(&inside, &tx, tenant_id, ending).await?;
            tx.record(tenant_id, told);
            tx.record(tenant_id, event);
            Ok(())
        })
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    Ok(user)
}
