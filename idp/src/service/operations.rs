//! What operators see of a running provider: [`health`] and [`measures`], and what both of them rest on.

pub mod health;
pub mod measures;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::telemetry::metrics::Metrics;
use health::Health;
use measures::Figures;

/// How long after its last sign the background work is taken for stuck.
const SILENCE: Duration = Duration::from_secs(30);

/// What is noted while Signet works, for those who watch over it.
#[derive(Debug, Default)]
pub struct Operations {
    /// What is counted.
    pub metrics: Arc<Metrics>,
    stopping: AtomicBool,
    sign_of_life: std::sync::Mutex<Option<Instant>>,
    health: Mutex<Option<(Instant, Arc<Health>)>>,
    figures: std::sync::Mutex<Option<Figures>>,
}

impl Operations {
    /// From now on this node isn't ready: nothing new is to be sent here.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    /// Whether the end has begun.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// The background work goes on.
    pub fn note_background_work(&self) {
        *self.sign_of_life.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether the background work gave a sign of life lately.
    fn background_work_goes_on(&self) -> bool {
        let last = *self.sign_of_life.lock().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.elapsed() < SILENCE)
    }
}
