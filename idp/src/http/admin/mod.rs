//! `/v1/admin`: what administrators and their programs do to a tenant's people, clients, keys, consents and sessions. A file per
//! family of endpoints; each begins with the same [`gate`] and ends in a [`refusal`](super::api::refusal) or an [`answer`](super::api::answer).

mod audit;
mod clients;
mod consents;
mod events;
mod gate;
mod keys;
mod logout_tokens;
pub mod model;
mod refusal;
mod sessions;
mod users;
mod webhooks;

use poem_openapi::Tags;

/// The most that one part of a list has.
pub const MOST_AT_ONCE: u64 = super::api::paging::MOST as u64;

pub use audit::Audit;
pub use clients::Clients;
pub use consents::Consents;
pub use events::Events;
pub use keys::Keys;
pub use logout_tokens::LogoutTokens;
pub use sessions::Sessions;
pub use users::Users;
pub use webhooks::Webhooks;

/// How the endpoints are grouped in the document.
#[derive(Tags)]
enum Group {
    /// People: made, found, changed, switched off, deleted.
    Users,
    /// Applications and services: registered, changed, given new secrets, switched off, deleted.
    Clients,
    /// Signing keys. They rotate by themselves; here it is done by hand.
    Keys,
    /// What people allowed clients, and taking it back.
    Consents,
    /// What others are told.
    Events,
    /// Addresses that are told of events.
    Webhooks,
    /// Who signed in, what was refused, what was changed.
    Audit,
    /// People signed in on devices, and ending that.
    Sessions,
}
