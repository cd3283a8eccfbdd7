//! Client assertions (RFC 7523 §3) that were seen: each `jti` counts once.

/// Whether a `jti` was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is the first time.
    First,
    /// It was used before.
    Again,
}
