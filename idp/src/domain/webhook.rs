//! Webhooks: where a tenant wants to be told of its events, in the form of Standard Webhooks 1.0.

use serde::{Deserialize, Serialize};

use super::event::EventType;
use super::ids::EndpointId;
use super::merge_patch::FieldError;
use super::{Timestamp, event};

/// The longest text that says what an endpoint is for, in characters.
const LONGEST_DESCRIPTION: usize = 200;

/// An address that is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its identifier.
    pub id: EndpointId,
    /// The address, its kinds of event, and what it is for.
    pub details: EndpointDetails,
    /// Whether it is told.
    pub status: EndpointStatus,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Endpoint {
    /// Whether it is to be told of events of this type.
    pub fn wants(&self, kind: &str) -> bool {
        self.details.types.is_empty() || self.details.types.iter().any(|wanted| wanted == kind)
    }
}

/// What somebody decides about an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointDetails {
    /// The address.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// Of what it is told; of everything if it is empty. Texts, as a later version may have written others.
    pub types: Vec<String>,
}

impl EndpointDetails {
    /// Refuses what can't be.
    ///
    /// # Errors
    /// The member at fault. The address is looked at where it is known what may be reached.
    pub fn check(&self) -> Result<(), FieldError> {
        let too_long = self.description.chars().count() > LONGEST_DESCRIPTION;
        if too_long || self.description.chars().any(char::is_control) {
            return Err(FieldError::new("description", "must have at most 200 characters, in one line"));
        }
        if self.types.len() > event::EventType::ALL.len() {
            return Err(FieldError::new("types", "has a type twice"));
        }
        match self.types.iter().find(|kind| EventType::from_name(kind).is_none()) {
            Some(unknown) => Err(FieldError::new("types", format!("there is no event {unknown:?}"))),
            None => Ok(()),
        }
    }
}

/// Whether an endpoint is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointStatus {
    /// It is.
    Active,
    /// It isn't.
    Disabled,
}
