//! Messages to others about something that has happened: put into a queue with it, sent until they are taken.

use serde_json::Value;

use super::{DeliveryId, Timestamp};

/// What kind of message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeliveryKind {
    /// A logout token for a client (OpenID Connect Back-Channel Logout 1.0 §2.5); the target is its `client_id`.
    BackchannelLogout,
    /// An event for a webhook; the target is its id.
    Webhook,
}

impl DeliveryKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::BackchannelLogout, Self::Webhook];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BackchannelLogout => "backchannel_logout",
            Self::Webhook => "webhook",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A message that is to be put into the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDelivery {
    /// Its identifier. Of several about one subject the smaller goes first.
    pub id: DeliveryId,
    /// What kind of message it is.
    pub kind: DeliveryKind,
    /// To whom: what that is depends on the kind. Each target is served apart from the others.
    pub target: String,
    /// What it is about, where the order counts: one is sent after those before it are gone.
    pub subject: Option<String>,
    /// What it says; the kind's own document. What has to be fresh (signatures, times) is added when it is sent.
    pub payload: Value,
}

/// A message in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Its identifier.
    pub id: DeliveryId,
    /// What kind of message it is.
    pub kind: DeliveryKind,
    /// To whom.
    pub target: String,
    /// What it is about, where the order counts.
    pub subject: Option<String>,
    /// What it says.
    pub payload: Value,
    /// Whether it is still tried.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next; while it is being sent, when it may be taken for lost. [`Self::HELD`] where an earlier one
    /// goes first.
    pub next_attempt_at: Timestamp,
    /// When it was put in.
    pub created_at: Timestamp,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
}

impl Delivery {
    /// The time of a message that waits for an earlier one about the same: it gets another when that has gone.
    pub const HELD: Timestamp = Timestamp::from_millis(i64::MAX);

    /// When it is tried next, if that is known.
    pub fn next_attempt(&self) -> Option<Timestamp> {
        let known = self.state == DeliveryState::Pending && self.next_attempt_at != Self::HELD;
        known.then_some(self.next_attempt_at)
    }
}

/// Whether a message is still tried. One that was taken has no row any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is tried until somebody takes it.
    Pending,
    /// Nobody took it in all attempts, or nobody can.
    Dead,
}

impl DeliveryState {
    /// Its name in documents.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Dead => "dead",
        }
    }
}
