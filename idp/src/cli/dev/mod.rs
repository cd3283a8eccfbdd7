//! The development mode: a folder with everything that is needed, made at the first start and used again by the next.
//!
//! The folder holds `dev.json` (who may sign in, with which passwords and secrets), the key-encryption key, and the
//! database unless it is elsewhere. `dev.json` is written before anything of it is made in the database, and what is
//! missing there is made at each start: a start that was cut short is finished by the next.

mod address;
pub(super) mod facts;
pub(super) mod folder;
mod seed;
mod welcome;

pub(super) use address::{Stored, choose};
pub(super) use seed::seed;
pub(super) use welcome::welcome;
