//! What the provider does. A function here takes a [`ctx::Ctx`] and domain values and answers with domain values; it
//! knows no HTTP.

pub mod access;
pub mod access_token;
pub mod account;
pub mod audit;
pub mod audit_log;
pub mod authorize;
pub mod backchannel_logout;
pub mod browser;
pub mod client_authentication;
pub mod client_documents;
pub mod client_keys;
pub mod clients;
pub mod clock;
pub mod consent;
pub mod consents;
pub mod ctx;
pub mod deliveries;
pub mod end_session;
pub mod event_streams;
pub mod events;
pub mod explain;
pub mod first_party;
pub mod flights;
pub mod introspection;
pub mod issue;
pub mod kept;
pub mod key_rings;
pub mod leases;
pub mod operations;
pub mod origins;
pub mod outbound;
pub mod password_hasher;
pub mod random;
pub mod rate_limits;
pub mod redis;
pub mod refresh_tokens;
pub mod relay;
pub mod request_object;
pub mod reseal;
pub mod revocation;
pub mod sessions;
pub mod sign_in;
pub mod sign_up;
pub mod span_export;
pub mod subject;
pub mod subject_identifier;
pub mod tenants;
pub mod token;
pub mod upkeep;
pub mod userinfo;
pub mod users;
pub mod webhooks;

use thiserror::Error;

use crate::store::StoreError;
use password_hasher::PasswordHasherError;

/// Something of ours failed: no fault of the caller's. The cause is in the log where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Failure {
    /// The database can't be reached or has no room: come back later.
    #[error("the database can't be reached")]
    Unavailable,
    /// More passwords to check than can be checked: come back later.
    #[error("too many passwords are being checked")]
    Busy,
    /// A defect: a row that can't be read, a key that can't be opened.
    #[error("an internal error")]
    Internal,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => {
                tracing::warn!(error = %error, "storage is unavailable");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = ?other, "storage failed");
                Self::Internal
            }
        }
    }
}

impl From<PasswordHasherError> for Failure {
    fn from(error: PasswordHasherError) -> Self {
        match error {
            PasswordHasherError::Busy => Self::Busy,
            PasswordHasherError::Failed => {
                tracing::error!("a password hash in the database can't be checked");
                Self::Internal
            }
        }
    }
}
