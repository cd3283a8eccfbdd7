//! Consents.

use poem_openapi::Object;
use serde::{Deserialize, Serialize};

use crate::domain;
use crate::http::api::schema::{DateTime, Id};

/// What a person allowed a client.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
pub struct Consent {
    /// Who allowed.
    pub user_id: Id,
    /// Whom.
    pub client_id: String,
    /// What: scopes, separated by spaces.
    pub scope: String,
    /// When first.
    pub created_at: DateTime,
    /// When last widened.
    pub updated_at: DateTime,
}

impl From<&domain::consent::Consent> for Consent {
    fn from(consent: &domain::consent::Consent) -> Self {
        Self {
            user_id: Id(consent.user_id.to_string()),
            client_id: consent.client_id.to_string(),
            scope: consent.scope.to_string(),
            created_at: consent.created_at.into(),
            updated_at: consent.updated_at.into(),
        }
    }
}

/// A part of a list of consents.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct ConsentPart {
    /// The consents.
    pub items: Vec<Consent>,
    /// `cursor` of the next part; absent where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
