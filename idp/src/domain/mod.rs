//! What the provider knows: types and state machines, pure. Nothing here does I/O, reads a clock or draws a random
//! number, and an illegal state can't be built: wire strings are parsed into these types once, at the edge.

pub mod account;
pub mod acr;
pub mod audit;
pub mod authorization_code;
pub mod authorization_error;
pub mod authorization_flow;
pub mod authorization_request;
pub mod authorization_response;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod client_assertion;
pub mod client_details;
pub mod consent;
pub mod delivery;
pub mod device;
pub mod end_session;
pub mod error_description;
pub mod event;
pub mod grant;
pub mod ids;
pub mod merge_patch;
pub mod origin;
pub mod own_claims;
pub mod parameters;
pub mod password;
pub mod pkce;
pub mod provider_metadata;
pub mod redirect_uri;
pub mod request_object;
pub mod scope;
pub mod secret;
pub mod session;
pub mod session_state;
pub mod sign_in_limit;
pub mod sign_up;
pub mod strict_json;
pub mod tenant;
pub mod timestamp;
pub mod user;
pub mod user_details;
pub mod webhook;

pub use ids::{ClientId, CodeHash, DeliveryId, FlowId, GrantId, SessionId, TenantId, UserId};
pub use secret::Secret;
pub use timestamp::Timestamp;
