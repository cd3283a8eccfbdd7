//! The life of a signing key: staged → active → retiring → retired, never back.
//!
//! - *staged*: published, not used. Relying parties learn it before they meet its first signature.
//! - *active*: published, signs.
//! - *retiring*: published, verifies what it signed.
//! - *retired*: gone from the JWKS; the row stays as a record.
//!
//! Two waits make a rotation invisible. A key becomes active only after it was staged for longer than the JWKS may be
//! cached, and it retires only after the last token that it signed has expired. The methods whose names end in
//! `_in_emergency` skip the waits, for a key that leaked; they are separate methods so that nobody skips them by a
//! flag.
//!
//! All times are Unix milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The state of a signing key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Published, not used yet.
    Staged,
    /// Published, signs.
    Active,
    /// Published, signs nothing more.
    Retiring,
    /// Not published any more.
    Retired,
}

impl KeyState {
    /// The state as it is stored and shown.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }

    /// Whether the key stands in the JWKS and verifies.
    pub const fn is_published(self) -> bool {
        match self {
            Self::Staged | Self::Active | Self::Retiring => true,
            Self::Retired => false,
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for KeyState {
    type Err = UnknownKeyState;

    fn from_str(text: &str) -> Result<Self, UnknownKeyState> {
        [Self::Staged, Self::Active, Self::Retiring, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(UnknownKeyState)
    }
}

/// Text that names no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key's state is staged, active, retiring or retired")]
pub struct UnknownKeyState;

/// The waits of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationRules {
    /// How long relying parties may cache the JWKS: its `max-age`.
    pub jwks_max_age: Duration,
    /// The longest life of any token that a key signs.
    pub longest_token_life: Duration,
    /// Added to both waits: clocks that disagree, nodes that learn of a change late.
    pub margin: Duration,
}

impl RotationRules {
    fn staging(&self) -> Duration {
        self.jwks_max_age.saturating_add(self.margin)
    }

    fn retiring(&self) -> Duration {
        self.longest_token_life.saturating_add(self.margin)
    }
}

/// A key's state and when it entered each. Only sound combinations exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLifecycle {
    state: KeyState,
    staged_at: i64,
    activated_at: Option<i64>,
    retiring_at: Option<i64>,
    retired_at: Option<i64>,
}

/// Why a key's state may not change, or why a row isn't a lifecycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// The state machine has no such step.
    #[error("a key that is {from} can't become {to}")]
    WrongState {
        /// The state it is in.
        from: KeyState,
        /// The state asked for.
        to: KeyState,
    },
    /// The JWKS with this key may not have reached every relying party.
    #[error("the key was published too recently: relying parties may still hold a JWKS without it; it may sign in {} seconds (at {may_at} ms)", seconds_between(*.now_ms, *.may_at))]
    NotYetKnown {
        /// When it may be activated.
        may_at: i64,
        /// The time of the attempt.
        now_ms: i64,
    },
    /// Tokens that it signed may still be valid.
    #[error("tokens that the key signed may still be valid; it may retire in {} seconds (at {may_at} ms)", seconds_between(*.now_ms, *.may_at))]
    TokensStillValid {
        /// When it may retire.
        may_at: i64,
        /// The time of the attempt.
        now_ms: i64,
    },
    /// A stored row contradicts itself: a time missing, one too many, or out of order.
    #[error("the stored times don't go with the state {0}")]
    Inconsistent(KeyState),
}

impl KeyLifecycle {
    /// A new key, published from now on.
    pub const fn staged(now_ms: i64) -> Self {
        Self { state: KeyState::Staged, staged_at: now_ms, activated_at: None, retiring_at: None, retired_at: None }
    }

    /// A new key that signs at once: only for a tenant whose JWKS nobody has seen yet.
    pub const fn first(now_ms: i64) -> Self {
        Self { state: KeyState::Active, activated_at: Some(now_ms), ..Self::staged(now_ms) }
    }

    /// Reads a stored lifecycle.
    ///
    /// # Errors
    /// [`LifecycleError::Inconsistent`].
    pub fn from_parts(
        state: KeyState,
        staged_at: i64,
        activated_at: Option<i64>,
        retiring_at: Option<i64>,
        retired_at: Option<i64>,
    ) -> Result<Self, LifecycleError> {
        let complete = match state {
            KeyState::Staged => activated_at.is_none() && retiring_at.is_none() && retired_at.is_none(),
            KeyState::Active => activated_at.is_some() && retiring_at.is_none() && retired_at.is_none(),
            KeyState::Retiring => activated_at.is_some() && retiring_at.is_some() && retired_at.is_none(),
            // An emergency retires a key from any state, so the times between may be missing.
            KeyState::Retired => retired_at.is_some() && (activated_at.is_some() || retiring_at.is_none()),
        };
        let times = [Some(staged_at), activated_at, retiring_at, retired_at];
        let in_order = times.into_iter().flatten().is_sorted();
        if !complete || !in_order {
            return Err(LifecycleError::Inconsistent(state));
        }
        Ok(Self { state, staged_at, activated_at, retiring_at, retired_at })
    }

    /// The state.
    pub const fn state(&self) -> KeyState {
        self.state
    }

    /// When it was first published.
    pub const fn staged_at(&self) -> i64 {
        self.staged_at
    }

    /// When it began to sign.
    pub const fn activated_at(&self) -> Option<i64> {
        self.activated_at
    }

    /// When it stopped signing.
    pub const fn retiring_at(&self) -> Option<i64> {
        self.retiring_at
    }

    /// When it left the JWKS.
    pub const fn retired_at(&self) -> Option<i64> {
        self.retired_at
    }

    /// When a staged key may begin to sign; `None` in other states.
    pub fn may_activate_at(&self, rules: &RotationRules) -> Option<i64> {
        (self.state == KeyState::Staged).then(|| after(self.staged_at, rules.staging()))
    }

    /// When a retiring key may leave the JWKS; `None` in other states.
    pub fn may_retire_at(&self, rules: &RotationRules) -> Option<i64> {
        match (self.state, self.retiring_at) {
            (KeyState::Retiring, Some(since)) => Some(after(since, rules.retiring())),
            _ => None,
        }
    }

    /// staged → active, once every cached JWKS has it.
    ///
    /// # Errors
    /// [`LifecycleError::NotYetKnown`] says when it may; [`LifecycleError::WrongState`].
    pub fn activate(self, now_ms: i64, rules: &RotationRules) -> Result<Self, LifecycleError> {
        match self.may_activate_at(rules) {
            Some(may_at) if now_ms < may_at => Err(LifecycleError::NotYetKnown { may_at, now_ms }),
            _ => self.activate_in_emergency(now_ms),
        }
    }

    /// staged → active without the wait: relying parties that don't re-read the JWKS on an unknown `kid` will refuse
    /// its tokens for a while.
    ///
    /// # Errors
    /// [`LifecycleError::WrongState`].
    pub fn activate_in_emergency(self, now_ms: i64) -> Result<Self, LifecycleError> {
        match self.state {
            KeyState::Staged => {
                Ok(Self { state: KeyState::Active, activated_at: Some(now_ms.max(self.staged_at)), ..self })
            }
            from => Err(LifecycleError::WrongState { from, to: KeyState::Active }),
        }
    }

    /// active → retiring: it signs nothing more. The caller sees to it that another key of the algorithm is active.
    ///
    /// # Errors
    /// [`LifecycleError::WrongState`].
    pub fn begin_retiring(self, now_ms: i64) -> Result<Self, LifecycleError> {
        match self.state {
            KeyState::Active => {
                Ok(Self { state: KeyState::Retiring, retiring_at: Some(now_ms.max(self.latest())), ..self })
            }
            from => Err(LifecycleError::WrongState { from, to: KeyState::Retiring }),
        }
    }

    /// retiring → retired, once the last token that it signed has expired; a staged key, which signed none, at once.
    ///
    /// # Errors
    /// [`LifecycleError::TokensStillValid`] says when it may; [`LifecycleError::WrongState`] for an active key.
    pub fn retire(self, now_ms: i64, rules: &RotationRules) -> Result<Self, LifecycleError> {
        match (self.state, self.may_retire_at(rules)) {
            (KeyState::Active, _) => Err(LifecycleError::WrongState { from: KeyState::Active, to: KeyState::Retired }),
            (_, Some(may_at)) if now_ms < may_at => Err(LifecycleError::TokensStillValid { may_at, now_ms }),
            _ => self.retire_in_emergency(now_ms),
        }
    }

    /// Whether it was retired in its time, when the last token that it signed had expired, and not in an emergency:
    /// what it signed is over, but it was this key that signed it.
    pub fn is_retired_in_time(&self, rules: &RotationRules) -> bool {
        match (self.retiring_at, self.retired_at) {
            (Some(since), Some(at)) => at >= after(since, rules.retiring()),
            (None, _) | (_, None) => false,
        }
    }

    /// Any state → retired at once, for a key that leaked: every token that it signed stops verifying.
    ///
    /// # Errors
    /// [`LifecycleError::WrongState`] if it is retired already.
    pub fn retire_in_emergency(self, now_ms: i64) -> Result<Self, LifecycleError> {
        match self.state {
            KeyState::Staged | KeyState::Active | KeyState::Retiring => {
                Ok(Self { state: KeyState::Retired, retired_at: Some(now_ms.max(self.latest())), ..self })
            }
            KeyState::Retired => Err(LifecycleError::WrongState { from: KeyState::Retired, to: KeyState::Retired }),
        }
    }

    /// The latest time recorded: times never run backwards, even when the clock does.
    fn latest(&self) -> i64 {
        [self.activated_at, self.retiring_at, self.retired_at].into_iter().flatten().fold(self.staged_at, i64::max)
    }
}

/// A point so long after another, in Unix milliseconds.
fn after(start_ms: i64, wait: Duration) -> i64 {
    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
    start_ms.saturating_add(wait_ms)
}

/// Whole seconds from one point in Unix milliseconds to another, rounded up.
fn seconds_between(start_ms: i64, end_ms: i64) -> i64 {
    end_ms.saturating_sub(start_ms).saturating_add(999).div_euclid(1000)
}
