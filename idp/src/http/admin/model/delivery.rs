//! What is said of a message to others, whoever it is for.

use crate::domain::delivery::Delivery;
use crate::http::api::schema::DateTime;

/// How far a message has got.
pub(super) struct Progress {
    /// `pending`, or `dead`: given up.
    pub(super) state: String,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// When it is tried next, if it is.
    pub(super) next_attempt_at: Option<DateTime>,
    /// When it was put into the queue.
    pub(super) created_at: DateTime,
    /// Why the last attempt failed.
    pub(super) last_error: Option<String>,
}

impl From<&Delivery> for Progress {
    fn from(delivery: &Delivery) -> Self {
        Self {
            state: delivery.state.as_str().to_owned(),
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt().map(Into::into),
            created_at: delivery.created_at.into(),
            last_error: delivery.last_error.clone(),
        }
    }
}
