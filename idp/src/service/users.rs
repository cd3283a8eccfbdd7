//! People: made, listed, switched off, given a password.

use std::collections::BTreeSet;

use thiserror::Error;

use super::ctx::Ctx;
use super::{Failure, audit};
use crate::domain::audit::{AuditKind, Outcome};
use crate::domain::password::{self, PasswordError};
use crate::domain::tenant::Tenant;
use crate::domain::user::{Email, LoginName, Profile, User, UserStatus, Username};
use crate::domain::{Secret, UserId};
use crate::service::password_hasher::PasswordHasherError;
use crate::store::{self, Conflict, StoreError};

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
pub async fn create(ctx: &Ctx, tenant: &Tenant, new: NewUser, actor: &str) -> Result<User, UserChangeError> {
    if new.email.is_none() && new.username.is_none() {
        return Err(UserChangeError::Nameless);
    }
    let role = |role: &String| (1..=64).contains(&role.len()) && role.bytes().all(|b| b.is_ascii_graphic());
    if new.roles.len() > 64 || !new.roles.iter().all(role) {
        return Err(UserChangeError::Role);
    }
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
    let event = audit::event(ctx, AuditKind::UserCreated, Outcome::Success).by(actor).user(user.id);
    let (tenant_id, row) = (tenant.id, user.clone());
    ctx.database
        .write(move |tx| {
            Box::pin(async move {
                store::users::insert(tx, tenant_id, &row).await?;
                if let Some(phc) = phc {
                    store::users::set_password_hash(tx, tenant_id, row.id, &phc, now).await?;
                }
                store::audit::append(tx, tenant_id, &event.build()).await
            })
        })
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    Ok(user)
}

async fn hash(ctx: &Ctx, tenant: &Tenant, user: &User, password: Secret) -> Result<Secret, UserChangeError> {
    let email = user.email.as_ref().map(Email::as_str).unwrap_or_default();
    let username = user.username.as_ref().map(Username::as_str).unwrap_or_default();
    let name = user.profile.name.as_deref().unwrap_or_default();
    password::check_new(&password, &[email, username, name, &tenant.name, tenant.slug.as_str(), "signet"])?;
    Ok(Secret::new(ctx.passwords.hash(password, ctx.random.bytes()).await?))
}

/// The user of that id, e-mail address or user name; for administrators.
pub async fn find(ctx: &Ctx, tenant: &Tenant, name: &str) -> Result<User, UserChangeError> {
    let db = ctx.database.read();
    let user = match name.parse() {
        Ok(id) => store::users::find_by_id(db, tenant.id, id).await?,
        Err(_) => store::users::find_by_login(db, tenant.id, &LoginName::new(name)).await?,
    };
    user.ok_or_else(|| UserChangeError::Unknown(name.to_owned()))
}

/// Users in the order of their ids, those after `after` only; at most 1,000 at a time.
pub async fn list(ctx: &Ctx, tenant: &Tenant, after: Option<UserId>, limit: u64) -> Result<Vec<User>, Failure> {
    Ok(store::users::list(ctx.database.read(), tenant.id, after, limit).await?)
}

/// Switches a user on or off. Switched off, all sessions and grants end.
pub async fn set_status(
    ctx: &Ctx,
    tenant: &Tenant,
    name: &str,
    status: UserStatus,
    actor: &str,
) -> Result<User, UserChangeError> {
    let user = find(ctx, tenant, name).await?;
    let now = ctx.now();
    let event = audit::event(ctx, AuditKind::UserStatusChanged, Outcome::Success)
        .by(actor)
        .user(user.id)
        .detail(serde_json::json!({ "status": status }));
    let (tenant_id, id) = (tenant.id, user.id);
    ctx.database
        .write(move |tx| {
            Box::pin(async move {
                store::users::set_status(tx, tenant_id, id, status, now).await?;
                if status != UserStatus::Active {
                    store::sessions::end_all_of_user(tx, tenant_id, id, now).await?;
                    store::grants::revoke_of_user(tx, tenant_id, id, now).await?;
                }
                store::audit::append(tx, tenant_id, &event.build()).await
            })
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
    actor: &str,
) -> Result<User, UserChangeError> {
    let user = find(ctx, tenant, name).await?;
    let phc = hash(ctx, tenant, &user, password).await?;
    let now = ctx.now();
    let event = audit::event(ctx, AuditKind::PasswordChanged, Outcome::Success).by(actor).user(user.id);
    let (tenant_id, id) = (tenant.id, user.id);
    ctx.database
        .write(move |tx| {
            Box::pin(async move {
                store::users::set_password_hash(tx, tenant_id, id, &phc, now).await?;
                store::sessions::end_all_of_user(tx, tenant_id, id, now).await?;
                store::grants::revoke_of_user(tx, tenant_id, id, now).await?;
                store::audit::append(tx, tenant_id, &event.build()).await
            })
        })
        .await
        .map_err(|error: StoreError| UserChangeError::from(error))?;
    Ok(user)
}
