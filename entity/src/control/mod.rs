//! The control plane: one database for all tenants. Every key begins with the tenant.

pub mod audit_events;
pub mod authorization_codes;
pub mod authorization_flows;
pub mod change_counter;
pub mod client_assertion_jtis;
pub mod client_origins;
pub mod client_secrets;
pub mod clients;
pub mod consents;
pub mod credentials;
pub mod deliveries;
pub mod denied_tokens;
pub mod event_cursors;
pub mod grants;
pub mod leases;
pub mod ledger_heads;
pub mod outbox_events;
pub mod pairwise_salts;
pub mod refresh_tokens;
pub mod sessions;
pub mod sign_in_limits;
pub mod signing_keys;
pub mod sweeps;
pub mod tenants;
pub mod users;
pub mod webhook_endpoints;
