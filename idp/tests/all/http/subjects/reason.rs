//! Why a subject may not be used any more.

use idp::domain::client::ClientStatus;
use idp::domain::session::EndReason;
use idp::domain::tenant::{Tenant, TenantStatus};
use idp::domain::user::{User, UserStatus};
use idp::domain::{Secret, SessionId};
use idp::service::sessions::ending::Which;
use idp::service::{clients, consents, tenants, users};
use idp::store::{self, StoreError};

use crate::support::world::World;

macro_rules! reasons {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// Why a subject may not be used any more.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Reason { $($(#[$doc])* $kind,)* }

        impl Reason {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind,)*];
        }
    };
}

reasons! {
    UserDisabled,
    UserLocked,
    UserDeleted,
    PasswordChanged,
    /// The person's sessions, and no more.
    SessionEnded,
    /// The person's sessions, and all that they gave.
    AllOfUserEnded,
    /// All that the person gave; the sessions go on.
    GrantsRevoked,
    /// What the person allowed the client.
    ConsentWithdrawn,
    ClientDisabled,
    ClientDeleted,
    GrantsOfClientEnded,
    LockDown,
    /// The last, since the others are in the same tenant.
    TenantSuspended,
}

impl Reason {
    /// Whether it befalls a client, whoever uses it.
    pub(crate) fn is_of_client(self) -> bool {
        matches!(self, Self::ClientDisabled | Self::ClientDeleted | Self::GrantsOfClientEnded)
    }

    pub(crate) async fn befalls(self, world: &World, tenant: &Tenant, user: &User, client: &str) {
        let (ctx, email) = (&world.ctx, user.email.as_ref().unwrap().as_str());
        let (client, id, user_id, now) = (client.parse().unwrap(), tenant.id, user.id, ctx.now());
        match self {
            Self::UserDisabled => {
                users::set_status(ctx, tenant, email, UserStatus::Disabled, "test").await.unwrap();
            }
            Self::UserLocked => {
                users::set_status(ctx, tenant, email, UserStatus::Locked, "test").await.unwrap();
            }
            Self::UserDeleted => users::delete(ctx, tenant, user_id, "test").await.unwrap(),
            Self::PasswordChanged => {
                let password = Secret::new("another horse, another battery");
                users::set_password(ctx, tenant, email, password, "test").await.unwrap();
            }
            Self::SessionEnded => {
                let nobody = SessionId::from_uuid(uuid::Uuid::nil());
                let ended = world.end(id, Which::Others { user: user_id, keep: nobody }).await;
                assert!(ended.sessions > 0);
            }
            Self::AllOfUserEnded => {
                let ended = world.end(id, Which::OfUser(user_id)).await;
                assert!(ended.sessions > 0 && ended.grants > 0);
            }
            Self::GrantsRevoked => {
                let revoked: Result<u64, StoreError> = ctx
                    .database
                    .write(async move |tx| store::grants::revoke_of_user(&tx, id, user_id, now).await)
                    .await;
                assert!(revoked.unwrap() > 0);
            }
            Self::ConsentWithdrawn => {
                consents::withdraw(ctx, id, user_id, &client, "test").await.unwrap();
            }
            Self::ClientDisabled => {
                clients::set_status(ctx, id, &client, ClientStatus::Disabled, "test").await.unwrap();
            }
            Self::ClientDeleted => clients::delete(ctx, id, &client, "test").await.unwrap(),
            Self::GrantsOfClientEnded => {
                world.end(id, Which::OfClient(client)).await;
            }
            Self::LockDown => {
                world.end(id, Which::OfTenant).await;
            }
            Self::TenantSuspended => {
                tenants::set_status(ctx, &tenant.slug, TenantStatus::Suspended, "test").await.unwrap();
            }
        }
    }
}

/// The reasons that end sessions so; or where else it is shown what such an end ends.
pub(super) fn ending_so(end: EndReason) -> Result<&'static [Reason], &'static str> {
    match end {
        EndReason::SignedOut | EndReason::Limit => Err("one session like any other that ends"),
        EndReason::TokenReused => Err("a session of an app, with its tests"),
        EndReason::Idle | EndReason::Expired => Err("time; tokens are older than their sessions then"),
        EndReason::Revoked => Ok(&[Reason::SessionEnded, Reason::AllOfUserEnded, Reason::GrantsOfClientEnded]),
        EndReason::PasswordChanged => Ok(&[Reason::PasswordChanged]),
        EndReason::UserDisabled => Ok(&[Reason::UserDisabled, Reason::UserLocked]),
        EndReason::UserDeleted => Ok(&[Reason::UserDeleted]),
        EndReason::ClientDisabled => Ok(&[Reason::ClientDisabled, Reason::ClientDeleted]),
        EndReason::LockDown => Ok(&[Reason::LockDown]),
        EndReason::TenantSuspended => Ok(&[Reason::TenantSuspended]),
    }
}

/// The reason that a user of that state is refused for.
pub(super) fn of_user(status: UserStatus) -> Option<Reason> {
    match status {
        UserStatus::Active => None,
        UserStatus::Disabled => Some(Reason::UserDisabled),
        UserStatus::Locked => Some(Reason::UserLocked),
    }
}

/// The same of a client.
pub(super) fn of_client(status: ClientStatus) -> Option<Reason> {
    match status {
        ClientStatus::Active => None,
        ClientStatus::Disabled => Some(Reason::ClientDisabled),
    }
}

/// The same of a tenant.
pub(super) fn of_tenant(status: TenantStatus) -> Option<Reason> {
    match status {
        TenantStatus::Active => None,
        TenantStatus::Suspended => Some(Reason::TenantSuspended),
    }
}
