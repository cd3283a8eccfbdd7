//! The tables as sea-orm sees them.
//!
//! Rows are plain: they know their column types and nothing of what the columns mean. `idp::store` turns them into
//! domain types and is the only user. Instants (`*_at`, `at`, `auth_time`) are Unix milliseconds.

pub mod control;
