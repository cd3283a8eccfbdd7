//! The documents of the admin API. Its answers and the command line are made of the same ones.

mod audit;
mod client;
mod consent;
mod delivery;
mod event;
mod key;
mod logout_token;
mod session;
mod user;
mod webhook;

pub use audit::{AuditLine, AuditPart, AuditWhich, cursor as audit_cursor};
pub use client::{Client, ClientPart, ClientPatch, ClientSecret, NewClient, NewSecret, Registration, Rotation};
pub use consent::{Consent, ConsentPart};
pub use event::EventPart;
pub use key::{Key, KeyPart, KeyStep, NewKey};
pub use logout_token::{LogoutToken, LogoutTokenPart, Replay, Replayed};
pub use session::{Session, SessionPart};
pub use user::{Address, NewUser, PasswordChange, Profile, User, UserPart, UserPatch};
pub use webhook::{
    NewWebhook, NewWebhookSecret, Webhook, WebhookDelivery, WebhookDeliveryPart, WebhookPart, WebhookPatch,
    WebhookRotation,
};

pub use crate::http::api::schema::{DateTime, Uri};
