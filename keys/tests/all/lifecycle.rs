//! staged → active → retiring → retired: when each step may be taken, and that none goes back.

use std::time::Duration;

use keys::{KeyLifecycle, KeyState, LifecycleError, RotationRules};
use proptest::prelude::*;

const HOUR_MS: i64 = 3_600_000;
const START: i64 = 1_767_225_600_000;

const RULES: RotationRules = RotationRules {
    jwks_max_age: Duration::from_hours(1),
    longest_token_life: Duration::from_hours(2),
    margin: Duration::from_mins(1),
};

#[test]
fn a_rotation_takes_its_time() {
    let staged = KeyLifecycle::staged(START);
    let may_at = START + HOUR_MS + 60_000;
    assert_eq!(staged.may_activate_at(&RULES), Some(may_at));
    let error = staged.activate(may_at - 1, &RULES).unwrap_err();
    assert_eq!(error, LifecycleError::NotYetKnown { may_at, now_ms: may_at - 1 });
    assert_eq!(
        staged.activate(START, &RULES).unwrap_err().to_string(),
        "the key was published too recently: relying parties may still hold a JWKS without it; it may sign in 3660 seconds (at 1767229260000 ms)"
    );

    let active = staged.activate(may_at, &RULES).unwrap();
    assert_eq!((active.state(), active.activated_at()), (KeyState::Active, Some(may_at)));
    let retiring_at = may_at + 30 * 24 * HOUR_MS;
    let retiring = active.begin_retiring(retiring_at).unwrap();
    assert_eq!((retiring.state(), retiring.retiring_at()), (KeyState::Retiring, Some(retiring_at)));

    let may_at = retiring_at + 2 * HOUR_MS + 60_000;
    assert_eq!(retiring.may_retire_at(&RULES), Some(may_at));
    let error = retiring.retire(may_at - 1, &RULES).unwrap_err();
    assert_eq!(error, LifecycleError::TokensStillValid { may_at, now_ms: may_at - 1 });
    assert_eq!(
        error.to_string(),
        format!("tokens that the key signed may still be valid; it may retire in 1 seconds (at {may_at} ms)")
    );
    let retired = retiring.retire(may_at, &RULES).unwrap();
    assert_eq!((retired.state(), retired.retired_at()), (KeyState::Retired, Some(may_at)));
}

#[test]
fn an_emergency_doesn_t_wait() {
    let staged = KeyLifecycle::staged(START);
    assert_eq!(staged.activate_in_emergency(START).unwrap().state(), KeyState::Active);
    let active = KeyLifecycle::first(START);
    for lifecycle in [staged, active, active.begin_retiring(START + 1).unwrap()] {
        assert_eq!(lifecycle.retire_in_emergency(START + 2).unwrap().state(), KeyState::Retired);
    }
}

#[test]
fn a_staged_key_that_is_not_wanted_retires_at_once() {
    assert_eq!(KeyLifecycle::staged(START).retire(START, &RULES).unwrap().state(), KeyState::Retired);
}

#[test]
fn steps_that_don_t_exist() {
    let staged = KeyLifecycle::staged(START);
    let active = KeyLifecycle::first(START);
    let retiring = active.begin_retiring(START).unwrap();
    let retired = retiring.retire_in_emergency(START).unwrap();
    let late = START + 1000 * HOUR_MS;
    let cases = [
        (staged.begin_retiring(late), KeyState::Staged, KeyState::Retiring),
        (active.activate(late, &RULES), KeyState::Active, KeyState::Active),
        (active.retire(late, &RULES), KeyState::Active, KeyState::Retired),
        (retiring.activate(late, &RULES), KeyState::Retiring, KeyState::Active),
        (retiring.begin_retiring(late), KeyState::Retiring, KeyState::Retiring),
        (retired.activate(late, &RULES), KeyState::Retired, KeyState::Active),
        (retired.activate_in_emergency(late), KeyState::Retired, KeyState::Active),
        (retired.begin_retiring(late), KeyState::Retired, KeyState::Retiring),
        (retired.retire(late, &RULES), KeyState::Retired, KeyState::Retired),
        (retired.retire_in_emergency(late), KeyState::Retired, KeyState::Retired),
    ];
    for (outcome, from, to) in cases {
        assert_eq!(outcome, Err(LifecycleError::WrongState { from, to }));
    }
}

#[test]
fn rows_that_contradict_themselves_are_refused() {
    use KeyState::{Active, Retired, Retiring, Staged};
    for (state, activated, retiring, retired) in [
        (Staged, Some(2), None, None),
        (Staged, None, None, Some(2)),
        (Active, None, None, None),
        (Active, Some(0), None, None),
        (Active, Some(2), Some(3), None),
        (Retiring, Some(2), None, None),
        (Retiring, None, Some(2), None),
        (Retiring, Some(3), Some(2), None),
        (Retired, Some(2), Some(3), None),
        (Retired, None, Some(3), Some(4)),
        (Retired, Some(2), Some(4), Some(3)),
    ] {
        let row = KeyLifecycle::from_parts(state, 1, activated, retiring, retired);
        assert_eq!(row, Err(LifecycleError::Inconsistent(state)), "{state} {activated:?} {retiring:?} {retired:?}");
    }
}

#[test]
fn states_have_names() {
    for (state, name) in [
        (KeyState::Staged, "staged"),
        (KeyState::Active, "active"),
        (KeyState::Retiring, "retiring"),
        (KeyState::Retired, "retired"),
    ] {
        assert_eq!(state.to_string(), name);
        assert_eq!(name.parse::<KeyState>().unwrap(), state);
        assert_eq!(serde_json::to_value(state).unwrap(), name);
        assert_eq!(state.is_published(), state != KeyState::Retired);
    }
    "Active".parse::<KeyState>().unwrap_err();
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Activate,
    ActivateInEmergency,
    BeginRetiring,
    Retire,
    RetireInEmergency,
}

proptest! {
    /// Whatever is tried, in whatever order, with a clock that jumps: the state never goes back, the times stay in
    /// order, and every state reached survives being stored.
    #[test]
    fn no_sequence_of_steps_goes_back(
        first: bool,
        steps in proptest::collection::vec(
            (
                prop::sample::select(vec![
                    Step::Activate,
                    Step::ActivateInEmergency,
                    Step::BeginRetiring,
                    Step::Retire,
                    Step::RetireInEmergency,
                ]),
                -3 * HOUR_MS..5 * HOUR_MS,
            ),
            0..12,
        ),
    ) {
        let mut lifecycle = if first { KeyLifecycle::first(START) } else { KeyLifecycle::staged(START) };
        let mut now = START;
        for (step, passed) in steps {
            now += passed;
            let before = lifecycle;
            let outcome = match step {
                Step::Activate => lifecycle.activate(now, &RULES),
                Step::ActivateInEmergency => lifecycle.activate_in_emergency(now),
                Step::BeginRetiring => lifecycle.begin_retiring(now),
                Step::Retire => lifecycle.retire(now, &RULES),
                Step::RetireInEmergency => lifecycle.retire_in_emergency(now),
            };
            if let Ok(after) = outcome {
                prop_assert!(after.state() > before.state());
                if matches!(step, Step::Activate) {
                    prop_assert!(now >= before.staged_at() + HOUR_MS + 60_000);
                }
                if let (Step::Retire, Some(since)) = (step, before.retiring_at()) {
                    prop_assert!(now >= since + 2 * HOUR_MS + 60_000);
                }
                lifecycle = after;
            }
            let stored = KeyLifecycle::from_parts(
                lifecycle.state(),
                lifecycle.staged_at(),
                lifecycle.activated_at(),
                lifecycle.retiring_at(),
                lifecycle.retired_at(),
            );
            prop_assert_eq!(stored, Ok(lifecycle));
        }
    }

    #[test]
    fn times_at_the_edge_don_t_overflow(now: i64, staged_at: i64, wait: u64) {
        let rules = RotationRules {
            jwks_max_age: Duration::from_secs(wait),
            longest_token_life: Duration::from_secs(wait),
            margin: Duration::MAX,
        };
        let lifecycle = KeyLifecycle::staged(staged_at);
        if let Err(error) = lifecycle.activate(now, &rules) {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
