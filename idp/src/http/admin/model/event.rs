//! Events.

use poem_openapi::Object;
use poem_openapi::types::Any;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A part of the list of events.
#[derive(Clone, Debug, Serialize, Deserialize, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct EventPart {
    /// The events, the oldest first, as `docs/events.md` describes them.
    pub items: Vec<Any<Value>>,
    /// `cursor` of the next part; absent where there is none yet. The `position` of the last event goes as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
