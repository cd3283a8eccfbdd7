//! Builds audit events. [`Tx::record`](crate::store::Tx::record) writes them in the transaction of their change, [`append`]
//! on their own where nothing is changed.

use super::ctx::{Caller, Ctx};
use crate::domain::audit::{AuditEvent, AuditKind, Outcome};
use crate::domain::ids::AuditEventId;
use crate::domain::{ClientId, TenantId, UserId};
use crate::store::{Entry, StoreError};

/// Builds an audit event.
#[derive(Clone, Debug)]
pub struct AuditBuilder(AuditEvent);

/// Who changes something: an administrator, a service, the command line; or the user concerned, who has no name here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: Option<String>,
    address: Option<String>,
}

impl Actor {
    /// Somebody who came over the network.
    pub fn at(name: impl Into<String>, caller: &Caller) -> Self {
        Self { name: Some(name.into()), address: Some(caller.address.to_string()) }
    }

    /// The user concerned.
    pub fn themselves(caller: &Caller) -> Self {
        Self { name: None, address: Some(caller.address.to_string()) }
    }

    /// Nobody: what is done by itself.
    pub fn signet() -> Self {
        Self::from("signet")
    }

    /// Somebody of whom this was noted.
    pub(super) fn new(name: Option<String>, address: Option<String>) -> Self {
        Self { name, address }
    }

    /// Name, if it isn't the user concerned, and network address.
    pub(super) fn into_parts(self) -> (Option<String>, Option<String>) {
        (self.name, self.address)
    }
}

impl From<&str> for Actor {
    fn from(name: &str) -> Self {
        Self { name: Some(name.to_owned()), address: None }
    }
}

impl From<&Self> for Actor {
    fn from(actor: &Self) -> Self {
        actor.clone()
    }
}

/// Begins an event that happens now.
pub fn event(ctx: &Ctx, kind: AuditKind, outcome: Outcome) -> AuditBuilder {
    let at = ctx.now();
    AuditBuilder(AuditEvent {
        id: AuditEventId::from_uuid(ctx.random.uuid_v7(at)),
        at,
        kind,
        outcome,
        actor: None,
        user_id: None,
        client_id: None,
        address: None,
        detail: serde_json::Value::Null,
    })
}

impl AuditBuilder {
    /// Who did it, if not the user itself.
    #[must_use]
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        let Actor { name, address } = actor.into();
        self.0.actor = name;
        self.0.address = address.or(self.0.address);
        self
    }

    /// The user concerned.
    #[must_use]
    pub fn user(mut self, id: UserId) -> Self {
        self.0.user_id = Some(id);
        self
    }

    /// The client concerned.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.0.client_id = Some(id.clone());
        self
    }

    /// Where it came from.
    #[must_use]
    pub fn from(mut self, caller: &Caller) -> Self {
        self.0.address = Some(caller.address.to_string());
        self
    }

    /// More, by kind. Never a secret.
    #[must_use]
    pub fn detail(mut self, detail: serde_json::Value) -> Self {
        self.0.detail = detail;
        self
    }
}

impl From<AuditBuilder> for Entry {
    fn from(event: AuditBuilder) -> Self {
        Self::Audit(event.0)
    }
}

/// Begins the line that tells of a refusal of somebody known: of this client, from there. Every refusal that is noted on
/// its own begins here; which ones are is in `docs/operations.md`.
pub fn refusal(ctx: &Ctx, kind: AuditKind, caller: &Caller, client: &ClientId) -> AuditBuilder {
    event(ctx, kind, Outcome::Refused).client(client).from(caller)
}

/// Appends that a client that is known was refused something, with this OAuth error.
pub async fn append_refusal(
    ctx: &Ctx,
    kind: AuditKind,
    tenant: TenantId,
    caller: &Caller,
    client: &ClientId,
    error: &str,
) -> Result<(), StoreError> {
    append(ctx, tenant, refusal(ctx, kind, caller, client).detail(serde_json::json!({ "error": error }))).await
}

/// Appends an event on its own.
pub async fn append(ctx: &Ctx, tenant: TenantId, event: AuditBuilder) -> Result<(), StoreError> {
    ctx.database
        .write(async move |tx| {
            tx.record(tenant, event);
            Ok(())
        })
        .await
}
