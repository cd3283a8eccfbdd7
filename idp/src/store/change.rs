//! A cached fact that changes, and its form between nodes.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::domain::{ClientId, GrantId, SessionId, TenantId, UserId};

/// A thing that may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Anything: what changed is not known.
    Everything,
    /// The tenant itself: its status, its settings.
    Tenant(TenantId),
    /// The tenant's keys.
    Keys(TenantId),
    /// A client or its secrets.
    Client(TenantId, ClientId),
    /// A person: status, claims, password, or all that they gave.
    User(TenantId, UserId),
    /// A session, or all that was given in it.
    Session(TenantId, SessionId),
    /// A grant.
    Grant(TenantId, GrantId),
    /// An access token, by the SHA-256 of its `jti`.
    Token(TenantId, [u8; 32]),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => write!(f, "everything"),
            Self::Tenant(tenant) => write!(f, "tenant {tenant}"),
            Self::Keys(tenant) => write!(f, "keys {tenant}"),
            Self::Client(tenant, client) => write!(f, "client {tenant} {client}"),
            Self::User(tenant, user) => write!(f, "user {tenant} {user}"),
            Self::Session(tenant, session) => write!(f, "session {tenant} {session}"),
            Self::Grant(tenant, grant) => write!(f, "grant {tenant} {grant}"),
            Self::Token(tenant, jti_hash) => write!(f, "token {tenant} {}", URL_SAFE_NO_PAD.encode(jti_hash)),
        }
    }
}

/// Reads what another node wrote. What a later version may write and this one doesn't know is [`Change::Everything`].
impl From<&str> for Change {
    fn from(text: &str) -> Self {
        let mut words = text.splitn(3, ' ');
        let mut word = || words.next().unwrap_or_default();
        let (kind, tenant, id) = (word(), word().parse().map(TenantId::from_uuid), word());
        let uuid = || id.parse::<uuid::Uuid>().ok();
        let read = || {
            let tenant = tenant.ok()?;
            Some(match kind {
                "tenant" => Self::Tenant(tenant),
                "keys" => Self::Keys(tenant),
                "client" => Self::Client(tenant, id.parse().ok()?),
                "user" => Self::User(tenant, UserId::from_uuid(uuid()?)),
                "session" => Self::Session(tenant, SessionId::from_uuid(uuid()?)),
                "grant" => Self::Grant(tenant, GrantId::from_uuid(uuid()?)),
                "token" => Self::Token(tenant, URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?),
                _ => return None,
            })
        };
        read().unwrap_or(Self::Everything)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const TENANT: TenantId = TenantId::DEFAULT;

    #[test]
    fn another_node_reads_what_was_written() {
        let id = Uuid::from_u128(5);
        let all = [
            Change::Everything,
            Change::Tenant(TENANT),
            Change::Keys(TENANT),
            Change::User(TENANT, UserId::from_uuid(id)),
            Change::Session(TENANT, SessionId::from_uuid(id)),
            Change::Grant(TENANT, GrantId::from_uuid(id)),
            Change::Token(TENANT, [7; 32]),
        ];
        for change in all.into_iter().chain("a-client".parse().map(|id| Change::Client(TENANT, id))) {
            assert_eq!(Change::from(change.to_string().as_str()), change);
        }
        for text in ["", "x", "user", "user 1 2", "grant 00000000-0000-0000-0000-000000000000", "roles 1"] {
            assert_eq!(Change::from(text), Change::Everything, "{text}");
        }
    }
}
