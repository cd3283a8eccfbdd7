//! Limits on sign-in attempts, per account and per address. They live in the database, so that they survive a
//! restart and all nodes share them.

use super::Timestamp;

/// What attempts are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitKind {
    /// The name that was typed, whether such an account exists or not.
    Account,
    /// The network address: an IPv4 address, or the /64 of an IPv6 one.
    Address,
}

/// What came of counting an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// It may go on.
    Allowed,
    /// It may not, before `until`.
    Blocked {
        /// When the next attempt counts anew.
        until: Timestamp,
    },
}
