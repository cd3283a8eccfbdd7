//! Events: what others are told of, in one form whatever way it goes (`docs/events.md`).

use std::fmt;

use serde_json::{Map, Value, json};

use super::device::Device;
use super::ids::EventId;
use super::{ClientId, SessionId, TenantId, Timestamp, UserId};

/// The version of the payload's form. Members are added within a version; none changes its meaning or goes away.
pub const PAYLOAD_VERSION: u32 = 1;

/// Something that happened and that others may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its identifier: the same however often it is delivered.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventType,
    /// The user concerned.
    pub user_id: Option<UserId>,
    /// The session concerned.
    pub session_id: Option<SessionId>,
    /// The client concerned.
    pub client_id: Option<ClientId>,
    /// Who did it, if not the user itself.
    pub actor: Option<String>,
    /// The network address that it came from.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// More, by type. Never a secret.
    pub data: Map<String, Value>,
}

impl Event {
    /// Whom or what it is about: events of one subject are delivered in order.
    pub fn subject(&self) -> String {
        match (&self.user_id, &self.client_id) {
            (Some(user), _) => format!("user:{user}"),
            (None, Some(client)) => format!("client:{client}"),
            (None, None) => "tenant".to_owned(),
        }
    }

    /// What is told of it, all but its place in the tenant's order. What has no value is left out.
    pub fn payload(&self, tenant: TenantId) -> Value {
        let device = self.user_agent.as_deref().map(device);
        let members = [
            ("version", Some(json!(PAYLOAD_VERSION))),
            ("id", Some(json!(self.id))),
            ("type", Some(json!(self.kind.as_str()))),
            ("time", Some(json!(self.at.rfc3339()))),
            ("timestamp", Some(json!(self.at.millis()))),
            ("tenant_id", Some(json!(tenant))),
            ("user_id", self.user_id.map(|id| json!(id))),
            ("session_id", self.session_id.map(|id| json!(id))),
            ("client_id", self.client_id.as_ref().map(|id| json!(id))),
            ("actor", self.actor.as_ref().map(|actor| json!(actor))),
            ("address", self.address.as_ref().map(|address| json!(address))),
            ("device", device),
            ("data", Some(Value::Object(self.data.clone())).filter(|_| !self.data.is_empty())),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(members.collect())
    }
}

/// What a browser says of itself, and what that means as far as it is known.
fn device(user_agent: &str) -> Value {
    let Device { browser, system } = Device::of(user_agent);
    let members = [("user_agent", Some(user_agent.to_owned())), ("browser", browser), ("system", system)];
    Value::Object(members.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect())
}

/// An event as it waits to be delivered. Its type is a text: the node that delivers it may be older than the one that
/// wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxEvent {
    /// Whose.
    pub tenant: TenantId,
    /// Its place in the tenant's order, without gaps; the first is 1.
    pub position: i64,
    /// Its identifier.
    pub id: EventId,
    /// What happened: the name of the channel.
    pub kind: String,
    /// Whom or what it is about.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// What is told of it, its place among it.
    pub payload: Value,
}

macro_rules! event_types {
    ($($(#[$doc:meta])* $variant:ident = $text:literal),+ $(,)?) => {
        /// What happened. The names are those of the channels.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $($(#[$doc])* $variant),+ }

        impl EventType {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name, which is the channel's.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The type of that name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($text => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

event_types! {
    /// A user was made, by signing up or by an administrator.
    UserRegistered = "auth:user.registered",
    /// A person signed in.
    UserLogin = "auth:user.login",
    /// A person signed out.
    UserLogout = "auth:user.logout",
    /// Names, roles or claims of a user were changed.
    UserUpdated = "auth:user.updated",
    /// A password was set; the user's sessions ended.
    UserPasswordChanged = "auth:user.password_changed",
    /// A user may act again.
    UserEnabled = "auth:user.enabled",
    /// A user may not act any more.
    UserDisabled = "auth:user.disabled",
    /// A user was locked.
    UserLocked = "auth:user.locked",
    /// A user was deleted.
    UserDeleted = "auth:user.deleted",
    /// A session began.
    SessionCreated = "auth:session.created",
    /// A session ended.
    SessionTerminated = "auth:session.terminated",
    /// A session was removed by name from the list of a person's sessions.
    SessionDeleted = "auth:session.deleted",
    /// Several sessions ended at once.
    SessionsBulkTerminated = "auth:sessions.bulk_terminated",
    /// A session was used.
    SessionActivityUpdated = "auth:session.activity_updated",
    /// A refresh token was used.
    TokenRefreshed = "auth:token.refreshed",
    /// A person allowed a client something.
    ConsentGranted = "auth:consent.granted",
    /// What a person had allowed a client was taken back.
    ConsentWithdrawn = "auth:consent.withdrawn",
    /// A client was made.
    ClientCreated = "auth:client.created",
    /// What is registered of a client was changed.
    ClientUpdated = "auth:client.updated",
    /// A client was given a new secret.
    ClientSecretRotated = "auth:client.secret_rotated",
    /// A client may act again.
    ClientEnabled = "auth:client.enabled",
    /// A client may not act any more.
    ClientDisabled = "auth:client.disabled",
    /// A client was deleted.
    ClientDeleted = "auth:client.deleted",
    /// A signing key was made and published; it doesn't sign yet.
    KeyStaged = "auth:key.staged",
    /// A signing key signs from now on.
    KeyActivated = "auth:key.activated",
    /// A signing key was taken out of the published set.
    KeyRetired = "auth:key.retired",
    /// A tenant was made.
    TenantCreated = "auth:tenant.created",
    /// A tenant's name or settings were changed.
    TenantUpdated = "auth:tenant.updated",
    /// A tenant was suspended: it answers nobody.
    TenantSuspended = "auth:tenant.suspended",
    /// A tenant works again.
    TenantResumed = "auth:tenant.resumed",
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn event() -> Event {
        Event {
            id: EventId::from_uuid(Uuid::from_u128(1)),
            at: Timestamp::from_millis(1_893_456_000_123),
            kind: EventType::SessionCreated,
            user_id: Some(UserId::from_uuid(Uuid::from_u128(2))),
            session_id: Some(SessionId::from_uuid(Uuid::from_u128(3))),
            client_id: "reports".parse().ok(),
            actor: None,
            address: Some("192.0.2.1".to_owned()),
            user_agent: Some("Mozilla/5.0".to_owned()),
            data: Map::new(),
        }
    }

    #[test]
    fn a_payload_has_what_there_is_and_nothing_else() {
        let expected = json!({
            "version": 1,
            "id": "00000000-0000-0000-0000-000000000001",
            "type": "auth:session.created",
            "time": "2030-01-01T00:00:00Z",
            "timestamp": 1_893_456_000_123_i64,
            "tenant_id": "00000000-0000-0000-0000-000000000000",
            "user_id": "00000000-0000-0000-0000-000000000002",
            "session_id": "00000000-0000-0000-0000-000000000003",
            "client_id": "reports",
            "address": "192.0.2.1",
            "device": { "user_agent": "Mozilla/5.0" },
        });
        assert_eq!(event().payload(TenantId::DEFAULT), expected);
    }

    #[test]
    fn a_device_is_named_as_far_as_it_is_known() {
        let of = |user_agent: &str| {
            let event = Event { user_agent: Some(user_agent.to_owned()), ..event() };
            event.payload(TenantId::DEFAULT)["device"].clone()
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";
        assert_eq!(of(firefox), json!({ "user_agent": firefox, "browser": "Firefox", "system": "Linux" }));
        assert_eq!(of("something else"), json!({ "user_agent": "something else" }));
        let none = Event { user_agent: None, ..event() };
        assert_eq!(none.payload(TenantId::DEFAULT).get("device"), None);
    }

    #[test]
    fn what_is_about_a_person_is_theirs_though_a_client_has_part_in_it() {
        assert_eq!(event().subject(), "user:00000000-0000-0000-0000-000000000002");
        let of_client = Event { user_id: None, ..event() };
        assert_eq!(of_client.subject(), "client:reports");
        assert_eq!(Event { client_id: None, ..of_client }.subject(), "tenant");
    }

    #[test]
    fn names_are_read_back_and_belong_to_one_type_each() {
        for kind in EventType::ALL {
            assert_eq!(EventType::from_name(kind.as_str()), Some(*kind));
            assert!(kind.as_str().starts_with("auth:"), "{kind}");
        }
        assert_eq!(EventType::from_name("auth:user"), None);
    }
}
