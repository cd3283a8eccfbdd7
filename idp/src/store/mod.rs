//! Where the provider's knowledge is kept: one file per aggregate, and the only place that spells a table or a column.
//!
//! Every function takes a handle and then the tenant: a [`Tx`] where it changes rows, a [`Reader`] where it reads. Only
//! the tenants themselves, housekeeping, leases and the counter of changes take no tenant. A row of another tenant isn't
//! found, whatever its id. Rows convert strictly into domain types: one that doesn't fit is an error, never a guess.
//!
//! [`Database::write`] hands out the transaction, [`Database::read`] connections that refuse to change rows. The
//! statements are the same for SQLite and PostgreSQL, by sea-orm's query builder.

pub mod applications;
pub mod audit;
pub mod audit_chain;
pub mod authorization_codes;
pub mod authorization_flows;
pub mod bus;
pub mod change;
pub mod changes;
pub mod client_assertions;
pub mod client_origins;
pub mod clients;
mod clock;
pub mod consents;
pub mod database;
pub mod deliveries;
pub mod denied_tokens;
mod error;
mod following;
pub mod gauges;
pub mod grants;
mod housekeeping;
pub mod leases;
mod ledger;
pub mod line;
pub mod load;
pub mod outbox;
pub mod pairwise_salts;
pub mod reads;
pub mod refresh_tokens;
mod row;
pub mod sessions;
pub mod sign_in_limits;
pub mod signing_keys;
pub mod sweeps;
pub mod tenants;
pub mod tx;
pub mod users;
pub mod webhooks;
mod writer;

pub use database::{Database, DatabaseSettings, WRITE_LIMIT};
pub use error::{Conflict, Reason, StoreError};
pub use line::Entry;
pub use tx::{Reader, Tx};
