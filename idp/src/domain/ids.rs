//! Identifiers. Each kind is a type of its own, so that one can't stand where another belongs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// A text that isn't an identifier of the kind that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a valid {kind}")]
pub struct IdError {
    kind: &'static str,
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// From the UUID that the database keeps.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID itself.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.parse().map(Self).map_err(|_| IdError { kind: $kind })
            }
        }
    };
}

uuid_id!(
    /// A tenant. The default tenant is the nil UUID.
    TenantId,
    "tenant id"
);
uuid_id!(
    /// A person known to a tenant; the `sub` of its tokens.
    UserId,
    "user id"
);
uuid_id!(
    /// A person signed in on a device; the `sid` of its tokens.
    SessionId,
    "session id"
);
uuid_id!(
    /// What a client got within a session.
    GrantId,
    "grant id"
);
uuid_id!(
    /// A process that serves, as long as it runs.
    NodeId,
    "node id"
);
uuid_id!(
    /// Rows that are left to be swept up.
    SweepId,
    "sweep id"
);
uuid_id!(
    /// An authorization request that is waiting for its user.
    FlowId,
    "flow id"
);
uuid_id!(
    /// A key or secret of a user or client.
    CredentialId,
    "credential id"
);
uuid_id!(
    /// A line in the audit log.
    AuditEventId,
    "audit event id"
);
uuid_id!(
    /// Something that happened and that others are told of.
    EventId,
    "event id"
);
uuid_id!(
    /// An address that is told of events.
    EndpointId,
    "webhook id"
);
uuid_id!(
    /// A message to somebody else that waits to be sent.
    DeliveryId,
    "delivery id"
);

impl TenantId {
    /// The tenant that lives at the base URL: `00000000-0000-0000-0000-000000000000`.
    pub const DEFAULT: Self = Self(Uuid::nil());
}

/// A client's identifier (RFC 6749 §2.2): 1 to 128 visible ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientId(String);

impl ClientId {
    /// The longest identifier that is taken.
    pub const MAX_LENGTH: usize = 128;

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientId {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        let valid = !text.is_empty() && text.len() <= Self::MAX_LENGTH && text.bytes().all(|b| b.is_ascii_graphic());
        if valid { Ok(Self(text)) } else { Err(IdError { kind: "client_id" }) }
    }
}

impl FromStr for ClientId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.to_owned().try_into()
    }
}

impl From<ClientId> for String {
    fn from(id: ClientId) -> Self {
        id.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of an authorization code: what the database knows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CodeHash(pub [u8; 32]);
