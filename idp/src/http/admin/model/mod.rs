//! The documents of the admin API. Its answers and the command line are made of the same ones.

mod audit;
mod client;
mod consent;
mod key;
mod user;

pub use audit::{AuditLine, AuditPart, AuditWhich, cursor as audit_cursor};
pub use client::{Client, ClientPart, ClientPatch, ClientSecret, NewClient, NewSecret, Registration, Rotation};
pub use consent::{Consent, ConsentPart};
pub use key::{Key, KeyPart, KeyStep, NewKey};
pub use user::{Address, NewUser, PasswordChange, Profile, User, UserPart, UserPatch};

pub use super::schema::DateTime;
