//! Builds events. [`Tx::record`](crate::store::Tx::record) writes them in the transaction of their change; they are
//! delivered from there.

use serde_json::{Map, Value};

use super::audit::Actor;
use super::ctx::{Caller, Ctx};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::EventId;
use crate::domain::{ClientId, SessionId, UserId};
use crate::store::Entry;

/// Builds an event.
#[derive(Clone, Debug)]
pub struct EventBuilder(Event);

/// Builds an event of this type that happens now.
pub fn of(ctx: &Ctx, kind: EventType) -> EventBuilder {
    let at = ctx.now();
    EventBuilder(Event {
        id: EventId::from_uuid(ctx.random.uuid_v7(at)),
        at,
        kind,
        user_id: None,
        session_id: None,
        client_id: None,
        actor: None,
        address: None,
        user_agent: None,
        data: Map::new(),
    })
}

impl EventBuilder {
    /// Another event of the same origin: who did it and where that came from are the same.
    #[must_use]
    pub fn another(&self, ctx: &Ctx, kind: EventType) -> Self {
        let Event { actor, address, user_agent, .. } = self.0.clone();
        let Self(event) = of(ctx, kind);
        Self(Event { actor, address, user_agent, ..event })
    }

    /// The user concerned.
    #[must_use]
    pub fn user(mut self, id: UserId) -> Self {
        self.0.user_id = Some(id);
        self
    }

    /// The session concerned.
    #[must_use]
    pub fn session(mut self, id: SessionId) -> Self {
        self.0.session_id = Some(id);
        self
    }

    /// The client concerned.
    #[must_use]
    pub fn client(mut self, id: &ClientId) -> Self {
        self.0.client_id = Some(id.clone());
        self
    }

    /// Who did it, if not the user itself.
    #[must_use]
    pub fn by(mut self, actor: impl Into<Actor>) -> Self {
        let (name, address) = actor.into().into_parts();
        self.0.actor = name;
        self.0.address = address.or(self.0.address);
        self
    }

    /// Where it came from, and by which browser.
    #[must_use]
    pub fn from(mut self, caller: &Caller) -> Self {
        self.0.address = Some(caller.address.to_string());
        self.0.user_agent.clone_from(&caller.user_agent);
        self
    }

    /// Who did it, if not the user itself, and the network address that it came from.
    pub fn origin(&self) -> (Option<String>, Option<String>) {
        (self.0.actor.clone(), self.0.address.clone())
    }

    /// A member of what is said by type. Never a secret.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.data.insert(name.to_owned(), value.into());
        self
    }
}

impl From<EventBuilder> for Entry {
    fn from(event: EventBuilder) -> Self {
        Self::Event(event.0)
    }
}
